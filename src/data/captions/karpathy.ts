/**
 * Captions and splits as A. Karpathy published them for Flickr8k, Flickr30k and COCO.
 *
 * `dataset_flickr8k.json` and the like. Source: "Deep visual-semantic alignments", CVPR 2015.
 */
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { FileError, FormatError } from '../../errors.js';
import { readJson } from '../formats/files.js';
import { isFolder, namesIn } from '../formats/folders.js';
import { locateFiles, plainName, refuseTwoNames } from '../formats/locate-files.js';
import { faultOfText, LeftOut, withoutCaptions } from '../formats/notes.js';
import { quote } from '../formats/strict-json.js';
import { PHOTOS } from '../pictures/photo-files.js';
import { type SplitName, splitNamed } from '../splits.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';

const karpathySchema = z.object({
  images: z.array(
    z.object({
      filename: z.string().min(1),
      /** COCO: the folder below that of the photos. */
      filepath: z.string().optional(),
      /** COCO: the number of the photo there. */
      cocoid: z.int().optional(),
      split: z.string(),
      sentences: z.array(
        z.object({ raw: z.unknown().optional(), tokens: z.array(z.string()).optional() }),
      ),
    }),
  ),
});

/** How such a set is opened. */
export interface KarpathyOptions {
  /** Folder of the photos (default: the usual places beside the file). */
  readonly images?: string | undefined;
  /** Whether `restval`, the part of COCO's val that is in no split, is trained on (default true). */
  readonly restval?: boolean | undefined;
}

const FILE = /^dataset_.+\.json$/;
const PHOTO_FOLDERS = [
  '.',
  'images',
  'Images',
  'Flicker8k_Dataset',
  'Flickr8k_Dataset',
  'flickr30k_images',
  'flickr30k-images',
];

/**
 * Opens a `dataset_*.json`, or the folder that holds one. `val` is dev; `restval` is train.
 *
 * @throws FileError; FormatError naming the entry that is wrong, an unknown split, a photo that is
 *   listed twice, photos without a file, or a file of which more than a third has no captions.
 */
export async function openKarpathy(
  path: string,
  { images: chosen, restval = true }: KarpathyOptions = {},
): Promise<CaptionDataset> {
  const file = (await isFolder(path)) ? await onlyFile(path) : path;
  const { images } = await readJson(file, karpathySchema);
  const names = images.map(({ filepath = '', filename }) => plainName(join(filepath, filename)));
  const located = await locateFiles(names, {
    kind: PHOTOS,
    source: file,
    root: dirname(file),
    folders: PHOTO_FOLDERS,
    chosen,
  });
  const splits: Record<SplitName, CaptionedImage[]> = { train: [], dev: [], test: [] };
  const ids = new Set<string>();
  const leftOut = new LeftOut(file);
  const without: string[] = [];
  let kept = 0;
  for (const [index, { filename, split: word, sentences, cocoid }] of images.entries()) {
    const [id, place] = [plainName(filename), `images.${index}`];
    if (ids.has(id)) throw new FormatError(file, `${place}: ${id} is listed twice`);
    ids.add(id);
    const split = splitNamed(word);
    if (!split) throw new FormatError(file, `${place}: unknown split ${quote(word)}`);
    if (word === 'restval' && !restval) continue;
    const captions: string[] = [];
    for (const [number, { raw, tokens }] of sentences.entries()) {
      const sentence = raw ?? tokens?.join(' ');
      const fault = faultOfText(sentence, 'sentence');
      if (fault !== undefined) leftOut.add(`${place}.sentences.${number}`, fault);
      else if (typeof sentence === 'string') captions.push(sentence.trim());
    }
    if (sentences.length === 0) leftOut.add(place, `${id} has no sentences`);
    kept += captions.length;
    if (captions.length === 0) {
      without.push(id);
      continue;
    }
    const resultId = cocoid === undefined ? {} : { resultId: `${cocoid}` };
    splits[split].push({ id, ...resultId, image: { path: located.paths[index] ?? '' }, captions });
  }
  refuseTwoNames(PHOTOS, names, located.paths, file);
  if (ids.size === 0) throw new FormatError(file, 'holds no images');
  const notes = [...leftOut.notes(kept), ...located.notes, ...withoutCaptions(without)];
  const [, name = ''] = /^dataset_(.+)\.json$/.exec(basename(file)) ?? [];
  return {
    name: name === '' ? basename(file) : `${name} (Karpathy’s splits)`,
    format: 'karpathy',
    splits,
    order: [...ids],
    notes,
  };
}

/** Whether a folder holds such a file. */
export async function holdsKarpathy(folder: string): Promise<boolean> {
  return [...(await namesIn(folder))].some((name) => FILE.test(name));
}

async function onlyFile(folder: string): Promise<string> {
  const [file, ...others] = [...(await namesIn(folder))].filter((name) => FILE.test(name)).sort();
  if (file === undefined) throw new FileError(folder, 'has no dataset_*.json');
  if (others.length === 0) return join(folder, file);
  throw new FileError(folder, `has ${file} and ${others.join(' and ')}: name the file`);
}
