import { createHash } from 'node:crypto';
import { expectClose, largest } from '@test/bounds.js';
import { type FixtureArray, fixture } from '@test/golden.js';
import { describeWithShared, shared } from '@test/shared.js';
import { describe, expect, test } from 'vitest';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { readSafetensors } from '@/data/formats/safetensors-files.js';
import { loadPixels } from '@/data/pictures/photos.js';
import { PREPROCESSING, preprocess } from '@/data/pictures/preprocessing.js';
import { engine, scope } from '@/engine/engine.js';
import { FormatError, ShapeError } from '@/errors.js';
import { squeezenet } from '@/models/encoders/squeezenet.js';
import { squeezenetParameters, squeezenetShapes } from '@/models/encoders/squeezenet-encoder.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import { elementCount } from '@/tensor/shape.js';
import type { Tensor } from '@/tensor/tensor.js';
import { randomSqueezenet, squeezenetRounding } from './random-squeezenet.js';

interface Layer {
  shape: number[];
  indices: FixtureArray;
  values: FixtureArray;
}

interface Entry {
  kind: 'input' | 'pixels' | 'photo';
  pixelsSha256?: string;
  layers: Record<string, Layer>;
  pooled: FixtureArray;
  firstLogits: FixtureArray;
  topClasses: FixtureArray;
  topLogits: FixtureArray;
}

const entries = Object.entries(fixture<Record<string, Entry>>('squeezenet.json'));
const side = 224;

describeWithShared('agrees with PyTorch', 'weights/squeezenet1_0.safetensors', (path) => {
  // Float32 rounds to about 1e-6 of a layer's largest values, whatever becomes of them later on.
  test.each(entries)('%s', async (name, expected) => {
    const input = await inputOf(name, expected);
    if (!input) return expect(shared('data/flickr8k')).toBeUndefined();
    const disagreements = await compare(path, input, expected, 'f32');
    for (const [what, difference] of disagreements) expect(difference, what).toBeLessThan(1e-4);
  });

  test('to eight digits when both compute in float64', async () => {
    const input = Float64Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i * 0.37));
    const expected = fixture<Record<'sine', Entry>>('squeezenet.json').sine;
    const disagreements = await compare(path, input, expected, 'f64');
    for (const [what, difference] of disagreements) expect(difference, what).toBeLessThan(1e-8);
  });
});

/** Runs the network and says how far each thing it returns is from the reference. */
async function compare(
  path: string,
  input: ArrayLike<number>,
  expected: Entry,
  dtype: 'f32' | 'f64',
): Promise<[what: string, difference: number][]> {
  const { tensors } = await readSafetensors(path);
  using _work = scope();
  const parameters = squeezenetParameters(tensors, path, dtype);
  const disagreements: [string, number][] = [];
  const x = tensor(input, { shape: [1, 3, side, side], dtype });
  const { grid, pooled, logits } = squeezenet(x, parameters, {
    onLayer(name, activation) {
      const layer = expected.layers[name];
      if (!layer) return;
      expect(activation.shape, name).toEqual([1, ...layer.shape]);
      const values = activation.dataSync();
      const actual = layer.indices.data.map((index) => values[index] ?? Number.NaN);
      // The reference looks at features.0 before its relu.
      const reference =
        name === 'features.0' ? layer.values.data.map((v) => Math.max(0, v)) : layer.values.data;
      disagreements.push([name, difference(actual, reference)]);
    },
  });
  expect(disagreements.length).toBe(7);
  expect(grid.shape).toEqual([1, 512, 13, 13]);
  const scores = [...(logits?.dataSync() ?? [])];
  expect(scores.length).toBe(1000);
  const ranked = scores
    .map((_, index) => index)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  expect(ranked.slice(0, 5)).toEqual(expected.topClasses.data);
  const top = expected.topClasses.data.map((index) => scores[index] ?? Number.NaN);
  disagreements.push(
    ['pooled', difference(pooled.dataSync(), expected.pooled.data)],
    ['first logits', difference(scores.slice(0, 20), expected.firstLogits.data)],
    ['top logits', difference(top, expected.topLogits.data)],
  );
  return disagreements;
}

