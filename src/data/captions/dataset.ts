/** Opens any set of captioned pictures: by the name of its format, or by what lies in its folder. */

import { extname } from 'node:path';
import { z } from 'zod';
import {
  type Refusal,
  type SetFormat,
  SetFormats,
  splitSettings,
  withSettings,
} from '../dataset-settings.js';
import { readText } from '../formats/files.js';
import { isFolder } from '../formats/folders.js';
import { photosBelow } from '../pictures/photo-files.js';
import { holdsCaptionTable, openCaptionTable } from './caption-table.js';
import type { CaptionDataset } from './captioned-images.js';
import { holdsCoco, openCoco } from './coco.js';
import { holdsCs231n, openCs231n } from './cs231n.js';
import { openFlickr8k, openKaggleFlickr8k, recogniseFlickr8k } from './flickr8k.js';
import { holdsKarpathy, openKarpathy } from './karpathy.js';
import { sceneDataset } from './scenes.js';

const images = z.string().min(1).optional();

const FORMATS: Readonly<Record<string, SetFormat<CaptionDataset, undefined>>> = {
  flickr8k: {
    usage: 'flickr8k:<folder>[,dev=0.1][,test=0.1][,seed=0]',
    explanation: 'Flickr8k as its authors distribute it: Flicker8k_Dataset/ and Flickr8k_text/',
    open: withSettings(z.strictObject(splitSettings), openFlickr8k),
  },
  kaggle: {
    usage: 'kaggle:<folder>[,dev=0.1][,test=0.1][,seed=0]',
    explanation: 'Flickr8k, or 30k, as Kaggle distributes it: Images/ and captions.txt',
    open: withSettings(z.strictObject(splitSettings), openKaggleFlickr8k),
  },
  coco: {
    usage: 'coco:<folder or file>[,year=2014][,images=<folder>][,dev=0.1][,test=0.1][,seed=0]',
    explanation: 'COCO captions: annotations/captions_train2014.json and _val2014, or one file',
    open: withSettings(
      z.strictObject({ images, year: z.string().optional(), ...splitSettings }),
      openCoco,
    ),
  },
  karpathy: {
    usage: 'karpathy:<folder or file>[,images=<folder>][,restval=no]',
    explanation: 'A. Karpathy’s dataset_flickr8k.json, dataset_flickr30k.json or dataset_coco.json',
    open: withSettings(
      z.strictObject({ images, restval: z.stringbool().optional() }),
      openKarpathy,
    ),
  },
  captions: {
    usage: 'captions:<folder or file>[,images=<folder>][,dev=0.1][,test=0.1][,seed=0]',
    explanation:
      'your own photos: a table of file and caption (.csv, .tsv, .jsonl, .json), or a .txt beside each photo',
    open: withSettings(z.strictObject({ images, ...splitSettings }), openCaptionTable),
  },
  cs231n: {
    usage: 'cs231n:<folder>',
    explanation: 'COCO as the course CS231n hands it out: coco2014_captions.h5 and _vocab.json',
    open: (rest) => openCs231n(rest),
  },
  scenes: {
    usage: 'scenes:<count>[,dev=<count>][,test=<count>][,seed=0][,size=48]',
    explanation: 'drawn scenes; dev and test have a tenth as many unless told otherwise',
    open: async (rest, refuse) => sceneDataset(parseSceneOptions(rest, refuse)),
  },
};

const formats = new SetFormats('A dataset', FORMATS, recogniseDataset);

/** What `openDataset` accepts, a line each, for error messages and help texts. */
export const DATASET_FORMATS = formats.lines;

/**
 * Opens a set of captioned pictures: `coco:<folder>`, `captions:<table>,dev=0.2`,
 * `scenes:<count>,seed=<n>`, ..., or just a file or folder, whose format is then recognised. Photos
 * are not decoded yet.
 *
 * @throws UsageError, listing the formats, when `specification` is none of them; FileError and
 *   FormatError as the format's own function.
 */
export async function openDataset(specification: string): Promise<CaptionDataset> {
  return formats.open(specification, undefined);
}

function parseSceneOptions(rest: string, refuse: Refusal): Parameters<typeof sceneDataset>[0] {
  const [count = '', ...settings] = rest.split(',');
  const train = parseCount('the number of scenes', count, refuse);
  const options = {
    train,
    dev: Math.ceil(train / 10),
    test: Math.ceil(train / 10),
    seed: 0,
    size: 48,
  };
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=');
    if (key !== 'dev' && key !== 'test' && key !== 'seed' && key !== 'size') {
      throw refuse(`Drawn scenes have no setting ${JSON.stringify(setting)}.`);
    }
    options[key] = parseCount(key, value, refuse);
  }
  if (options.size < 24) throw refuse(`size must be at least 24, not ${options.size}.`);
  return options;
}

/** An integer of at most nine digits: what a seed, a size or a count in memory can be. */
function parseCount(what: string, text: string, refuse: Refusal): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw refuse(`${what} must be an integer of 0 or more, not ${JSON.stringify(text)}.`);
}

/**
 * The format of a file or folder, by the names of files or, of a JSON file, by how it starts;
 * undefined for none that is known. @throws FileError when there is neither file nor folder
 */
export async function recogniseDataset(path: string): Promise<string | undefined> {
  if (!(await isFolder(path))) return ofFile(path);
  const flickr = await recogniseFlickr8k(path);
  if (flickr) return flickr;
  if (holdsCs231n(path)) return 'cs231n';
  if (await holdsCoco(path)) return 'coco';
  if (await holdsKarpathy(path)) return 'karpathy';
  if (await holdsCaptionTable(path)) return 'captions';
  // Photos without captions, or with a table of another name: that is said by the reader of those.
  return (await photosBelow(path)).length > 0 ? 'captions' : undefined;
}

async function ofFile(path: string): Promise<string | undefined> {
  const extension = extname(path).toLowerCase();
  if (['.csv', '.tsv', '.jsonl'].includes(extension)) return 'captions';
  if (extension !== '.json') return undefined;
  const text = await readText(path);
  if (/^\s*\[/.test(text)) return 'captions';
  if (/"sentences"\s*:/.test(text)) return 'karpathy';
  return /"annotations"\s*:/.test(text) ? 'coco' : undefined;
}
