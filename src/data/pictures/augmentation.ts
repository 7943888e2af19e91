/** Augmentation: random shifts, mirror images and changes of colour of a picture. */
import type { Random } from '../../random.js';
import type { Pixels } from './pixels.js';

/** How much a picture may be changed so that its caption stays true. */
export interface Augmentation {
  /** Shifted by up to this share of its sides, in each direction. */
  readonly shift: number;
  /** Brightness, contrast and saturation times 1 - this to 1 + this. Hue stays: captions name colours. */
  readonly colours: number;
  /** Mirrored with probability 1/2: not for captions that say left and right. */
  readonly flip: boolean;
}

/**
 * A random variant of a picture: shifted, with the pixels of the edge repeated where nothing is known,
 * perhaps mirrored, and with other colours. The same random numbers give
 * the same picture, and as many are drawn whatever the options are.
 */
export function augment(picture: Pixels, options: Augmentation, random: Random): Pixels {
  const { width, height } = picture;
  const draw = (most: number) => most * (2 * random.uniform() - 1);
  const right = Math.round(draw(options.shift * width));
  const down = Math.round(draw(options.shift * height));
  const mirrored = random.uniform() < 0.5 && options.flip;
  const light = {
    brightness: 1 + draw(options.colours),
    contrast: 1 + draw(options.colours),
    saturation: 1 + draw(options.colours),
  };
  return inLight(moved(picture, { right, down, mirrored }), light);
}

/** `out(x, y) = in(x - right, y - down)` of the picture or its mirror image, edges repeated. */
export function moved(
  { width, height, channels, data }: Pixels,
  { right, down, mirrored }: { right: number; down: number; mirrored: boolean },
): Pixels {
  const out = new Uint8Array(data.length);
  const columns = Int32Array.from({ length: width }, (_, x) => {
    const from = within(x - right, width);
    return mirrored ? width - 1 - from : from;
  });
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = within(y - down, height) * width;
    for (const column of columns) {
      const from = (row + column) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c] ?? 0;
    }
  }
  return { width, height, channels, data: out };
}

/**
 * Each value v times the brightness; then v to m + (v - m) contrast, m the picture's mean grey; then
 * to g + (v - g) saturation, g the pixel's grey (ITU-R BT.601), as torchvision's ColorJitter does.
 */
export function inLight(
  { width, height, channels, data }: Pixels,
  {
    brightness,
    contrast,
    saturation,
  }: { brightness: number; contrast: number; saturation: number },
): Pixels {
  let sum = 0;
  for (let i = 0; i < data.length; i += channels) sum += grey(data, i);
  const mean = (sum * channels) / Math.max(1, data.length);
  const gain = brightness * contrast;
  const offset = brightness * mean * (1 - contrast);
  // Rounds, and keeps within 0 to 255.
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += channels) {
    const base = grey(data, i) * (1 - saturation);
    for (let c = 0; c < channels; c++) {
      out[i + c] = (base + (data[i + c] ?? 0) * saturation) * gain + offset;
    }
  }
  return { width, height, channels, data: new Uint8Array(out.buffer) };
}

function grey(data: Uint8Array, i: number): number {
  return 0.299 * (data[i] ?? 0) + 0.587 * (data[i + 1] ?? 0) + 0.114 * (data[i + 2] ?? 0);
}

function within(place: number, extent: number): number {
  return Math.min(Math.max(place, 0), extent - 1);
}
