/** COCO 2014 as the course CS231n distributes it for its captioning assignment: word indices and features, no photos. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FormatError } from '../../errors.js';
import { readJson, readText } from '../formats/files.js';
import { Hdf5File } from '../formats/hdf5.js';
import { safetensorsValues } from '../formats/safetensors-dtypes.js';
import { Vocabulary } from '../text/vocabulary.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';

/**
 * COCO as the course CS231n hands it out for its captioning assignment: `coco2014_captions.h5` with
 * captions as word indices, `coco2014_vocab.json`, and features in other HDF5 files, of which row i
 * is image i of its part. No photos: `*2014_urls.txt` lists where they were.
 */
const CAPTIONS = 'coco2014_captions.h5';

/** More than fifty times what the course's files have. A damaged file announces any number. */
const MOST_IMAGES = 2 ** 22;
const MOST_NUMBERS = 2 ** 25;

const vocabularySchema = z.object({ idx_to_word: z.array(z.string()) });

/**
 * Opens that folder. Ids are `train <row>` and `val <row>`; the vocabulary is the set's own.
 * @throws FileError; FormatError naming what is wrong; MissingDependencyError without h5wasm.
 */
export async function openCs231n(folder: string): Promise<CaptionDataset> {
  const vocabularyPath = join(folder, 'coco2014_vocab.json');
  const { idx_to_word: words } = await readJson(vocabularyPath, vocabularySchema);
  const vocabulary = Vocabulary.fromJSON({ words }, vocabularyPath);
  const file = await Hdf5File.open(join(folder, CAPTIONS));
  const order: string[] = [];
  const read = async (part: 'train' | 'val') => {
    const urls = await linesOf(join(folder, `${part}2014_urls.txt`));
    const { images, count } = imagesOf(file, part, vocabulary, urls);
    for (let row = 0; row < Math.max(count, urls.length); row++) order.push(`${part} ${row}`);
    return images;
  };
  try {
    const splits = { train: await read('train'), dev: await read('val'), test: [] };
    return { name: 'COCO 2014 (CS231n)', format: 'cs231n', splits, order, vocabulary };
  } finally {
    await file.close();
  }
}

/** Whether a folder is that of the course. */
export function holdsCs231n(folder: string): boolean {
  return existsSync(join(folder, CAPTIONS));
}

function imagesOf(
  file: Hdf5File,
  part: string,
  vocabulary: Vocabulary,
  urls: readonly string[],
): { images: CaptionedImage[]; count: number } {
  const captions = integers(file, `${part}_captions`, 2);
  const rows = integers(file, `${part}_image_idxs`, 1);
  const [N = 0, T = 0] = captions.shape;
  if (rows.values.length !== N) {
    throw new FormatError(
      file.path,
      `${part}_captions has ${N} rows, ${part}_image_idxs ${rows.values.length}`,
    );
  }
  const ofImage = new Map<number, string[][]>();
  for (let n = 0; n < N; n++) {
    const row = rows.values[n] ?? -1;
    if (row < 0 || row >= MOST_IMAGES) {
      throw new FormatError(file.path, `${part}_image_idxs ${n} is ${row}`);
    }
    const words: string[] = [];
    for (const index of captions.values.slice(n * T, (n + 1) * T)) {
      if (index < 0 || index >= vocabulary.size) {
        throw new FormatError(
          file.path,
          `${part}_captions ${n}: ${index} is no word of ${vocabulary.size}`,
        );
      }
      // <NULL>, <START> and <END> are put around the words again.
      if (index > 2) words.push(vocabulary.word(index));
    }
    const list = ofImage.get(row);
    if (list) list.push(words);
    else ofImage.set(row, [words]);
  }
  const images = [...ofImage].map(([row, words]) => ({
    id: `${part} ${row}`,
    image: { path: urls[row] ?? `${part} ${row}` },
    captions: words.map((caption) => caption.join(' ')),
    words,
  }));
  const last = rows.values.reduce((most, row) => Math.max(most, row), -1);
  return { images, count: last + 1 };
}

function integers(file: Hdf5File, name: string, axes: number) {
  const { shape, dtype } = file.array(name);
  if ((dtype !== 'I32' && dtype !== 'I64' && dtype !== 'U32') || shape.length !== axes) {
    throw new FormatError(
      file.path,
      `${name} is (${shape.join(', ')}) of ${dtype ?? 'no numbers'}, not ${axes} axes of integers`,
    );
  }
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size > MOST_NUMBERS) {
    throw new FormatError(file.path, `${name} is (${shape.join(', ')}), more than are read`);
  }
  const values = safetensorsValues({ dtype, shape, bytes: file.read(name, 0, shape[0] ?? 0) });
  return { shape, values: Array.from<number | bigint, number>(values, Number) };
}

async function linesOf(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  return (await readText(path)).split(/\r?\n/).filter((line) => line.trim() !== '');
}
