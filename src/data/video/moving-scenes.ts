/**
 * Moving scenes: drawn clips of one or two things to which something happens, with the sentences that are true.
 *
 * The first sentence of a clip is the one that its grammar makes:
 *
 *     sentence  = clause | clause ", then" clause
 *     clause    = thing action
 *     thing     = "a" size colour shape
 *     action    = "moves" direction manner ["and stops"] | "appears" | "disappears"
 *     direction = "left" | "right" | "up" | "down" | "to the top left" | ...
 *     manner    = "slowly" | "quickly"
 *
 * Two things differ in colour and in shape, and never touch. What a clip is follows from seed, purpose and number.
 */
import { ValueError } from '../../errors.js';
import { type Random, randomAt } from '../../random.js';
import {
  backdrop,
  between,
  COLOURS,
  chooseThing,
  colourIn,
  type Drawing,
  describe,
  fill,
  grainy,
  type Radii,
  type Thing,
  within,
} from '../captions/scene-drawing.js';
import { LARGEST_TURN, outline, SHAPES } from '../captions/scene-shapes.js';
import type { Box } from '../pictures/pixels.js';
import type { NamedTrack } from './captioned-clips.js';
import type { Clip, DrawnClip } from './clip.js';

/** Where a thing moves to, as parts of its way across and down. */
const DIRECTIONS = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
  'to the top left': [-Math.SQRT1_2, -Math.SQRT1_2],
  'to the top right': [Math.SQRT1_2, -Math.SQRT1_2],
  'to the bottom left': [-Math.SQRT1_2, Math.SQRT1_2],
  'to the bottom right': [Math.SQRT1_2, Math.SQRT1_2],
} as const;
type Direction = keyof typeof DIRECTIONS;

const MANNERS = ['slowly', 'quickly'] as const;
type Manner = (typeof MANNERS)[number];

/** What can happen to a thing, and the moves towards corners. */
const MOVES = Object.keys(DIRECTIONS).map((direction) => `moves ${direction}`);
export const EVENTS: readonly string[] = [...MOVES.slice(0, 4), 'appears', 'disappears'];
export const CORNER_EVENTS: readonly string[] = MOVES.slice(4);
const ALL_EVENTS = [...EVENTS, ...CORNER_EVENTS];

/** Sides of the picture a clip. */
const SPEEDS: Readonly<Record<Manner, readonly [number, number]>> = {
  slowly: [0.25, 0.29],
  quickly: [0.52, 0.58],
};

const RADII: Radii = { small: [0.085, 0.095], big: [0.145, 0.16] };
/** No box of a shape of radius 1 reaches further from its centre, however it is turned. */
const REACH = 1.3;
/** Smallest distance between two things, by side. */
const GAP = 0.03;
const RATE = 8;
const DEFAULT_SIZE = 48;
const SMALLEST_SIZE = 24;
const DEFAULT_FRAMES = 16;
const FEWEST_FRAMES = 8;
const MOST_FRAMES = 4096;
/** Places that are tried before other things are chosen. */
const TRIES = 50;

/** How moving scenes are drawn. */
export interface MovingSceneOptions {
  /** Width and height in pixels, at least 24. Default 48. */
  readonly size?: number | undefined;
  /** At least 8. Default 16. They are shown 8 a second. */
  readonly frames?: number | undefined;
  /** How many things something happens to; without it one or two, each as likely. */
  readonly events?: 1 | 2 | undefined;
  /** Whether things move towards corners, too. Default no: left, right, up or down. */
  readonly corners?: boolean | undefined;
  /** What happens, one of `EVENTS` or `CORNER_EVENTS`; only where `events` is 1. */
  readonly event?: string | undefined;
  /**
   * Two things appear, each for half of the clip. Clips 2 k and 2 k + 1 have the same frames to the bit, in
   * another order: who does not see their order is right of half of them at most. Needs an even number of frames.
   */
  readonly order?: boolean | undefined;
  /** How many true sentences a clip has at most (default: all, two or three). */
  readonly sentences?: number | undefined;
}

