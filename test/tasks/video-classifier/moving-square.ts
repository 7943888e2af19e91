/** Clips for tests: a square that moves right or left, as GIF files in a folder for each class. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clip } from '@/data/video/clip.js';
import { encodeClip } from '@/data/video/write-clip.js';

/** T frames of 16 x 12 pixels, ten a second; a white square goes over them, in the given row. */
export function movingSquare(to: 'left' | 'right', row: number, T = 12): Clip {
  const [width, height] = [16, 12];
  const values = new Uint8Array(T * height * width);
  for (let t = 0; t < T; t++) {
    const left = to === 'right' ? t : T - 1 - t;
    for (let y = row; y < row + 4; y++) {
      for (let x = left; x < left + 4; x++) values[(t * height + y) * width + x] = 255;
    }
  }
  const times = Float64Array.from({ length: T }, (_, t) => t / 10);
  return { width, height, channels: 1, values, times };
}

/** Writes `train/left/0.gif`, ...: so many of each class and split. */
export async function writeMovingSquares(
  folder: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  for (const [split, count] of Object.entries(counts)) {
    for (const to of ['left', 'right'] as const) {
      mkdirSync(join(folder, split, to), { recursive: true });
      for (let n = 0; n < count; n++) {
        const file = await encodeClip(movingSquare(to, n % 8), 'gif');
        writeFileSync(join(folder, split, to, `${n}.gif`), file);
      }
    }
  }
}
