import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { COLOURS, SIZES } from '@/data/captions/scene-drawing.js';
import { SHAPES } from '@/data/captions/scene-shapes.js';
import type { LabelledDataset, LabelledPictures } from '@/data/labels/labelled-pictures.js';
import type { Box } from '@/data/pictures/pixels.js';
import { tokenize } from '@/data/text/tokenize.js';
import { openClips } from '@/data/video/clip-dataset.js';
import {
  bouncingDigitSet,
  glidingDigitSet,
  movingEventSet,
  movingSceneSet,
} from '@/data/video/drawn-sets.js';
import { bouncingDigit, glidingDigits } from '@/data/video/moving-digits.js';
import { EVENTS, type MovingScene, movingScene } from '@/data/video/moving-scenes.js';
import { FormatError, UsageError, ValueError } from '@/errors.js';

const thing = `a (${SIZES.join('|')}) (${COLOURS.join('|')}) (${SHAPES.join('|')})`;
const way = 'left|right|up|down|to the (top|bottom) (left|right)';
const action = `(moves (${way}) (slowly|quickly)( and stops)?|appears|disappears)`;
const grammar = new RegExp(`^${thing} ${action}(, then ${thing} ${action})?$`);

const many = (count: number, options?: Parameters<typeof movingScene>[3]): MovingScene[] =>
  Array.from({ length: count }, (_, number) => movingScene(3, 'test', number, options));

const centre = ({ left, right, top, bottom }: Box) => [(left + right) / 2, (top + bottom) / 2];
const isThere = (box: Box | undefined): box is Box => box !== undefined;

/** How far a thing moves a frame while it moves, and in how many frames it does. */
function motion(boxes: readonly (Box | undefined)[]) {
  const steps = boxes.slice(1).map((box, i) => {
    const before = boxes[i];
    if (!box || !before) return [0, 0];
    const [x = 0, y = 0] = centre(box);
    const [u = 0, v = 0] = centre(before);
    return [x - u, y - v];
  });
  const moving = steps.filter(([dx = 0, dy = 0]) => Math.abs(dx) + Math.abs(dy) > 1e-9);
  const sum = (axis: number) => moving.reduce((total, step) => total + (step[axis] ?? 0), 0);
  return { dx: sum(0), dy: sum(1), count: moving.length, last: steps.at(-1) };
}

