import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabelledDataset } from '@/data/labels/labelled-pictures.js';
import { divideLabelled } from '@/data/labels/labelled-pictures.js';
import { Random } from '@/random.js';

/** Pictures of 12 x 12 with a standing (0), a lying (1) or no bar but a square (2), drawn by a seed. */
export function tinyPictures(count: number, seed = 1): LabelledDataset {
  const random = new Random(seed);
  const values = new Uint8Array(count * 144);
  const labels = Int32Array.from({ length: count }, (_, n) => n % 3);
  for (const [n, label] of labels.entries()) {
    const [height = 4, width = 4] =
      [
        [8, 2],
        [2, 8],
        [4, 4],
      ][label] ?? [];
    const top = 1 + random.integer(11 - height);
    const left = 1 + random.integer(11 - width);
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) values[n * 144 + y * 12 + x] = 255;
    }
  }
  const pictures = { channels: 1, height: 12, width: 12, values, labels };
  return {
    name: 'tiny',
    format: 'npz',
    classes: ['standing', 'lying', 'square'],
    splits: divideLabelled({ train: pictures }, { dev: 0.2, test: 0.2 }, 'tiny'),
  };
}

/** Writes train and test as IDX files of 12 x 12 pictures into a new folder. */
export function writeIdx(folder: string, { train, test }: LabelledDataset['splits']): void {
  mkdirSync(folder);
  for (const [part, { values, labels }] of Object.entries({ train, t10k: test })) {
    const count = labels.length;
    const pictures = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 12, 0, 0, 0, 12, ...values];
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), Uint8Array.from(pictures));
    const numbers = [0, 0, 8, 1, 0, 0, 0, count, ...labels];
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), Uint8Array.from(numbers));
  }
}