/** A thing of a moving scene, as its sentence names it, and where it is. */
export interface MovingThing extends Omit<Thing, 'radius'> {
  /** What happens to it, one of `EVENTS` or `CORNER_EVENTS`. */
  readonly event: string;
  /** The rectangle around it in each of the T frames, in pixels; undefined where it is not there. */
  readonly boxes: readonly (Box | undefined)[];
}

/** A drawn clip, what is true of it, and what is in it in the order in which the first sentence names it. */
export interface MovingScene {
  readonly clip: DrawnClip;
  /** The first is that of the grammar. */
  readonly captions: readonly string[];
  readonly things: readonly MovingThing[];
  /** Of each word that names a colour, a shape or what happens: which thing, and in which frames. */
  readonly tracks: readonly NamedTrack[];
}

/** A thing and what happens to it, frame by frame. */
interface Part {
  readonly thing: Thing;
  /** What happens, one of `EVENTS` or `CORNER_EVENTS`, and the words of it. */
  readonly event: string;
  readonly words: string;
  /** Its centre by side in a frame; undefined where it is not there. */
  readonly at: (frame: number) => Point | undefined;
  /** The frames in which it happens: the first, and the one after the last. */
  readonly during: readonly [from: number, to: number];
}

type Point = readonly [x: number, y: number];

/** A part that has its look: how it is turned, and the shade of its colour. */
interface Shown extends Part {
  readonly turn: number;
  readonly shade: Drawing['colour'];
}

/**
 * The moving scene of a number.
 *
 * @param purpose another one has other scenes: `train`, `dev`.
 * @throws ValueError for a size, a number of frames or an event that cannot be drawn.
 */
export function movingScene(
  seed: number,
  purpose: string,
  number: number,
  options: MovingSceneOptions = {},
): MovingScene {
  check(options);
  const { size = DEFAULT_SIZE, frames = DEFAULT_FRAMES, order = false } = options;
  // The two orders of a pair are drawn from one number; in the second one the halves change places.
  const random = randomAt(
    seed,
    `moving scene ${purpose}`,
    0,
    order ? Math.floor(number / 2) : number,
  );
  const turned = order && number % 2 === 1;
  const shown = (frame: number) => (turned ? (frame + frames / 2) % frames : frame);
  const drawn = (order ? composeTurns(random, frames) : compose(random, frames, options)).map(
    (part): Shown => ({
      ...part,
      turn: between(random, -LARGEST_TURN, LARGEST_TURN),
      shade: colourIn(random, part.thing.colour),
    }),
  );
  const look = random.uint32();
  const parts = (turned ? drawn.toReversed() : drawn).map((part): Shown => {
    const [from, to] = part.during;
    const first = shown(from);
    return { ...part, at: (frame) => part.at(shown(frame)), during: [first, first + to - from] };
  });
  const boxesOf = (part: Shown) =>
    Array.from({ length: frames }, (_, frame) => drawingOf(part, frame, size)?.box);
  const draw = (): Clip => {
    const ground = backdrop(randomAt(look, 'backdrop'), size);
    const values = new Uint8Array(frames * ground.length);
    const canvas = new Float64Array(ground.length);
    for (let frame = 0; frame < frames; frame++) {
      canvas.set(ground);
      for (const part of parts) {
        const drawing = drawingOf(part, frame, size);
        if (drawing) fill(canvas, size, drawing);
      }
      const out = values.subarray(frame * canvas.length, (frame + 1) * canvas.length);
      grainy(randomAt(look, 'noise', 0, shown(frame)), canvas, out);
    }
    const times = Float64Array.from({ length: frames }, (_, frame) => frame / RATE);
    return { width: size, height: size, channels: 3, values, times };
  };
  const sentences = sentencesOf(parts).slice(0, options.sentences);
  return {
    clip: { draw },
    captions: sentences.map(textOf),
    get things() {
      return parts.map((part) => {
        const { shape, colour, size } = part.thing;
        return { shape, colour, size, event: part.event, boxes: boxesOf(part) };
      });
    },
    get tracks() {
      return tracksOf(sentences, parts, parts.map(boxesOf));
    },
  };
}

