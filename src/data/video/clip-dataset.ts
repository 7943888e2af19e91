/** Opens any set of labelled clips: by the name of its format, or by what lies in its folder. */
import { extname } from 'node:path';
import { z } from 'zod';
import { countSetting, type SetFormat, SetFormats, withSettings } from '../dataset-settings.js';
import { isFolder } from '../formats/folders.js';
import { TABLE_ENDINGS } from '../formats/tables.js';
import { openClipArrays } from './clip-arrays.js';
import { holdsClipFolders, openClipFolders } from './clip-folders.js';
import { holdsUcf101, openMmaction2, openUcf101 } from './clip-lists.js';
import { holdsClipTable, openClipTable } from './clip-table.js';
import { clipSetSettings, columnSettings } from './divide-clips.js';
import { bouncingDigitSet, movingEventSet } from './drawn-sets.js';
import { digitSettings, movingSettings, openDigits, readMovingSettings } from './drawn-settings.js';
import { framed, frameSettings, rateSetting } from './frame-settings.js';
import { holdsKinetics, isKinetics, openKinetics } from './kinetics.js';
import type { ClipDataset } from './labelled-clips.js';
import { holdsSomethingSomething, openSomethingSomething } from './something-something.js';

const text = z.string().min(1).optional();

/** Settings of where the clips of a list are. */
const places = {
  videos: text,
  missing: z.enum(['stop', 'skip']).optional(),
  ...frameSettings,
};

const FORMATS: Readonly<Record<string, SetFormat<ClipDataset, undefined>>> = {
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
        rate: rateSetting,
      }),
      openClipArrays,
    ),
  },
  table: {
    usage:
      'table:<file or folder>[,video=video][,label=action][,by=subject,test=daria,dev=denis][,videos=<folder>][,missing=skip]',
    explanation: 'a table of files and labels (.csv, .tsv, .jsonl, .json), a row a clip',
    open: withSettings(
      z.strictObject({ ...columnSettings, ...places, video: text, from: text, to: text }),
      framed(openClipTable),
    ),
  },
  folder: {
    usage: 'folder:<folder>[,dev=0.1][,test=0][,seed=0]',
    explanation:
      'a folder of videos, animations or folders of frames for each class; or such folders in train, val, test',
    open: withSettings(
      z.strictObject({ ...clipSetSettings, ...frameSettings }),
      framed(openClipFolders),
    ),
  },
  ucf101: {
    usage: 'ucf101:<folder>[,fold=1][,by=group,dev=24+25][,videos=<folder>][,missing=skip]',
    explanation: 'lists as UCF101 has them: trainlist01.txt, testlist01.txt, classInd.txt',
    open: withSettings(
      z.strictObject({ ...clipSetSettings, ...places, by: text, fold: countSetting.optional() }),
      framed(openUcf101),
    ),
  },
  mmaction2: {
    usage:
      'mmaction2:<list>[,devlist=<list>][,testlist=<list>][,videos=<folder>][,missing=skip][,names=<file>][,first=0]',
    explanation: 'lists as mmaction2 has them: "video.mp4 label", or "folder frames label"',
    open: withSettings(
      z.strictObject({ ...clipSetSettings, ...places, devlist: text, testlist: text }),
      framed(openMmaction2),
    ),
  },
  kinetics: {
    usage: 'kinetics:<folder or file>[,cut=yes][,videos=<folder>][,missing=skip]',
    explanation: 'train.csv, val.csv, test.csv of label, youtube_id, time_start, time_end, split',
    open: withSettings(
      z.strictObject({ ...clipSetSettings, ...places, cut: z.stringbool().optional() }),
      framed(openKinetics),
    ),
  },
  something: {
    usage: 'something:<folder>[,videos=<folder>][,missing=skip]',
    explanation: 'Something-Something V2: train.json, validation.json and labels.json',
    open: withSettings(
      z.strictObject({ ...clipSetSettings, ...places }),
      framed(openSomethingSomething),
    ),
  },
  moving: {
    usage:
      'moving:<count>[,dev=<count>][,test=<count>][,seed=0][,size=48][,frames=16][,corners=yes]',
    explanation:
      'drawn clips, made on the spot: what happens to a thing; dev and test a tenth as many',
    open: async (rest, refuse) => movingEventSet(readMovingSettings(rest, refuse, movingSettings)),
  },
  digits: {
    usage:
      'digits:<folder>[,count=10000][,dev=<count>][,test=<count>][,seed=0][,size=64][,frames=20]',
    explanation: "MNIST's digits that glide and bounce; the folder is that of idx:",
    open: withSettings(digitSettings, async (path, settings) =>
      bouncingDigitSet(...(await openDigits(path, settings))),
    ),
  },
};

const formats = new SetFormats('A set of labelled clips', FORMATS, recognise);

/** What `openClips` accepts, a line each, for error messages and help texts. */
export const CLIP_FORMATS = formats.lines;

/**
 * Opens a set of labelled clips: `npz:<file>,by=person,test=2+4`, `table:<file>`, or just a file or folder, whose
 * format is then recognised. Clips are not decoded yet.
 *
 * @throws UsageError, listing the formats, when `specification` is none of them or not there; FileError and
 *   FormatError as the format's own function.
 */
export async function openClips(specification: string): Promise<ClipDataset> {
  return formats.open(specification, undefined);
}

async function recognise(path: string): Promise<string | undefined> {
  if (!(await isFolder(path))) return ofFile(path);
  if (await holdsUcf101(path)) return 'ucf101';
  if (await holdsSomethingSomething(path)) return 'something';
  if (await holdsKinetics(path)) return 'kinetics';
  if (await holdsClipTable(path)) return 'table';
  return (await holdsClipFolders(path)) ? 'folder' : undefined;
}

async function ofFile(path: string): Promise<string | undefined> {
  const ending = extname(path).toLowerCase();
  if (ending === '.npz') return 'npz';
  if (ending === '.txt') return 'mmaction2';
  if (!TABLE_ENDINGS.includes(ending)) return undefined;
  return (await isKinetics(path)) ? 'kinetics' : 'table';
}