describe('moving scenes', () => {
  test('are the same to the bit wherever they are drawn, at every call', () => {
    const { clip, captions } = movingScene(1, 'train', 7);
    const hash = () => {
      const drawn = clip.draw();
      return createHash('sha256').update(drawn.values).digest('hex');
    };
    expect(hash()).toBe(hash());
    expect({ captions, hash: hash() }).toMatchInlineSnapshot(`
      {
        "captions": [
          "a big white triangle moves up quickly and stops",
          "there is a big white triangle, it moves up quickly and stops",
        ],
        "hash": "b295adfd9308730287736720130ddd9cb865fed169e52acf9ecdbd14565f20bc",
      }
    `);
  });

  test('follow the grammar, and name things that differ in colour and shape', () => {
    for (const { captions, things } of many(200, { corners: true })) {
      expect(captions[0]).toMatch(grammar);
      const named = things.map((one) => `a ${one.size} ${one.colour} ${one.shape} ${one.event}`);
      for (const text of named) expect(captions[0]).toContain(text);
      expect(captions[0]?.startsWith(named[0] ?? '')).toBe(true);
      expect(new Set(things.flatMap(({ colour, shape }) => [colour, shape])).size).toBe(
        2 * things.length,
      );
      expect(captions).toHaveLength(things.length === 1 ? 2 : 3);
    }
  });

  test('what the first sentence says is true, by a wide margin', () => {
    for (const { captions, things } of many(300, { corners: true })) {
      const clauses = captions[0]?.split(', then ') ?? [];
      for (const [index, { event, boxes }] of things.entries()) {
        const clause = clauses[index] ?? '';
        const seen = boxes.map(isThere);
        if (event === 'appears' || event === 'disappears') {
          const changes = seen.slice(1).filter((is, i) => is !== seen[i]).length;
          expect([seen[0], changes]).toEqual([event === 'disappears', 1]);
          continue;
        }
        expect(seen).not.toContain(false);
        const { dx, dy, count, last } = motion(boxes);
        const sign = (text: string) => (/left|up|top/.test(text) ? -1 : 1);
        const words = event.replace('moves ', '').split(' ').slice(-2);
        for (const word of words.filter((text) => /left|right/.test(text)))
          expect(Math.sign(dx)).toBe(sign(word));
        for (const word of words.filter((text) => /up|down|top|bottom/.test(text)))
          expect(Math.sign(dy)).toBe(sign(word));
        if (words.length === 1) expect(Math.min(Math.abs(dx), Math.abs(dy))).toBeLessThan(1e-9);
        const speed = Math.sqrt(dx * dx + dy * dy) / count;
        if (clause.includes('quickly')) expect(speed).toBeGreaterThan(1.6);
        else expect(speed).toBeLessThan(1);
        const rests = Math.abs(last?.[0] ?? 0) + Math.abs(last?.[1] ?? 0) < 1e-9;
        expect(rests).toBe(clause.includes('and stops'));
      }
    }
  });

  test('the second event begins after the first', () => {
    for (const { things, tracks } of many(200, { events: 2 })) {
      const begins = things.map(({ shape }) => {
        const index = things.findIndex((one) => one.shape === shape);
        const verb = tracks.filter(({ caption, kind }) => caption === 0 && kind === 'event');
        const own = verb.filter(({ boxes }) =>
          boxes.some(
            (box, frame) => isThere(box) && box.left === things[index]?.boxes[frame]?.left,
          ),
        );
        return Math.min(...own.map(({ boxes }) => boxes.findIndex(isThere)));
      });
      expect(begins[1]).toBeGreaterThan(begins[0] ?? 0);
    }
  });

  test('things stay in the frame and never touch', () => {
    for (const { things } of many(200, { events: 2, corners: true })) {
      const [one, two] = things;
      for (const { boxes } of things) {
        for (const box of boxes.filter(isThere)) {
          expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
          expect(Math.max(box.right, box.bottom)).toBeLessThanOrEqual(48);
        }
      }
      for (const [frame, a] of one?.boxes.entries() ?? []) {
        const b = two?.boxes[frame];
        if (!a || !b) continue;
        const across = Math.max(a.left, b.left) - Math.min(a.right, b.right);
        const down = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
        const [ax = 0, ay = 0] = centre(a);
        const [bx = 0, by = 0] = centre(b);
        const radius = (a.right - a.left + b.right - b.left) / 4;
        const apart = Math.max(across, down) > 0 || Math.hypot(ax - bx, ay - by) > radius * 1.1;
        expect(apart).toBe(true);
      }
    }
  });

  test('words of things point at their pixels, words of events only while they happen', () => {
    for (const { clip, captions, things, tracks } of many(40)) {
      const { values, width } = clip.draw();
      const pixel = (frame: number, x: number, y: number) => {
        const at = 3 * ((frame * width + Math.floor(y)) * width + Math.floor(x));
        return [...values.subarray(at, at + 3)];
      };
      for (const { caption, word, kind, boxes } of tracks) {
        const text = tokenize(captions[caption] ?? '')[word] ?? '';
        if (kind === 'event') {
          expect(`${EVENTS.join(' ')} slowly quickly and stops`).toContain(text);
          expect(boxes.filter(isThere).length).toBeGreaterThan(0);
          continue;
        }
        const meant = things.find((one) => one[kind === 'colour' ? 'colour' : 'shape'] === text);
        expect(boxes).toEqual(meant?.boxes);
        if (text !== 'black' && text !== 'white') continue;
        const frame = boxes.findIndex(isThere);
        const [x = 0, y = 0] = centre(boxes[frame] ?? { left: 0, right: 0, top: 0, bottom: 0 });
        const [red = 0] = pixel(frame, x, y);
        expect(text === 'black' ? red < 60 : red > 200).toBe(true);
      }
    }
  });

  test('a pair in both orders has the same frames to the bit, and differs in the order alone', () => {
    const scenes = many(20, { order: true, frames: 12, size: 24 });
    for (let pair = 0; pair < 10; pair++) {
      const [one, other] = scenes.slice(2 * pair, 2 * pair + 2);
      if (!one || !other) throw new Error('no pair');
      const [a, b] = one.captions[0]?.split(', then ') ?? [];
      expect(other.captions[0]).toBe(`${b}, then ${a}`);
      const frames = ({ clip }: MovingScene) => {
        const { values, times } = clip.draw();
        const length = values.length / times.length;
        return Array.from(times, (_, t) => `${values.subarray(t * length, (t + 1) * length)}`);
      };
      const [first, second] = [frames(one), frames(other)];
      expect(first).not.toEqual(second);
      expect([...first].sort()).toEqual([...second].sort());
      expect(other.things).toEqual([...other.things].sort((x) => (x.boxes[11] ? 1 : -1)));
      expect(one.things[0]?.boxes.slice(0, 6)).toEqual(other.things[1]?.boxes.slice(6));
    }
  });

  test('what cannot be drawn is refused', () => {
    for (const options of [
      { size: 23 },
      { frames: 7 },
      { frames: 8.5 },
      { order: true, frames: 9 },
      { sentences: 0 },
      { event: 'moves left' },
      { events: 1, event: 'explodes' },
    ] as const) {
      expect(() => movingScene(0, 'train', 0, options)).toThrow(ValueError);
    }
  });
});