/** @throws ValueError */
function check({ size, frames, event, events, order, sentences }: MovingSceneOptions): void {
  const isWithin = (value: number | undefined, least: number, most: number) =>
    value === undefined || (Number.isInteger(value) && value >= least && value <= most);
  if (!isWithin(size, SMALLEST_SIZE, MOST_FRAMES)) {
    throw new ValueError(
      `A moving scene's size is a whole number from ${SMALLEST_SIZE} on, not ${size}.`,
    );
  }
  if (!isWithin(frames, FEWEST_FRAMES, MOST_FRAMES)) {
    throw new ValueError(
      `A moving scene has ${FEWEST_FRAMES} to ${MOST_FRAMES} frames, not ${frames}.`,
    );
  }
  if (order && (frames ?? DEFAULT_FRAMES) % 2 === 1) {
    throw new ValueError(`order has two halves: the number of frames must be even, not ${frames}.`);
  }
  if (!isWithin(sentences, 1, 9)) {
    throw new ValueError(`A moving scene has 1 sentence or more, not ${sentences}.`);
  }
  if (event !== undefined && (!ALL_EVENTS.includes(event) || events !== 1 || order)) {
    throw new ValueError(`${event} is none of ${ALL_EVENTS.join(', ')}, or events is not 1.`);
  }
}

/** A thing where it is in a frame. */
function drawingOf(
  { at, thing: { shape, radius }, turn, shade }: Shown,
  frame: number,
  size: number,
): Drawing | undefined {
  const place = at(frame);
  if (!place) return undefined;
  const [x, y] = place;
  return { ...outline(shape, x * size, y * size, radius * size, turn), colour: shade };
}

/** One event, or two one after the other; things that would touch are chosen anew. */
function compose(
  random: Random,
  frames: number,
  { events, event, corners = false }: MovingSceneOptions,
): readonly Part[] {
  const count = events ?? 1 + random.integer(2);
  for (;;) {
    const things = chooseThings(random, count);
    const chosen = things.map((thing, index) => {
      const name = event ?? random.pick(corners ? ALL_EVENTS : EVENTS);
      return eventOf(
        random,
        thing,
        name,
        frames,
        count === 1 ? 'only' : index === 0 ? 'first' : 'second',
      );
    });
    for (let tries = 0; tries < TRIES; tries++) {
      const parts = chosen.map((place) => place(random));
      if (areApart(parts, frames)) return parts;
    }
  }
}

/** Two things that appear, each in a half of its own. */
function composeTurns(random: Random, frames: number): readonly Part[] {
  const half = frames / 2;
  const begin = 1 + random.integer(Math.floor(half / 4) + 1);
  return chooseThings(random, 2).map((thing, index) => {
    const reach = thing.radius * REACH;
    const place = [between(random, reach, 1 - reach), between(random, reach, 1 - reach)] as const;
    const from = index * half + begin;
    return {
      thing,
      event: 'appears',
      words: 'appears',
      at: (frame) => (frame >= from && frame < (index + 1) * half ? place : undefined),
      during: [from, from + 1],
    };
  });
}

function chooseThings(random: Random, count: number): readonly Thing[] {
  const first = chooseThing(random, SHAPES, COLOURS, RADII);
  if (count === 1) return [first];
  const shapes = SHAPES.filter((shape) => shape !== first.shape);
  const colours = COLOURS.filter((colour) => colour !== first.colour);
  return [first, chooseThing(random, shapes, colours, RADII)];
}

/** When an event may be, by parts of a clip: when something appears, when a move begins and when it stops. */
const TIMES = {
  only: { change: [0.25, 0.75], begin: [0, 0], stop: [0.5, 0.65] },
  first: { change: [0.12, 0.35], begin: [0, 0], stop: [0.35, 0.45] },
  second: { change: [0.58, 0.8], begin: [0.5, 0.55], stop: [0.77, 0.83] },
} as const;

