/** Opens any set of captioned clips: by the name of its format, or by what lies in its folder. */
import { extname } from 'node:path';
import { z } from 'zod';
import { captionedFiles, holdsCaptionTable } from '../captions/caption-table.js';
import { openDataset } from '../captions/dataset.js';
import {
  countSetting,
  type SetFormat,
  SetFormats,
  splitSettings,
  withSettings,
} from '../dataset-settings.js';
import { readText } from '../formats/files.js';
import { isFolder, nameOfSet } from '../formats/folders.js';
import { mapSplits, type ShareOptions } from '../splits.js';
import type { CaptionedClip, ClipCaptionDataset } from './captioned-clips.js';
import { CLIPS, clipsBelow } from './clip-files.js';
import { glidingDigitSet, movingSceneSet } from './drawn-sets.js';
import {
  digitSettings,
  movingCaptionSettings,
  openDigits,
  readMovingSettings,
} from './drawn-settings.js';
import { framed, frameSettings } from './frame-settings.js';
import type { ClipPlaces } from './locate-clips.js';
import { holdsMsrVtt, openMsrVtt } from './msr-vtt.js';
import { holdsMsvd, isMsvdTable, openMsvd } from './msvd.js';
import { pannedPhotoSet } from './panned-photos.js';

const places = {
  videos: z.string().min(1).optional(),
  missing: z.enum(['stop', 'skip']).optional(),
  ...frameSettings,
};

/** Settings of a window over photos, told from those of the photos' set by their names. */
const panSettings = z.object({
  size: countSetting.optional(),
  frames: countSetting.optional(),
  zoom: z.coerce.number('must be a number').optional(),
  pan: countSetting.optional(),
});

const FORMATS: Readonly<Record<string, SetFormat<ClipCaptionDataset, undefined>>> = {
  captions: {
    usage:
      'captions:<folder or file>[,videos=<folder>][,missing=skip][,dev=0.1][,test=0.1][,seed=0]',
    explanation:
      'your own clips: a table of video and caption (.csv, .tsv, .jsonl, .json), or a .txt beside each clip',
    open: withSettings(z.strictObject({ ...places, ...splitSettings }), framed(openCaptionedFiles)),
  },
  msrvtt: {
    usage: 'msrvtt:<folder or file>[,cut=no][,videos=<folder>][,missing=skip][,dev=0.1]',
    explanation: 'MSR-VTT: train_val_videodatainfo.json and the like',
    open: withSettings(
      z.strictObject({ ...places, ...splitSettings, cut: z.stringbool().optional() }),
      framed(openMsrVtt),
    ),
  },
  msvd: {
    usage: 'msvd:<folder or file>[,language=English][,videos=<folder>][,missing=skip][,dev=0.1]',
    explanation: 'MSVD: Microsoft’s table, AllVideoDescriptions.txt, or JSON',
    open: withSettings(
      z.strictObject({ ...places, ...splitSettings, language: z.string().min(1).optional() }),
      framed(openMsvd),
    ),
  },
  moving: {
    usage:
      'moving:<count>[,dev=<count>][,test=<count>][,seed=0][,size=48][,frames=16][,events=2][,corners=yes][,order=yes][,sentences=1]',
    explanation: 'drawn clips of things that move, made on the spot; dev and test a tenth as many',
    open: async (rest, refuse) =>
      movingSceneSet(readMovingSettings(rest, refuse, movingCaptionSettings)),
  },
  digits: {
    usage:
      'digits:<folder>[,count=10000][,dev=<count>][,test=<count>][,seed=0][,size=64][,frames=20]',
    explanation: 'two of MNIST’s digits that glide; the folder is that of idx:',
    open: withSettings(digitSettings, async (path, settings) =>
      glidingDigitSet(...(await openDigits(path, settings))),
    ),
  },
  panned: {
    usage: 'panned:<dataset of photos>[,size=112][,frames=16][,zoom=1.5][,pan=0]',
    explanation: 'a window that glides over the photos of any dataset, by the seed pan',
    open: async (rest, refuse) => {
      const own = Object.keys(panSettings.shape);
      const settings = rest.split(',').slice(1);
      const isOwn = (setting: string) => own.includes(setting.split('=')[0] ?? '');
      const photos = [rest.split(',')[0], ...settings.filter((setting) => !isOwn(setting))];
      const pan = withSettings(panSettings, async (_, { pan: seed, ...window }) =>
        pannedPhotoSet(await openDataset(photos.join(',')), { ...window, seed }),
      );
      return pan([`photos`, ...settings.filter(isOwn)].join(','), refuse, undefined);
    },
  },
};

const formats = new SetFormats('A set of captioned clips', FORMATS, recognise);

/** What `openCaptionedClips` accepts, a line each, for error messages and help texts. */
export const CAPTIONED_CLIP_FORMATS = formats.lines;

/**
 * Opens a set of captioned clips: `captions:<table>`, `msrvtt:<folder>`, `moving:<count>`, ..., or just a file or
 * folder, whose format is then recognised. Clips are not decoded yet.
 *
 * @throws UsageError, listing the formats, when `specification` is none of them or not there; FileError and
 *   FormatError as the format's own function.
 */
export async function openCaptionedClips(specification: string): Promise<ClipCaptionDataset> {
  return formats.open(specification, undefined);
}

/** Your own clips, with their captions in a table or beside them. @throws as `openCaptionTable` */
async function openCaptionedFiles(
  path: string,
  { videos, missing = 'stop', ...shares }: ShareOptions & ClipPlaces,
): Promise<ClipCaptionDataset> {
  const found = await captionedFiles(path, { ...shares, missing, chosen: videos }, CLIPS);
  return {
    name: nameOfSet(path),
    format: 'captions',
    splits: mapSplits(
      found.splits,
      ({ id, path, part, captions }): CaptionedClip => ({ id, clip: { path, ...part }, captions }),
    ),
    notes: found.notes,
  };
}

async function recognise(path: string): Promise<string | undefined> {
  if (!(await isFolder(path))) return ofFile(path);
  if (await holdsMsrVtt(path)) return 'msrvtt';
  if (await holdsMsvd(path)) return 'msvd';
  if (await holdsCaptionTable(path, CLIPS)) return 'captions';
  // Clips without captions: that is said by the reader of those.
  return (await clipsBelow(path)).clips.length > 0 ? 'captions' : undefined;
}

async function ofFile(path: string): Promise<string | undefined> {
  switch (extname(path).toLowerCase()) {
    case '.csv':
    case '.tsv':
      return (await isMsvdTable(path)) ? 'msvd' : 'captions';
    case '.jsonl':
      return 'captions';
    case '.txt':
      return 'msvd';
    case '.json': {
      const text = await readText(path);
      if (/^\s*\[/.test(text)) return 'captions';
      if (!/"sentences"\s*:/.test(text)) return 'captions';
      return /"video_id"\s*:/.test(text) && /"videos"\s*:/.test(text) && /"caption"\s*:/.test(text)
        ? 'msrvtt'
        : 'msvd';
    }
    default:
      return undefined;
  }
}