describe('sets of moving scenes', () => {
  const counts = { train: 24, dev: 4, test: 6, seed: 5 };

  test('more training clips leave the others as they are, splits have others', () => {
    const captions = (train: number) => {
      const { splits } = movingSceneSet({ ...counts, train });
      return [splits.train, splits.dev].map((clips) => clips.map((clip) => clip.captions[0]));
    };
    const [train = [], dev = []] = captions(24);
    const [more = []] = captions(30);
    expect(more.slice(0, 24)).toEqual(train);
    expect(train.slice(0, 4)).not.toEqual(dev);
    expect(() => captions(-1)).toThrow(ValueError);
    expect(() => movingSceneSet({ ...counts, train: 3, order: true })).toThrow(/must be even/);
    const [first] = movingSceneSet({ ...counts, sentences: 1 }).splits.test;
    expect([first?.id, first?.captions.length]).toEqual(['test-0', 1]);
    expect(first?.tracks?.length).toBeGreaterThan(0);
  });

  test('as labelled clips: as many of each event', async () => {
    const set = movingEventSet({ ...counts, size: 24 });
    expect(set.classes).toEqual(EVENTS);
    expect(set.splits.train.map(({ label }) => label).slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 0]);
    const opened = await openClips('moving:24,dev=4,test=6,seed=5,size=24');
    const [clip, same] = [set, opened].map(({ splits }) => splits.test[3]?.clip);
    if (!clip || !same || !('draw' in clip) || !('draw' in same)) throw new Error('is not drawn');
    expect(same.draw()).toEqual(clip.draw());
    await expect(openClips('moving:many')).rejects.toThrow(/must be an integer of 0 or more/);
    await expect(openClips('moving:10,frames=4')).rejects.toThrow(UsageError);
    await expect(openClips('moving:10,order=yes')).rejects.toThrow(/no place for "order"/);
  });
});

/** Digits of 4 x 4 pixels, each filled with its own brightness. */
function digits(labels: readonly number[]): LabelledPictures {
  const values = new Uint8Array(labels.length * 16);
  for (const [index, label] of labels.entries()) {
    values.fill(20 * (label + 1), index * 16, (index + 1) * 16);
  }
  return { channels: 1, height: 4, width: 4, values, labels: Int32Array.from(labels) };
}

