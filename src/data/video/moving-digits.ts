/**
 * Moving digits: MNIST's digits that glide over a black frame and bounce off its edges.
 *
 * Srivastava et al., "Unsupervised Learning of Video Representations using LSTMs", 2015: digits of 28 x 28 pixels in
 * a frame of 64 x 64, 20 frames, a tenth of the way that they have across a frame. Where digits lie over each other
 * the brighter pixel counts.
 */
import { FormatError, ValueError } from '../../errors.js';
import { type Random, randomAt } from '../../random.js';
import type { LabelledPictures } from '../labels/labelled-pictures.js';
import type { Box } from '../pictures/pixels.js';
import type { NamedTrack } from './captioned-clips.js';
import type { Clip, DrawnClip } from './clip.js';

/** How moving digits are drawn. */
export interface MovingDigitsOptions {
  /** Width and height of a frame in pixels. Default 64. */
  readonly size?: number | undefined;
  /** Default 20. They are shown 10 a second. */
  readonly frames?: number | undefined;
}

const DEFAULT_SIZE = 64;
const DEFAULT_FRAMES = 20;
const MOST_SIDE = 4096;
const RATE = 10;
/** Part of the way that a digit has, a frame. */
const STEP = 0.1;

/** A picture, and where its upper left corner is in each frame. */
interface Moving {
  readonly picture: number;
  readonly at: readonly Point[];
}

type Point = readonly [x: number, y: number];

/** A clip of one digit that bounces, in any direction. */
export interface BouncingDigit {
  readonly clip: DrawnClip;
  readonly label: number;
}

/**
 * The clip of a number: a digit that starts anywhere, moves in any direction and bounces.
 * @param purpose another one has other clips: `train`, `dev`.
 * @throws FormatError for pictures that are no digits; ValueError for a size or a number of frames.
 */
export function bouncingDigit(
  pictures: LabelledPictures,
  seed: number,
  purpose: string,
  number: number,
  options: MovingDigitsOptions = {},
): BouncingDigit {
  const { size, frames, room } = checked(pictures, options);
  const random = randomAt(seed, `bouncing digit ${purpose}`, 0, number);
  // Every picture has its turn before one comes again.
  const picture = number % pictures.labels.length;
  const [vx, vy] = direction(random);
  const [x, y] = [random.uniform(), random.uniform()];
  const at = Array.from({ length: frames }, (_, frame): Point => {
    const along = (begin: number, velocity: number) => folded(begin + STEP * velocity * frame);
    return [Math.round(room * along(x, vx)), Math.round(room * along(y, vy))];
  });
  return {
    clip: { draw: () => draw(pictures, [{ picture, at }], size) },
    label: pictures.labels[picture] ?? 0,
  };
}

/** A place that comes back from 0 and from 1. */
function folded(place: number): number {
  const within = place - 2 * Math.floor(place / 2);
  return within > 1 ? 2 - within : within;
}

/** A direction of length 1, each as likely. */
function direction(random: Random): Point {
  for (;;) {
    const [x, y] = [2 * random.uniform() - 1, 2 * random.uniform() - 1];
    const length = Math.sqrt(x * x + y * y);
    if (length > 0.1 && length <= 1) return [x / length, y / length];
  }
}

const DIRECTIONS = [
  { name: 'left', x: -1, y: 0 },
  { name: 'right', x: 1, y: 0 },
  { name: 'up', x: 0, y: -1 },
  { name: 'down', x: 0, y: 1 },
] as const;

/** A clip of two digits, each moving in a direction, and the sentence that is true of it. */
export interface GlidingDigits {
  readonly clip: DrawnClip;
  /** `a 3 moves left and a 7 moves up`: the smaller digit first. */
  readonly caption: string;
  readonly tracks: readonly NamedTrack[];
}

/**
 * The clip of a number: two different digits, which glide from one side of their way to the other.
 * @param purpose another one has other clips: `train`, `dev`.
 * @throws as `bouncingDigit`; FormatError for pictures that are all of one digit.
 */