/** An event by its name, at random as far as that leaves it open; what comes out places it at random. */
function eventOf(
  random: Random,
  thing: Thing,
  event: string,
  frames: number,
  when: keyof typeof TIMES,
): (random: Random) => Part {
  const reach = thing.radius * REACH;
  const last = frames - 1;
  const times = TIMES[when];
  if (event === 'appears' || event === 'disappears') {
    const change = Math.ceil(last * within(random, times.change));
    const isThere = (frame: number) => frame < change === (event === 'disappears');
    return (places) => {
      const place = [between(places, reach, 1 - reach), between(places, reach, 1 - reach)] as const;
      const at = (frame: number) => (isThere(frame) ? place : undefined);
      return { thing, event, words: event, at, during: [change - 1, change + 1] };
    };
  }
  const direction = directionOf(event);
  const manner = random.pick(MANNERS);
  const stops = random.integer(2) === 0;
  const begin = Math.round(last * within(random, times.begin));
  const stop = stops ? Math.round(last * within(random, times.stop)) : last;
  const speed = within(random, SPEEDS[manner]) / last;
  const [across, down] = DIRECTIONS[direction];
  const [dx, dy] = [across * speed, down * speed];
  const way = stop - begin;
  return (places) => {
    const along = (way: number) =>
      between(places, reach - Math.min(0, way), 1 - reach - Math.max(0, way));
    const [x, y] = [along(dx * way), along(dy * way)];
    const at = (frame: number): Point => {
      const moved = Math.min(Math.max(frame, begin), stop) - begin;
      return [x + dx * moved, y + dy * moved];
    };
    const during = [begin, stop + 1] as const;
    const words = `moves ${direction} ${manner}${stops ? ' and stops' : ''}`;
    return { thing, event, words, at, during };
  };
}

function directionOf(event: string): Direction {
  for (const direction of Object.keys(DIRECTIONS)) {
    if (event === `moves ${direction}` && isDirection(direction)) return direction;
  }
  throw new ValueError(`${event} is none of ${ALL_EVENTS.join(', ')}.`);
}

function isDirection(word: string): word is Direction {
  return Object.hasOwn(DIRECTIONS, word);
}

/** Whether two things never touch, even while one of them is not there yet. */
function areApart([first, second]: readonly Part[], frames: number): boolean {
  if (!first || !second) return true;
  const apart = (first.thing.radius + second.thing.radius) * REACH + GAP;
  for (let frame = 0; frame < frames; frame++) {
    const [a, b] = [first.at(frame), second.at(frame)];
    if (a && b && (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 < apart * apart) return false;
  }
  return true;
}

/** A word of a sentence, and what it says of which thing. */
interface Word {
  readonly text: string;
  readonly kind?: string;
  readonly thing?: number;
}

/** The sentences of a clip, the grammar's first. A comma is a word of its own. */
function sentencesOf(parts: readonly Shown[]): readonly (readonly Word[])[] {
  const plain = (text: string): Word[] => text.split(' ').map((word) => ({ text: word }));
  const [one, two] = parts.map(({ thing, words }, index) => ({
    thing: plain(describe(thing)).map(({ text }): Word => {
      const kind = text === thing.colour ? 'colour' : text === thing.shape ? 'shape' : undefined;
      return kind === undefined ? { text } : { text, kind, thing: index };
    }),
    action: plain(words).map(({ text }): Word => ({ text, kind: 'event', thing: index })),
  }));
  if (!one) return [];
  const a = [...one.thing, ...one.action];
  if (!two) return [a, [...plain('there is'), ...one.thing, ...plain(', it'), ...one.action]];
  const b = [...two.thing, ...two.action];
  return [
    [...a, ...plain(', then'), ...b],
    [...plain('first'), ...a, ...plain(', then'), ...b],
    [...b, ...plain('after'), ...a],
  ];
}

function textOf(sentence: readonly Word[]): string {
  return sentence
    .map(({ text }) => text)
    .join(' ')
    .replaceAll(' ,', ',');
}

/** Of the words of sentences, where and when they are seen. */
function tracksOf(
  sentences: readonly (readonly Word[])[],
  parts: readonly Shown[],
  boxes: readonly (readonly (Box | undefined)[])[],
): NamedTrack[] {
  return sentences.flatMap((sentence, caption) =>
    sentence
      .filter(({ text }) => text !== ',')
      .flatMap(({ kind, thing = -1 }, word): NamedTrack[] => {
        const [part, where] = [parts[thing], boxes[thing]];
        if (kind === undefined || !part || !where) return [];
        const [from, to] = part.during;
        const isSeen = (frame: number) => kind !== 'event' || (frame >= from && frame < to);
        const seen = where.map((box, frame) => (isSeen(frame) ? box : undefined));
        return [{ caption, word, kind, boxes: seen }];
      }),
  );
}
