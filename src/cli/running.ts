/** Running descriptions of clips: what is said of each stretch, as subtitles or in JSON. */
import { existsSync, statSync } from 'node:fs';
import { dirname, extname, join, parse, relative, resolve } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../data/formats/folders.js';
import { isFaultOfFile } from '../data/formats/notes.js';
import {
  type Cue,
  type SubtitleDocument,
  subtitleDocument,
  subtitleFormats,
} from '../data/formats/subtitles.js';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { printableLine } from '../data/text/printable.js';
import { UsageError } from '../errors.js';
import type { Failures } from './failure.js';
import { checkOutputs, refuseToReplace } from './outputs.js';
import { note, say } from './terminal.js';

/** `--every 2s`: seconds, above 0. */
export const everyField = z
  .string()
  .regex(/^(\d+\.?\d*|\.\d+)s?$/, 'must be a number of seconds, such as 2 or 0.5s')
  .transform((text) => Number.parseFloat(text))
  .refine((seconds) => seconds > 0, 'must be above 0')
  .optional()
  .meta({
    flag: '--every <seconds>',
    help: 'tell of each stretch of so many seconds, such as 2s, as subtitles',
  });

/** How running descriptions are written: subtitles, or a line a stretch. */
export const runningFormats = [...subtitleFormats, 'text'] as const;
export type RunningFormat = (typeof runningFormats)[number];

/** What is said of a stretch of a clip; its JSON has what is known besides `from` and `to`. */
export interface SaidStretch extends Cue {
  readonly value: object;
}

/** Follows a clip from its begin to its end. */
export type Follow = (clip: string) => AsyncIterable<SaidStretch>;

/** Where and how running descriptions are written. */
export interface RunningOptions {
  readonly format?: RunningFormat | undefined;
  /** A file, or a folder with a file for each clip; undefined: standard output. */
  readonly out?: string | undefined;
  readonly overwrite?: boolean | undefined;
}

/** The stretches of all clips, for programs. What goes wrong with a clip goes to `failures`. */
export async function runningValues(
  clips: readonly string[],
  follow: Follow,
  failures: Failures,
): Promise<object[]> {
  const values: object[] = [];
  await eachClip(clips, failures, async (clip) => {
    const stretches: object[] = [];
    for await (const { from, to, value } of follow(clip)) {
      stretches.push({ from: microseconds(from), to: microseconds(to), ...value });
    }
    values.push({ clip, stretches });
  });
  return values;
}

/** Without the digits that a sum of times leaves: 3.36, not 3.3600000000000003. */
export function microseconds(seconds: number): number {
  return Number(seconds.toFixed(6));
}

const byEnding: Readonly<Record<string, RunningFormat>> = { '.srt': 'srt', '.txt': 'text' };

/**
 * Where the subtitles of each clip go, asked before the work.
 * @param inputs files that may not be replaced.
 * @throws UsageError when there is no place for each, or a file is there already; FileError when one cannot be written
 */
export async function subtitlePlaces(
  clips: readonly string[],
  { format: named, out, overwrite = false }: RunningOptions,
  inputs: readonly string[],
): Promise<{ format: RunningFormat; places: readonly (string | undefined)[] }> {
  const format = named ?? byEnding[extname(out ?? '').toLowerCase()] ?? 'vtt';
  if (out === undefined) {
    if (clips.length === 1 || format === 'text')
      return { format, places: clips.map(() => undefined) };
    throw new UsageError(
      `subtitles are of one clip, but these are ${clips.length}: --out <folder> writes a file for each, --format text a line a stretch, --json all in one document`,
    );
  }
  const isFolder = existsSync(out) && statSync(out).isDirectory();
  if (clips.length > 1 && existsSync(out) && !isFolder) {
    throw new UsageError(
      `--out ${out} is a file, but these are ${clips.length} clips: name a folder`,
    );
  }
  const inFolder = isFolder || clips.length > 1;
  const places = inFolder ? placesBelow(out, clips, format) : [out];
  if (!overwrite) refuseToReplace(places);
  for (const folder of new Set(inFolder ? places.map(dirname) : [])) await makeFolder(folder);
  await checkOutputs(...places);
  for (const place of places) await refuseInputs(place, [...clips, ...inputs]);
  return { format, places };
}

/** `out/monday/a.vtt` for `holiday/monday/a.mp4`, where all clips are in `holiday`. @throws UsageError for two of a name */
function placesBelow(out: string, clips: readonly string[], format: RunningFormat): string[] {
  const folders = clips.map((clip) => dirname(resolve(clip)));
  let common = folders[0] ?? '';
  while (folders.some((folder) => relative(common, folder).startsWith('..'))) {
    common = dirname(common);
  }
  const clipOf = new Map<string, string>();
  return clips.map((clip, index) => {
    const inner = relative(common, folders[index] ?? common);
    const place = join(out, inner, `${parse(clip).name}.${format === 'text' ? 'txt' : format}`);
    const other = clipOf.get(place);
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${clip} would have the same subtitles, ${place}: follow them one by one`,
      );
    }
    clipOf.set(place, clip);
    return place;
  });
}

/** Writes what is said of each clip, as it becomes known. What goes wrong with a clip goes to `failures`. */
export async function writeSubtitles(
  clips: readonly string[],
  follow: Follow,
  {
    format,
    places,
  }: { readonly format: RunningFormat; readonly places: readonly (string | undefined)[] },
  failures: Failures,
): Promise<void> {
  await eachClip(clips, failures, async (clip, index) => {
    const place = places[index];
    if (place === undefined) {
      const name = clips.length > 1 ? clip : undefined;
      for await (const piece of pieces(follow(clip), documentOf(format, name))) say(piece);
    } else {
      await writeFileAtomically(place, pieces(follow(clip), documentOf(format)));
      note(`${clip}: ${place}`);
    }
  });
}

async function eachClip(
  clips: readonly string[],
  failures: Failures,
  work: (clip: string, index: number) => Promise<void>,
): Promise<void> {
  for (const [index, clip] of clips.entries()) {
    try {
      await work(clip, index);
    } catch (error) {
      if (!isFaultOfFile(error)) throw error;
      failures.add(clip, error.message);
    }
  }
}

/** A document as it grows; of a clip that cannot be read nothing, not even its start. */
async function* pieces(stretches: AsyncIterable<SaidStretch>, document: SubtitleDocument) {
  let index = 0;
  for await (const stretch of stretches) {
    const cue = document.cue(stretch, index);
    yield index++ === 0 ? `${document.start}${cue}` : cue;
  }
}

/** Of text a line each: `dog.mp4, 0 to 2 s: a dog runs`. @param name of the clip, where there are several */
function documentOf(format: RunningFormat, name?: string): SubtitleDocument {
  if (format !== 'text') return subtitleDocument(format);
  const whose = name === undefined ? '' : `${name}, `;
  return {
    start: '',
    cue: ({ from, to, text }) =>
      text
        .split('\n')
        .map((line) => `${whose}${milliseconds(from)} to ${milliseconds(to)} s: ${line}`)
        .map((line) => `${printableLine(line)}\n`)
        .join(''),
  };
}

/** Seconds as people read them: 3.367. */
function milliseconds(seconds: number): number {
  return Number(seconds.toFixed(3));
}
