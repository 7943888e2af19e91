/**
 * Drawn scenes: pictures of one or two coloured shapes, each with the one caption that is right for it.
 *
 * A model that has understood can then be told from one that has not by comparing texts. The grammar:
 *
 *     caption  = thing place | thing relation thing
 *     thing    = "a" size colour shape
 *     place    = "at the top" | "on the left" | "in the top left corner" | ... (9 of them)
 *     relation = "above" | "to the left of"
 *
 * Of two things the upper, or the left one, is named first, so "below" and "to the right of" never
 * occur. Two things differ in colour and in shape, so each such word means one of them.
 */
import { ValueError } from '../../errors.js';
import { Random } from '../../random.js';
import type { Box, Pixels } from '../pictures/pixels.js';
import type { CaptionDataset, CaptionedImage, NamedPlace } from './captioned-images.js';
import {
  between,
  COLOURS,
  type Colour,
  chooseThing,
  colourIn,
  type Drawing,
  describe,
  paint,
  type Radii,
  type Size,
  type Thing,
  within,
} from './scene-drawing.js';
import { LARGEST_EXTENT, LARGEST_TURN, outline, SHAPES, type Shape } from './scene-shapes.js';

/** One drawn thing; lengths in pixels. `box` is the rectangle around its outline. */
export interface SceneObject {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly size: Size;
  /** Its centre. */
  readonly x: number;
  readonly y: number;
  readonly box: Box;
}

/** A picture, its caption, and what is in it in the order in which the caption names it. */
export interface Scene {
  readonly pixels: Pixels;
  readonly caption: string;
  readonly objects: readonly SceneObject[];
  /** Of each colour and each shape that the caption names, in its order: what it names. */
  readonly places: readonly NamedPlace[];
}

export interface SceneOptions {
  /** Width and height in pixels, at least 24. Default 48. */
  readonly size?: number;
  /** How many things; without it one or two, each as likely. */
  readonly objects?: 1 | 2;
}

export interface SceneDatasetOptions {
  readonly train: number;
  readonly dev: number;
  readonly test: number;
  readonly seed: number;
  /** Width and height in pixels. Default 48. */
  readonly size?: number;
}

const DEFAULT_SIZE = 48;
const SMALLEST_SIZE = 24;

/** Smallest and largest radius as a part of the picture's side. */
const RADII: Radii = {
  small: [0.095, 0.105],
  big: [0.175, 0.19],
};

/** Bands of a centre's coordinate as a part of the side, with wide gaps between them. */
const BANDS: readonly (readonly [number, number])[] = [
  [0.24, 0.29],
  [0.46, 0.54],
  [0.71, 0.76],
];

/** By row, then column. */
const PLACES: readonly string[] = [
  'in the top left corner',
  'at the top',
  'in the top right corner',
  'on the left',
  'in the centre',
  'on the right',
  'in the bottom left corner',
  'at the bottom',
  'in the bottom right corner',
];

/** Smallest distance between two things, and the largest shift across their axis, by side. */
const GAP = 0.03;
const SHIFT = 0.05;

type Placed = Thing & { readonly x: number; readonly y: number };

/**
 * Draws a scene, a pure function of the state of `random`.
 *
 * @throws ValueError when `size` is not an integer of at least 24, where shapes become unclear.
 */
export function drawScene(random: Random, options: SceneOptions = {}): Scene {
  const { size = DEFAULT_SIZE } = options;
  if (!Number.isInteger(size) || size < SMALLEST_SIZE) {
    throw new ValueError(
      `A scene's size must be an integer from ${SMALLEST_SIZE} on, not ${size}.`,
    );
  }
  const count = options.objects ?? 1 + random.integer(2);
  const { things, caption } = count === 1 ? composeOne(random) : composeTwo(random);
  const drawings: Drawing[] = [];
  const objects: SceneObject[] = [];
  for (const { shape, colour, size: extent, radius, x, y } of things) {
    const turn = between(random, -LARGEST_TURN, LARGEST_TURN);
    const drawn = outline(shape, x * size, y * size, radius * size, turn);
    drawings.push({ ...drawn, colour: colourIn(random, colour) });
    objects.push({ shape, colour, size: extent, x: x * size, y: y * size, box: drawn.box });
  }
  const places = placesNamed(caption, objects);
  return { pixels: paint(random, size, drawings), caption, objects, places };
}

/**
 * Scenes in three splits, each drawn from its own generator: more training scenes leave the
 * others, and the training scenes before them, as they are.
 *
 * @throws ValueError when a count is not an integer of 0 or more.
 */
export function sceneDataset(options: SceneDatasetOptions): CaptionDataset {
  const seeds = new Random(options.seed);
  const { size = DEFAULT_SIZE } = options;
  const split = (name: 'train' | 'dev' | 'test'): CaptionedImage[] => {
    const count = options[name];
    if (!Number.isInteger(count) || count < 0) {
      throw new ValueError(`The number of ${name} scenes must be 0 or more, not ${count}.`);
    }
    const random = new Random(seeds.uint32());
    return Array.from({ length: count }, (_, index) => {
      const { pixels, caption, places } = drawScene(random, { size });
      return { id: `${name}-${index}`, image: pixels, captions: [caption], places };
    });
  };
  const splits = { train: split('train'), dev: split('dev'), test: split('test') };
  return { name: 'Drawn scenes', format: 'scenes', splits };
}

function composeOne(random: Random): { things: Placed[]; caption: string } {
  const thing = chooseThing(random, SHAPES, COLOURS, RADII);
  const place = random.integer(PLACES.length);
  const x = within(random, BANDS[place % 3]);
  const y = within(random, BANDS[Math.floor(place / 3)]);
  return { things: [{ ...thing, x, y }], caption: `${describe(thing)} ${PLACES[place]}` };
}

function composeTwo(random: Random): { things: Placed[]; caption: string } {
  const first = chooseThing(random, SHAPES, COLOURS, RADII);
  const second = chooseThing(
    random,
    SHAPES.filter((shape) => shape !== first.shape),
    COLOURS.filter((colour) => colour !== first.colour),
    RADII,
  );
  const a = first.radius * LARGEST_EXTENT;
  const b = second.radius * LARGEST_EXTENT;
  const distance = a + b + GAP;
  const along = between(random, a, 1 - b - distance);
  const alongSecond = between(random, along + distance, 1 - b);
  const margin = Math.max(a, b) + SHIFT;
  const across = between(random, margin, 1 - margin);
  const acrossFirst = across + between(random, -SHIFT, SHIFT);
  const acrossSecond = across + between(random, -SHIFT, SHIFT);
  const above = random.integer(2) === 0;
  const things: Placed[] = above
    ? [
        { ...first, x: acrossFirst, y: along },
        { ...second, x: acrossSecond, y: alongSecond },
      ]
    : [
        { ...first, x: along, y: acrossFirst },
        { ...second, x: alongSecond, y: acrossSecond },
      ];
  const relation = above ? 'above' : 'to the left of';
  return { things, caption: `${describe(first)} ${relation} ${describe(second)}` };
}

/** Things differ in colour and in shape, so each such word of a caption names one of them. */
function placesNamed(caption: string, objects: readonly SceneObject[]): NamedPlace[] {
  return caption.split(' ').flatMap((text, word) =>
    objects.flatMap(({ colour, shape, box }) => {
      if (text === colour) return { caption: 0, word, kind: 'colour', box };
      return text === shape ? { caption: 0, word, kind: 'shape', box } : [];
    }),
  );
}
