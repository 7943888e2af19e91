import { largest, largestDifference } from '@test/bounds.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { ShapeError, ValueError } from '@/errors.js';
import { reshape } from '@/layers/indexing/axes.js';
import { sum } from '@/layers/indexing/reductions.js';
import { farneback } from '@/motion/farneback.js';
import {
  type HardwiredOptions,
  hardwired,
  hardwiredMaps,
  hardwiredSchema,
} from '@/motion/hardwired.js';
import { hornSchunck } from '@/motion/horn-schunck.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { waves } from './scenes.js';

const names = ['grey', 'gradientX', 'gradientY', 'flowX', 'flowY'] as const;
const [H, W] = [30, 23];

/** Frames (T, H, W) in which all moves by a step each. */
function moving(T: number, [u, v]: readonly [number, number], seed = 1): Tensor {
  const frames = Array.from({ length: T }, (_, t) => waves([H, W], [t * u, t * v], { seed }));
  return tensor(
    frames.flatMap((frame) => [...frame.dataSync()]),
    { shape: [T, H, W] },
  );
}

/** One frame of a formula. */
function frameOf(value: (x: number, y: number) => number, height = 6, width = 9): Tensor {
  const values = Array.from({ length: height * width }, (_, i) =>
    value(i % width, Math.floor(i / width)),
  );
  return tensor(values, { shape: [1, height, width], dtype: 'f64' });
}

test('7 frames of 60 x 40 are 33 maps', () => {
  const channels = hardwired(zeros([2, 1, 7, 60, 40]));
  expect(names.map((name) => channels[name].shape)).toEqual([
    [2, 1, 7, 60, 40],
    [2, 1, 7, 60, 40],
    [2, 1, 7, 60, 40],
    [2, 1, 6, 60, 40],
    [2, 1, 6, 60, 40],
  ]);
  const maps = names.reduce((count, name) => count + (channels[name].shape[2] ?? 0), 0);
  expect(maps).toBe(33);
});

describe('grey and gradients', () => {
  test('grey goes from -1 to 1', () => {
    const { grey } = hardwired(tensor([[[0, 127.5, 255]]], { dtype: 'f64' }));
    expect([...grey.dataSync()]).toEqual([-1, 0, 1]);
  });

  test('x is to the right, y is downwards', () => {
    const right = hardwired(frameOf((x) => 10 * x));
    expect(largest(right.gradientY.dataSync())).toBe(0);
    const row = [...right.gradientX.dataSync()].slice(0, 9);
    // At an edge the last pixel stands in the place of the missing one.
    expect(row.map((value) => Number((255 * value).toFixed(9)))).toEqual([
      10, 20, 20, 20, 20, 20, 20, 20, 10,
    ]);
    const down = hardwired(frameOf((_, y) => 10 * y));
    expect(largest(down.gradientX.dataSync())).toBe(0);
    const column = [...down.gradientY.dataSync()].filter((_, i) => i % 9 === 4);
    expect(column.map((value) => Number((255 * value).toFixed(9)))).toEqual([
      10, 20, 20, 20, 20, 10,
    ]);
  });

  test.each(['central', 'sobel'] as const)('%s is what it says', (gradient) => {
    const value = (x: number, y: number) => 100 + 20 * Math.sin(x + y * y) + 3 * x * y;
    const { gradientX, gradientY } = hardwired(frameOf(value), { gradient });
    const I = (x: number, y: number) =>
      value(Math.min(8, Math.max(0, x)), Math.min(5, Math.max(0, y))) / 255;
    const lines = gradient === 'sobel' ? [1 / 4, 1 / 2, 1 / 4] : [0, 1, 0];
    const expected = Array.from({ length: 54 }, (_, i) => {
      const [x, y] = [i % 9, Math.floor(i / 9)];
      let [inX, inY] = [0, 0];
      for (const [k, weight] of lines.entries()) {
        inX += weight * (I(x + 1, y + k - 1) - I(x - 1, y + k - 1));
        inY += weight * (I(x + k - 1, y + 1) - I(x + k - 1, y - 1));
      }
      return [inX, inY] as const;
    });
    const [xs, ys] = [expected.map(([inX]) => inX), expected.map(([, inY]) => inY)];
    expect(largestDifference(gradientX.dataSync(), xs)).toBeLessThan(1e-14);
    expect(largestDifference(gradientY.dataSync(), ys)).toBeLessThan(1e-14);
  });

  test('frames from 0 to 1 give the same', () => {
    const frames = moving(3, [0.5, 0]);
    const small = tensor(
      frames.dataSync().map((value) => value / 255),
      { shape: frames.shape },
    );
    const [a, b] = [hardwired(frames), hardwired(small, { white: 1 })];
    for (const name of names) {
      expect(largestDifference(a[name].dataSync(), b[name].dataSync()), name).toBeLessThan(1e-4);
    }
  });
});