export function glidingDigits(
  pictures: LabelledPictures,
  seed: number,
  purpose: string,
  number: number,
  options: MovingDigitsOptions = {},
): GlidingDigits {
  const { size, frames, room } = checked(pictures, options);
  const { labels, width, height } = pictures;
  const random = randomAt(seed, `gliding digits ${purpose}`, 0, number);
  const first = number % labels.length;
  const second = anotherDigit(random, labels, first);
  const chosen = [first, second].sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0));
  const parts = chosen.map((picture) => {
    const { name, x, y } = random.pick(DIRECTIONS);
    const across = random.uniform();
    const at = Array.from({ length: frames }, (_, frame): Point => {
      const part = frame / Math.max(1, frames - 1);
      const along = (step: number) => (step === 0 ? across : step > 0 ? part : 1 - part);
      return [Math.round(room * along(x)), Math.round(room * along(y))];
    });
    return { picture, at, name, digit: `${labels[picture] ?? 0}` };
  });
  const words = parts.map(({ digit, name }) => ['a', digit, 'moves', name]);
  const [one = [], two = []] = words;
  const sentence = [...one, 'and', ...two];
  return {
    clip: { draw: () => draw(pictures, parts, size) },
    caption: sentence.join(' '),
    get tracks() {
      return parts.flatMap(({ at }, index): NamedTrack[] => {
        const boxes = at.map(
          ([x, y]): Box => ({ left: x, top: y, right: x + width, bottom: y + height }),
        );
        const begin = index * (one.length + 1);
        return [
          { caption: 0, word: begin + 1, kind: 'digit', boxes },
          { caption: 0, word: begin + 2, kind: 'event', boxes },
          { caption: 0, word: begin + 3, kind: 'event', boxes },
        ];
      });
    },
  };
}

/** A picture of another digit. @throws FormatError where there is none */
function anotherDigit(random: Random, labels: Int32Array, first: number): number {
  const start = random.integer(labels.length);
  for (let step = 0; step < labels.length; step++) {
    const picture = (start + step) % labels.length;
    if (labels[picture] !== labels[first]) return picture;
  }
  throw new FormatError('moving digits', `all ${labels.length} pictures are of one digit`);
}

/** Sizes that fit together; `room` are the places that a picture has across and down. */
function checked(
  { channels, width, height, labels, values }: LabelledPictures,
  { size = DEFAULT_SIZE, frames = DEFAULT_FRAMES }: MovingDigitsOptions,
) {
  if (
    channels !== 1 ||
    width !== height ||
    !(values instanceof Uint8Array) ||
    labels.length === 0
  ) {
    throw new FormatError(
      'moving digits',
      `are made of square grey pictures, not of ${labels.length} of (${channels}, ${height}, ${width})`,
    );
  }
  if (!(Number.isInteger(size) && size > width && size <= MOST_SIDE)) {
    throw new ValueError(
      `The frame of digits of ${width} pixels is a whole number of pixels above that, not ${size}.`,
    );
  }
  if (!(Number.isInteger(frames) && frames >= 1 && frames <= MOST_SIDE)) {
    throw new ValueError(`A clip of digits has 1 to ${MOST_SIDE} frames, not ${frames}.`);
  }
  return { size, frames, room: size - width };
}

function draw(pictures: LabelledPictures, moving: readonly Moving[], size: number): Clip {
  const { width, height, values: all } = pictures;
  const frames = moving[0]?.at.length ?? 0;
  const values = new Uint8Array(frames * size * size);
  for (const { picture, at } of moving) {
    const begin = picture * width * height;
    for (const [frame, [left, top]] of at.entries()) {
      for (let row = 0; row < height; row++) {
        const to = (frame * size + top + row) * size + left;
        for (let column = 0; column < width; column++) {
          const value = all[begin + row * width + column] ?? 0;
          values[to + column] = Math.max(values[to + column] ?? 0, value);
        }
      }
    }
  }
  const times = Float64Array.from({ length: frames }, (_, frame) => frame / RATE);
  return { width: size, height: size, channels: 1, values, times };
}
