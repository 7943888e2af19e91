/** Where pictures that a model makes are written: a grid, an animation, or a folder with a file for each. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import { writeFileAtomically, writeFolderAtomically } from '../data/formats/write-files.js';
import type { PictureShape } from '../data/labels/labelled-pictures.js';
import { LONGEST_SIDE } from '../data/pictures/photo-limits.js';
import { encodePng } from '../data/pictures/photos.js';
import { gridExtent, pictureGrid } from '../data/pictures/picture-values.js';
import { encodeClip } from '../data/video/write-clip.js';
import { UsageError } from '../errors.js';
import { checkOutputs, refuseToReplace } from './outputs.js';

/** What `--out` names. */
export type PicturePlace = 'grid' | 'animation' | 'folder';

/** Most pixels of a grid, and of all frames of an animation: 192 MB of bytes. */
const MOST_PIXELS = 2 ** 26;

/**
 * What a path names by its ending, asked before the work.
 * @throws UsageError for an ending that is neither `.png` nor `.gif` nor none, and for what is there already;
 *   FileError where nothing can be written
 */
export async function picturePlace(out: string, overwrite: boolean): Promise<PicturePlace> {
  const ending = extname(out).toLowerCase();
  const place = ({ '.png': 'grid', '.gif': 'animation', '': 'folder' } as const)[ending];
  if (place === undefined) {
    throw new UsageError(
      `--out ${out}: pictures are written as .png (a grid), .gif (an animation), or into a folder, whose name has no ending`,
    );
  }
  if (place === 'folder') {
    const content = existsSync(out) ? await readdir(out) : [];
    if (content.length > 0) {
      throw new UsageError(`--out ${out}: is there already and not empty: name another folder`);
    }
    await checkOutputs(`${out.replace(/[/\\]+$/, '')}.png`);
    return place;
  }
  if (!overwrite) refuseToReplace([out]);
  await checkOutputs(out);
  return place;
}

/** @throws UsageError for a grid, or frames of one, that no picture is large enough for */
export function requireGrid(count: number, shape: PictureShape, columns: number, frames = 1): void {
  const { width, height } = gridExtent(count, shape, { columns });
  const most = Math.max(width, height);
  if (most <= LONGEST_SIDE && width * height * frames <= MOST_PIXELS) return;
  throw new UsageError(
    `${count} pictures of ${shape[2]}x${shape[1]} pixels${frames > 1 ? ` in ${frames} frames` : ''} are too many for one file (${width}x${height} pixels): ask for fewer, or write single pictures into a folder`,
  );
}

/** As many columns as make a grid about as high as wide. */
export function squareColumns(count: number, [, height, width]: PictureShape): number {
  return Math.max(1, Math.ceil(Math.sqrt((count * height) / width)));
}

/** Writes pictures (N, C, H, W) as one PNG. */
export async function writeGrid(
  out: string,
  values: Float32Array,
  shape: PictureShape,
  columns: number,
): Promise<void> {
  await writeFileAtomically(out, await encodePng(pictureGrid(values, shape, { columns })));
}

/**
 * Writes frames, each of some pictures (N, C, H, W), as a GIF that plays for ever.
 * @param seconds of each frame.
 */
export async function writeAnimation(
  out: string,
  frames: readonly Float32Array[],
  shape: PictureShape,
  columns: number,
  seconds: number,
): Promise<void> {
  const grids = frames.map((values) => pictureGrid(values, shape, { columns }));
  const [first] = grids;
  const { width = 0, height = 0 } = first ?? {};
  const values = new Uint8Array(grids.length * width * height * 3);
  for (const [t, { data }] of grids.entries()) values.set(data, t * width * height * 3);
  const times = Float64Array.from(grids, (_, t) => t * seconds);
  await writeFileAtomically(
    out,
    await encodeClip({ width, height, channels: 3, values, times }, 'gif'),
  );
}

/** Writes single pictures into a folder that is there when all are: `0001.png`, ... @param count of all */
export async function writePictures(
  out: string,
  batches: AsyncIterable<Float32Array>,
  shape: PictureShape,
  names: (n: number) => string,
): Promise<void> {
  const each = shape[0] * shape[1] * shape[2];
  async function* files() {
    let n = 0;
    for await (const values of batches) {
      for (let first = 0; first < values.length; first += each) {
        const one = pictureGrid(values.subarray(first, first + each), shape, { columns: 1 });
        yield [names(n++), await encodePng(one)] as const;
      }
    }
  }
  await writeFolderAtomically(out, files());
}

/** `0001.png`, with as many digits as the last one needs. */
export function numberedNames(count: number): (n: number) => string {
  const digits = Math.max(4, String(count).length);
  return (n) => `${String(n + 1).padStart(digits, '0')}.png`;
}