describe('flow', () => {
  test.each(['farneback', 'horn-schunck'] as const)(
    '%s: x is to the right, y is downwards',
    (flow) => {
      const { flowX, flowY } = hardwired(moving(3, [0.8, -0.4]), { flow });
      expect(flowX.shape).toEqual([2, H, W]);
      const inside = (maps: Tensor) =>
        maps.dataSync().filter((_, i) => {
          const [x, y] = [i % W, Math.floor(i / W) % H];
          return x > 5 && x < W - 6 && y > 5 && y < H - 6;
        });
      // In units of two pixels.
      expect(
        largestDifference(
          inside(flowX),
          inside(flowX).map(() => 0.4),
        ),
      ).toBeLessThan(0.1);
      expect(
        largestDifference(
          inside(flowY),
          inside(flowY).map(() => -0.2),
        ),
      ).toBeLessThan(0.1);
    },
  );

  test('is that of each frame and the next one', () => {
    const frames = moving(4, [0.7, 0.3]);
    const plain = { farneback, hornSchunck };
    const each = (method: keyof typeof plain, options: object, flow: HardwiredOptions['flow']) => {
      const { flowX, flowY } = hardwired(frames, { flow, flowUnit: 1 });
      const field = plain[method](frames.slice(0, 3), frames.slice(1, 4), options).dataSync();
      expect(flowX.dataSync()).toEqual(field.filter((_, i) => i % 2 === 0));
      expect(flowY.dataSync()).toEqual(field.filter((_, i) => i % 2 === 1));
    };
    each('hornSchunck', {}, 'horn-schunck');
    each('hornSchunck', { alpha: 4 }, { method: 'horn-schunck', alpha: 4 });
    each('farneback', { winSize: 9, iterations: 5, smallestSide: 12 }, 'farneback');
    const options = { winSize: 21, iterations: 2, smallestSide: 12 };
    each('farneback', options, { method: 'farneback', winSize: 21, iterations: 2 });
  });

  test('one frame has none', () => {
    const channels = hardwired(moving(1, [0, 0]));
    expect(names.map((name) => channels[name].shape[0])).toEqual([1, 1, 1, 0, 0]);
    expect(hardwired(zeros([0, 1, 7, 5, 4])).flowX.shape).toEqual([0, 1, 6, 5, 4]);
  });
});

test("a window's maps are those of the whole clip", () => {
  const frames = moving(9, [0.6, 0.2]);
  const whole = hardwired(frames);
  const part = hardwired(frames.slice(2, 6));
  for (const name of names) {
    const T = part[name].shape[0] ?? 0;
    expect(part[name].dataSync(), name).toEqual(whole[name].slice(2, 2 + T).dataSync());
  }
});

test('a batch is its clips', () => {
  const clips = [moving(4, [0.6, 0.2]), moving(4, [-0.5, 0.9], 2)];
  const batch = tensor(
    clips.flatMap((clip) => [...clip.dataSync()]),
    { shape: [2, 1, 4, H, W] },
  );
  const channels = hardwired(batch);
  for (const [n, clip] of clips.entries()) {
    const alone = hardwired(clip);
    for (const name of names) {
      expect(channels[name].at(n).dataSync(), name).toEqual(alone[name].dataSync());
    }
  }
});

test('a clip of bytes, grey or in colours, has its five channels side by side', () => {
  const frames = moving(3, [0.5, 0.5]);
  const values = Uint8Array.from(frames.dataSync());
  const times = Float64Array.of(0, 0.04, 0.08);
  const maps = hardwiredMaps({ width: W, height: H, channels: 1, values, times });
  const channels = hardwired(tensor(values, { shape: [3, H, W], dtype: 'u8' }));
  const area = H * W;
  expect(maps.length).toBe(5 * 3 * area);
  for (const [c, name] of names.entries()) {
    const own = channels[name].dataSync();
    expect(maps.slice(3 * c * area, 3 * c * area + own.length), name).toEqual(own);
  }
  // The last frame has no flow.
  expect(largest(maps.slice(11 * area, 12 * area))).toBe(0);
  expect(largest(maps.slice(14 * area))).toBe(0);
  const colours = Uint8Array.from(
    { length: 3 * values.length },
    (_, i) => values[Math.floor(i / 3)] ?? 0,
  );
  expect(hardwiredMaps({ width: W, height: H, channels: 3, values: colours, times })).toEqual(maps);
});

test('what is no frames, and options that are none, are refused', () => {
  expect(() => hardwired(zeros([2, 3, 7, 8, 8]))).toThrow(ShapeError);
  expect(() => hardwired(zeros([2, 3, 7, 8, 8]))).toThrow(
    /\(2, 3, 7, 8, 8\) must be grey.*3 channels/,
  );
  expect(() => hardwired(zeros([8, 8]))).toThrow(/axes \(N, C, T, H, W\)/);
  expect(() => hardwired(zeros([2, 0, 8]))).toThrow(/no pixels/);
  const refused = (options: object, text: RegExp) => {
    expect(() => hardwired(zeros([2, 8, 8]), options)).toThrow(ValueError);
    expect(() => hardwired(zeros([2, 8, 8]), options)).toThrow(text);
  };
  refused({ flow: 'magic' }, /hardwired: flow/);
  refused({ flow: { method: 'horn-schunck', winSize: 9 } }, /hardwired: flow/);
  refused({ flow: { method: 'farneback', winSize: 0 } }, /hardwired: flow.*winSize/);
  refused({ gradient: 'prewitt' }, /gradient: must be one of central, sobel/);
  refused({ white: 0 }, /white: must be above 0, not 0/);
  refused({ unit: 1 }, /no place for "unit"/);
});

test('options that were filled in are options', () => {
  const full = hardwiredSchema.parse({ flow: 'horn-schunck' });
  expect(full.flow).toMatchObject({ method: 'horn-schunck', alpha: 15 });
  expect(hardwiredSchema.parse(full)).toEqual(full);
  expect(hardwiredSchema.parse({}).flow).toMatchObject({ method: 'farneback', winSize: 9 });
});

test('frames are data: a gradient is refused, not left out', () => {
  const loss = ({ frames }: { frames: Tensor }) =>
    sum(reshape(hardwired(frames).grey, [3 * H * W]));
  expect(() => valueAndGradients(loss, { frames: moving(3, [0, 0]) })).toThrow(/has no gradient/);
});