describe('any batch', () => {
  test('each photo gets what it gets alone; other sizes give other grids', () => {
    using _work = scope();
    const parameters = squeezenetParameters(randomSqueezenet(), 'random');
    const x = randomNormal(new Random(3), [3, 3, 64, 47]);
    const together = squeezenet(x, parameters);
    expect(together.grid.shape).toEqual([3, 512, 3, 2]);
    expect(together.pooled.shape).toEqual([3, 512]);
    expect(together.logits).toBeUndefined();
    const pooled = together.pooled.dataSync();
    expect(pooled.some((value) => value > 0)).toBe(true);
    for (const n of [0, 1, 2]) {
      const alone = squeezenet(x.slice(n, n + 1), parameters);
      expectClose(alone.pooled, pooled.slice(n * 512, (n + 1) * 512), squeezenetRounding);
      const grid = alone.grid.dataSync();
      const mean = [...grid.slice(0, 6)].reduce((sum, value) => sum + value, 0) / 6;
      expectClose(pooled.slice(n * 512, n * 512 + 1), [mean], {
        ...squeezenetRounding,
        size: largest(grid),
      });
    }
    expect(squeezenet(x.slice(0, 0), parameters).pooled.shape).toEqual([0, 512]);
  });

  test('leaves nothing behind but its results', () => {
    using _work = scope();
    const parameters = squeezenetParameters(randomSqueezenet(), 'random');
    const { heap } = engine();
    const before = heap.usedBytes;
    {
      using _run = scope();
      squeezenet(zeros([2, 3, 47, 47]), parameters);
    }
    expect(heap.usedBytes).toBe(before);
  });

  test('keeps a map no longer than the next one needs it', () => {
    using _work = scope();
    const parameters = squeezenetParameters(randomSqueezenet(), 'random');
    const { heap } = engine();
    const x = zeros([2, 3, 63, 63]);
    const before = heap.usedBytes;
    let last = 0;
    const onLayer = (name: string, activation: Tensor) => {
      const own = 4 * activation.size;
      // A fire module squeezes to a quarter of what it expands that to, or less; the rest is scratch.
      expect(heap.usedBytes - before - last - own, name).toBeLessThan(own / 2);
      last = own;
    };
    const { grid, pooled } = squeezenet(x, parameters, { onLayer });
    expect(last).toBe(4 * grid.size);
    expect(heap.usedBytes - before).toBe(4 * (grid.size + pooled.size));
  });

  test('names an input that is no batch of colour photos', () => {
    using _work = scope();
    const parameters = squeezenetParameters(randomSqueezenet(), 'random');
    expect(() => squeezenet(zeros([1, 1, 64, 64]), parameters)).toThrow(/\(1, 1, 64, 64\)/);
    expect(() => squeezenet(zeros([3, 64, 64]), parameters)).toThrow(ShapeError);
    expect(() => squeezenet(zeros([1, 3, 6, 6]), parameters)).toThrow(/\(7, 7\).*\(6, 6\)/);
  });
});

describe('the state dict', () => {
  test('has torchvision’s number of parameters', () => {
    let count = 0;
    for (const shape of squeezenetShapes.values()) count += elementCount(shape);
    expect(count).toBe(1_248_424 - 513_000);
  });

  test('names what is missing, unknown and of the wrong shape', () => {
    const state = randomSqueezenet();
    state.delete('features.5.squeeze.bias');
    state.set('features.13.bias', safetensorsTensor(new Float32Array(2), [2]));
    state.set('features.0.bias', safetensorsTensor(new Float32Array(95), [95]));
    const read = () => squeezenetParameters(state, 'net.safetensors');
    expect(read).toThrow(FormatError);
    expect(read).toThrow(/net\.safetensors.*missing: features\.5\.squeeze\.bias/);
    expect(read).toThrow(/not part of it: features\.13\.bias/);
    expect(read).toThrow(/features\.0\.bias is \(95\), not \(96\)/);
  });

  test('names a tensor whose values are no numbers, and leaves nothing on the heap', () => {
    const weights = new Map(randomSqueezenet());
    const name = 'features.7.expand3x3.weight';
    const tensor = weights.get(name) ?? expect.fail(name);
    const bytes = Uint8Array.from(tensor.bytes);
    new DataView(bytes.buffer).setFloat32(8, Number.POSITIVE_INFINITY, true);
    weights.set(name, { ...tensor, bytes });
    const before = engine().heap.usedBytes;
    expect(() => squeezenetParameters(weights, 'weights')).toThrow(
      /^weights: tensor "features\.7\.expand3x3\.weight" has Infinity at 2:/,
    );
    expect(engine().heap.usedBytes).toBe(before);
  });

  test('needs the whole classifier or none of it', () => {
    const state = randomSqueezenet();
    state.set('classifier.1.bias', safetensorsTensor(new Float32Array(1000), [1000]));
    expect(() => squeezenetParameters(state, 'net')).toThrow(/missing: classifier\.1\.weight/);
  });
});

/** The network's input, or undefined for a photo that is not here or that was decoded otherwise. */
async function inputOf(
  name: string,
  { kind, pixelsSha256 }: Entry,
): Promise<Float32Array | undefined> {
  if (kind === 'input') {
    return Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i * 0.37));
  }
  const pixels = kind === 'pixels' ? pattern() : await photo(name);
  if (!pixels) return undefined;
  expect(createHash('sha256').update(pixels.data).digest('hex'), 'pixels').toBe(pixelsSha256);
  const out = new Float32Array(3 * side * side);
  preprocess(pixels, PREPROCESSING.imagenet, out);
  return out;
}

function pattern() {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const rgb = [3 * x + 5 * y, 7 * x + 2 * y + 50, Math.floor((x * y) / 16)];
      data.set(rgb, (y * side + x) * 3);
    }
  }
  return { width: side, height: side, channels: 3 as const, data };
}

async function photo(name: string) {
  const path = shared(`data/flickr8k/Flicker8k_Dataset/${name}`);
  return path === undefined ? undefined : loadPixels({ path }, PREPROCESSING.imagenet);
}

/** Largest |a - b|, as a part of the largest |b| (or of 1). */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 1;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    const here = Math.abs(a - b);
    worst = here <= worst ? worst : Number.isNaN(here) ? Number.POSITIVE_INFINITY : here;
    largest = Math.max(largest, Math.abs(b));
  }
  return worst / largest;
}
