/** Opens any set of labelled clips: by the name of its format, or by what lies in its folder. */
import { extname } from 'node:path';
import { z } from 'zod';
import { FileError, UsageError } from '../../errors.js';
import { readSettings, splitSpecification, withoutSettings } from '../dataset-settings.js';
import { isFolder } from '../formats/folders.js';
import { TABLE_ENDINGS } from '../formats/tables.js';
import { openClipArrays } from './clip-arrays.js';
import { openClipTable } from './clip-table.js';
import { columnSettings } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';

interface Format {
  readonly usage: string;
  readonly explanation: string;
  readonly open: (rest: string) => Promise<ClipDataset>;
}

const text = z.string().min(1).optional();
const rate = z.coerce
  .number('must be a number of frames a second')
  .positive('must be above 0')
  .max(1e6)
  .optional();

/** Settings of where the clips of a list are. */
const places = { videos: text, missing: z.enum(['stop', 'skip']).optional() };

const FORMATS: Readonly<Record<string, Format>> = {
  npz: {
    usage:
      'npz:<file>[,columns=action+person+frames][,label=action][,by=person,test=2+4,dev=9][,names=<file>]',
    explanation:
      'numpy arrays: clips (N, T, H, W), sequences (N, T, D), or frames one behind the other and a table clips',
    open: withSettings(
      z.strictObject({
        ...columnSettings,
        columns: text,
        length: text,
        data: text,
        as: z.enum(['frames', 'numbers']).optional(),
        rate,
      }),
      openClipArrays,
    ),
  },
  table: {
    usage:
      'table:<file>[,video=video][,label=action][,by=subject,test=daria,dev=denis][,videos=<folder>][,missing=skip]',
    explanation: 'a table of files and labels (.csv, .tsv, .jsonl, .json), a row a clip',
    open: withSettings(
      z.strictObject({ ...columnSettings, ...places, video: text, from: text, to: text }),
      openClipTable,
    ),
  },
};

/** What `openClips` accepts, a line each, for error messages and help texts. */
export const CLIP_FORMATS: readonly string[] = Object.values(FORMATS).map(
  ({ usage, explanation }) => `${usage}  (${explanation})`,
);

/**
 * Opens a set of labelled clips: `npz:<file>,by=person,test=2+4`, `table:<file>`, or just a file or folder, whose
 * format is then recognised. Clips are not decoded yet.
 *
 * @throws UsageError, listing the formats, when `specification` is none of them or not there; FileError and
 *   FormatError as the format's own function.
 */
export async function openClips(specification: string): Promise<ClipDataset> {
  const { name, rest } = splitSpecification(specification);
  const format = name !== undefined && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format) return format.open(rest);
  const recognised = await recognise(withoutSettings(specification)).catch((error: unknown) => {
    if (error instanceof FileError) throw unknown(error.message);
    throw error;
  });
  const found = recognised === undefined ? undefined : FORMATS[recognised];
  if (!found) throw unknown(`${JSON.stringify(specification)} is of no known format.`);
  return found.open(specification);
}

async function recognise(path: string): Promise<keyof typeof FORMATS | undefined> {
  if (await isFolder(path)) return undefined;
  const ending = extname(path).toLowerCase();
  if (ending === '.npz') return 'npz';
  return TABLE_ENDINGS.includes(ending) ? 'table' : undefined;
}

function withSettings<T>(
  schema: z.ZodType<T>,
  open: (path: string, settings: T) => Promise<ClipDataset>,
): Format['open'] {
  return async (rest) => {
    const { path, settings } = readSettings(rest, schema, unknown);
    return open(path, settings);
  };
}

function unknown(reason: string): UsageError {
  return new UsageError(
    `${reason}\nA set of labelled clips is one of:\n  ${CLIP_FORMATS.join('\n  ')}`,
  );
}
