/** Pictures as numbers from 0 to 1 in planes, as models take and make them: from files, and back to bytes. */
import { ValueError } from '../../errors.js';
import { loadPixels } from './photos.js';
import { colourPlanes, greyPlane, type Pixels } from './pixels.js';

/** (C, H, W). */
type Shape = readonly [channels: number, height: number, width: number];

/**
 * A photo in the size that a model takes, its proportions not kept: planes (C, H, W), from 0 to 1.
 * @param options.invert take black for white.
 * @throws as `loadPixels`
 */
export async function pictureValues(
  path: string,
  [channels, height, width]: Shape,
  { invert = false } = {},
): Promise<Float32Array> {
  const pixels = await loadPixels({ path }, { width, height, resize: 'squash' });
  const bytes = channels === 1 ? greyPlane(pixels) : colourPlanes(pixels);
  return Float32Array.from(bytes, (byte) => (invert ? 255 - byte : byte) / 255);
}

/** How pictures are laid out in a grid. */
export interface GridOptions {
  readonly columns: number;
  /** Pixels between two pictures (default 2). */
  readonly gap?: number;
}

/** Width and height of a grid, in pixels. */
export function gridExtent(
  count: number,
  [, height, width]: Shape,
  { columns, gap = 2 }: GridOptions,
): { width: number; height: number } {
  const rows = Math.ceil(count / columns);
  return { width: columns * (width + gap) - gap, height: rows * (height + gap) - gap };
}

/**
 * Pictures side by side, row by row; grey between them. Values beyond 0 and 1 are cut.
 * @param values (N, C, H, W), of 1 or 3 channels.
 * @throws ValueError for other channels
 */
export function pictureGrid(values: Float32Array, shape: Shape, options: GridOptions): Pixels {
  const [channels, height, width] = shape;
  if (channels !== 1 && channels !== 3) {
    throw new ValueError(`a picture is shown in 1 or 3 channels, not in ${channels}`);
  }
  const { columns, gap = 2 } = options;
  const area = height * width;
  const count = values.length / (channels * area);
  const extent = gridExtent(count, shape, options);
  const data = new Uint8Array(extent.width * extent.height * 3).fill(128);
  for (let n = 0; n < count; n++) {
    const [left, top] = [(n % columns) * (width + gap), Math.floor(n / columns) * (height + gap)];
    for (let i = 0; i < area; i++) {
      const place = 3 * ((top + Math.floor(i / width)) * extent.width + left + (i % width));
      for (let c = 0; c < 3; c++) {
        const value = values[(n * channels + (channels === 3 ? c : 0)) * area + i] ?? 0;
        data[place + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
  return { ...extent, channels: 3, data };
}
