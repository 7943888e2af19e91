/** How the things of drawn scenes and clips look: their colours and sizes, and how a picture of them is painted. */
import type { Random } from '../../random.js';
import type { Pixels } from '../pictures/pixels.js';
import type { Outline, Shape } from './scene-shapes.js';

export const COLOURS = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'white',
  'black',
] as const;
export type Colour = (typeof COLOURS)[number];

export const SIZES = ['small', 'big'] as const;
export type Size = (typeof SIZES)[number];

type Rgb = readonly [red: number, green: number, blue: number];

const COLOUR_VALUES: Readonly<Record<Colour, Rgb>> = {
  red: [215, 30, 35],
  orange: [245, 140, 20],
  yellow: [245, 230, 45],
  green: [30, 150, 60],
  blue: [35, 75, 215],
  purple: [145, 45, 175],
  white: [250, 250, 250],
  black: [12, 12, 12],
};

/** Largest change of one value by noise, of a thing's colour, and of the background's tint. */
const NOISE = 10;
const COLOUR_JITTER = 12;
const TINT = 12;

/** Smallest and largest radius of each size, as parts of the picture's side. */
export type Radii = Readonly<Record<Size, readonly [smallest: number, largest: number]>>;

/** What is drawn, as a caption names it. */
export interface Thing {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly size: Size;
  /** As a part of the picture's side. */
  readonly radius: number;
}

/** A thing at random. */
export function chooseThing(
  random: Random,
  shapes: readonly Shape[],
  colours: readonly Colour[],
  radii: Radii,
): Thing {
  const size = random.pick(SIZES);
  const radius = within(random, radii[size]);
  return { shape: random.pick(shapes), colour: random.pick(colours), size, radius };
}

/** `a small red circle` */
export function describe({ size, colour, shape }: Omit<Thing, 'radius'>): string {
  return `a ${size} ${colour} ${shape}`;
}

/** A thing in its place, and its own shade of its colour. */
export type Drawing = Outline & { readonly colour: Rgb };

/** A shade of a colour. */
export function colourIn(random: Random, colour: Colour): Rgb {
  return jitter(random, COLOUR_VALUES[colour], COLOUR_JITTER);
}

/** A picture before noise: rows of pixels, each red, green and blue, which may lie outside of 0 to 255. */
export type Canvas = Float64Array;

/** A grey, slightly tinted background with a gentle slope of light. */
export function backdrop(random: Random, size: number): Canvas {
  const canvas = new Float64Array(size * size * 3);
  const grey = between(random, 95, 190);
  const tint = jitter(random, [grey, grey, grey], TINT);
  const slopeX = between(random, -20, 20) / size;
  const slopeY = between(random, -20, 20) / size;
  for (let i = 0; i < size * size; i++) {
    const light = slopeX * ((i % size) - size / 2) + slopeY * (Math.floor(i / size) - size / 2);
    for (let c = 0; c < 3; c++) canvas[i * 3 + c] = (tint[c] ?? 0) + light;
  }
  return canvas;
}

/** Covers each pixel by how far its centre lies inside the outline: half a pixel is all of it. */
export function fill(canvas: Canvas, size: number, { distance, box, colour }: Drawing): void {
  const [right, bottom] = [Math.min(size - 1, box.right + 1), Math.min(size - 1, box.bottom + 1)];
  for (let row = Math.max(0, Math.floor(box.top) - 1); row <= bottom; row++) {
    for (let column = Math.max(0, Math.floor(box.left) - 1); column <= right; column++) {
      const cover = Math.min(1, Math.max(0, 0.5 - distance(column + 0.5, row + 0.5)));
      if (cover === 0) continue;
      for (let c = 0; c < 3; c++) {
        const i = (row * size + column) * 3 + c;
        canvas[i] = (1 - cover) * (canvas[i] ?? 0) + cover * (colour[c] ?? 0);
      }
    }
  }
}

/** The canvas with noise, as bytes into `out`. */
export function noisy(random: Random, canvas: Canvas, out: Uint8Array): void {
  for (let i = 0; i < canvas.length; i++) {
    const value = Math.round((canvas[i] ?? 0) + between(random, -NOISE, NOISE));
    out[i] = Math.min(255, Math.max(0, value));
  }
}

/**
 * The same with noise of whole numbers: four values of 32 random bits, for clips, whose pixels are many.
 */
export function grainy(random: Random, canvas: Canvas, out: Uint8Array): void {
  let bits = 0;
  for (let i = 0; i < canvas.length; i++) {
    bits = i % 4 === 0 ? random.uint32() : bits >>> 8;
    const noise = (((bits & 255) * (2 * NOISE + 1)) >> 8) - NOISE;
    out[i] = Math.min(255, Math.max(0, Math.round(canvas[i] ?? 0) + noise));
  }
}

/** A picture: the background, the things, then noise. */
export function paint(random: Random, size: number, drawings: readonly Drawing[]): Pixels {
  const canvas = backdrop(random, size);
  for (const drawing of drawings) fill(canvas, size, drawing);
  const data = new Uint8Array(canvas.length);
  noisy(random, canvas, data);
  return { width: size, height: size, channels: 3, data };
}

function jitter(random: Random, [red, green, blue]: Rgb, most: number): Rgb {
  const change = () => between(random, -most, most);
  return [red + change(), green + change(), blue + change()];
}

/** Uniform in a band. */
export function within(random: Random, [low, high]: readonly [number, number] = [0, 1]): number {
  return between(random, low, high);
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