describe('moving digits', () => {
  /** Where the digit of a label is in a frame: the corner of its brightness. */
  const cornerOf = (values: Uint8Array, size: number, frame: number, label: number) => {
    const place = values.subarray(frame * size * size).indexOf(20 * (label + 1));
    return [place % size, Math.floor(place / size)];
  };

  test('bounce: whole, of constant speed, and turned round at the edges', () => {
    const pictures = digits([3, 5]);
    for (let number = 0; number < 30; number++) {
      const { clip, label } = bouncingDigit(pictures, 1, 'train', number, { size: 40, frames: 40 });
      expect(label).toBe(number % 2 === 0 ? 3 : 5);
      const { values, channels } = clip.draw();
      expect(channels).toBe(1);
      const turns = { x: 0, y: 0 };
      let [x, y] = cornerOf(values, 40, 0, label);
      let [dx, dy] = [0, 0];
      for (let frame = 0; frame < 40; frame++) {
        const drawn = values.subarray(frame * 1600, (frame + 1) * 1600).filter((v) => v > 0);
        expect(drawn.length).toBe(16);
        const [u = 0, v = 0] = cornerOf(values, 40, frame, label);
        // A tenth of 36 pixels in all, rounded twice.
        expect(Math.hypot(u - (x ?? 0), v - (y ?? 0))).toBeLessThan(3.6 + 1.5);
        if (dx * (u - (x ?? 0)) < 0) turns.x++;
        if (dy * (v - (y ?? 0)) < 0) turns.y++;
        [dx, dy] = [u - (x ?? 0) || dx, v - (y ?? 0) || dy];
        [x, y] = [u, v];
      }
      // Four times the whole way in all.
      expect(turns.x + turns.y).toBeGreaterThanOrEqual(2);
    }
  });

  test('glide: the sentence is true, the smaller digit first', () => {
    const pictures = digits([7, 2, 2, 9, 0]);
    for (let number = 0; number < 40; number++) {
      const options = { size: 20, frames: 6 };
      const { clip, caption, tracks } = glidingDigits(pictures, 2, 'dev', number, options);
      const [, a, x, b, y] = /^a (\d) moves (\w+) and a (\d) moves (\w+)$/.exec(caption) ?? [];
      expect(Number(a)).toBeLessThan(Number(b));
      const { values } = clip.draw();
      const words = tokenize(caption);
      for (const { word, kind, boxes } of tracks) {
        expect(['digit', 'event']).toContain(kind);
        const first = word < 4;
        expect([a, b, x, y, 'moves']).toContain(words[word]);
        const moves = first ? x : y;
        const [begin, end] = [boxes[0], boxes.at(-1)];
        if (!begin || !end) throw new Error('no box');
        const moved = [end.left - begin.left, end.top - begin.top];
        const whole = { left: [-16, 0], right: [16, 0], up: [0, -16], down: [0, 16] };
        expect([moves, moved]).toEqual([
          moves,
          Object.entries(whole).find(([k]) => k === moves)?.[1],
        ]);
      }
      expect(Math.max(...values)).toBe(20 * (Number(b) + 1));
    }
  });

  test('sets take pictures of their split, and say which are missing', () => {
    const splits = { train: digits([1, 2, 3]), dev: digits([4, 5]), test: digits([]) };
    const set: LabelledDataset = { name: 'd', format: 'idx', classes: [...'012345'], splits };
    const counts = { train: 6, dev: 2, test: 0, seed: 0, size: 16, frames: 3 };
    const labelled = bouncingDigitSet(set, counts);
    expect(labelled.splits.train.map(({ label }) => label)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(labelled.splits.dev.map(({ label }) => label)).toEqual([4, 5]);
    const captioned = glidingDigitSet(set, counts);
    expect(captioned.splits.dev.map(({ captions: [text] }) => text?.match(/\d/g))).toEqual([
      ['4', '5'],
      ['4', '5'],
    ]);
    expect(() => bouncingDigitSet(set, { ...counts, test: 1 })).toThrow(/for test: say test=0/);
    expect(() =>
      glidingDigitSet({ ...set, splits: { ...splits, dev: digits([4, 4]) } }, counts),
    ).toThrow(FormatError);
    expect(() => bouncingDigitSet(set, { ...counts, size: 4 })).toThrow(ValueError);
  });
});
