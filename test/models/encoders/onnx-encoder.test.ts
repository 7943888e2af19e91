import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safetensorsValues } from '@/data/formats/safetensors-dtypes.js';
import { PREPROCESSING, type Preprocessing } from '@/data/pictures/preprocessing.js';
import { FormatError, GlimpseError, ValueError } from '@/errors.js';
import type { EncoderOptions } from '@/models/encoders/encoder.js';
import { encoderFingerprint } from '@/models/encoders/encoder.js';
import { toFloat16 } from '@/models/encoders/onnx-input.js';
import { encoderFromBytes, restoreEncoder } from '@/models/encoders/open.js';
import { Random } from '@/random.js';
import { type OnnxGraph, type OnnxValue, onnxFile } from './onnx.js';

const side = 4;
const places = side * side;
const open = (graph: OnnxGraph, options: EncoderOptions = {}) =>
  encoderFromBytes(onnxFile(graph), 'folder/net.onnx', options);

/** One output of a photo as it is: (N, 3, 4, 4) unless the network turns it. */
const seen = (
  input: OnnxValue,
  nodes: OnnxGraph['nodes'] = [{ operator: 'Identity', input: input.name, output: 'grid' }],
  outputs: OnnxGraph['outputs'] = [{ name: 'grid', shape: ['N', 3, side, side] }],
): OnnxGraph => ({ input, nodes, outputs });

/** Whole numbers, which every type holds exactly. */
function photos(N: number): Float32Array {
  const random = new Random(N);
  return Float32Array.from({ length: N * 3 * places }, () => random.integer(256));
}

const planes = (values: Float32Array) =>
  Array.from({ length: values.length / places }, (_, plane) =>
    values.subarray(plane * places, (plane + 1) * places),
  );
const means = (values: Float32Array) =>
  planes(values).map((plane) => plane.reduce((sum, value) => sum + value, 0) / places);
const peaks = (values: Float32Array) => planes(values).map((plane) => Math.max(...plane));

describe('what a network may take', () => {
  test.each<[string, OnnxValue]>([
    ['free axes', { name: 'x', shape: ['batch', 'num_channels', 'height', 'width'] }],
    ['free axes without names', { name: 'x', shape: ['', '', '', ''] }],
    ['a free size', { name: 'x', shape: [1, 3, 'h', 'w'] }],
    ['a size', { name: 'x', shape: ['N', 3, side, side] }],
    ['float16', { name: 'x', shape: ['N', 3, side, side], type: 'float16' }],
  ])('%s', async (_, input) => {
    const type = input.type ?? 'float32';
    const graph = seen(input, undefined, [{ name: 'grid', shape: ['N', 3, side, side], type }]);
    const preprocessing = { ...PREPROCESSING.imagenet, width: side, height: side };
    const encoder = await open(graph, { preprocessing });
    expect(encoder.outputs).toEqual({ pooled: 3, grid: [3, side, side] });
    const batch = photos(3);
    const { grid } = await encoder.encode(batch, 3, { grid: true });
    expect(grid).toEqual(batch);
    encoder.dispose();
  });

  test('channels last, of bytes: the photo is turned, its bytes stay bytes', async () => {
    const input = { name: 'x', shape: ['N', side, side, 3], type: 'uint8' } as const;
    const nodes = [{ operator: 'Cast', input: 'x', output: 'grid', attributes: { to: 1 } }];
    const graph = seen(input, nodes, [{ name: 'grid', shape: ['N', side, side, 3] }]);
    const encoder = await open(graph);
    expect(encoder.preprocessing).toMatchObject({ scale: 1, mean: [0, 0, 0], width: side });
    const batch = photos(2);
    const { pooled, grid } = await encoder.encode(batch, 2, { grid: true });
    expect(encoder.outputs).toEqual({ pooled: 3, grid: [3, side, side] });
    expect(grid).toEqual(batch);
    expect([...pooled]).toEqual(means(batch));
    await expect(open(graph, { preprocessing: 'imagenet' })).rejects.toThrow(/uint8.*do_rescale/);
  });

  test('channels that are free and called so stand last', async () => {
    const input = { name: 'x', shape: ['N', 'height', 'width', 'channels'] };
    const graph = seen(input, undefined, [{ name: 'grid', shape: ['N', 'h', 'w', 'c'] }]);
    const preprocessing = { ...PREPROCESSING.clip, width: side, height: 2 };
    const encoder = await open(graph, { preprocessing });
    const batch = photos(1).subarray(0, 3 * side * 2);
    expect((await encoder.encode(batch, 1, { grid: true })).grid).toEqual(batch);
    expect(encoder.outputs.grid).toEqual([3, 2, side]);
  });

  test('says that N is free and holds a 1', async () => {
    const graph: OnnxGraph = {
      ...seen({ name: 'x', shape: ['N', 3, side, side] }),
      nodes: [{ operator: 'Reshape', input: ['x', 'to'], output: 'grid' }],
      tensors: [{ name: 'to', dims: [4], values: BigInt64Array.of(1n, 3n, 4n, 4n) }],
    };
    const encoder = await open(graph);
    const batch = photos(3);
    expect((await encoder.encode(batch, 3, { grid: true })).grid).toEqual(batch);
  });

  const photo = { name: 'pixel_values', shape: ['N', 3, side, side] };
  const ofType = (type: NonNullable<OnnxValue['type']>) =>
    seen({ ...photo, type }, undefined, [{ name: 'grid', shape: ['N', 3, side, side], type }]);
  test.each<[string, OnnxGraph, RegExp]>([
    [
      'a text beside the photo',
      { ...seen(photo), moreInputs: [{ name: 'input_ids', shape: ['N', 'L'], type: 'int64' }] },
      /2 inputs: pixel_values, float32 \(N, 3, 4, 4\); input_ids, int64 \(N, L\).*vision model/,
    ],
    ['another type', ofType('float64'), /pixel_values, float64 \(N, 3, 4, 4\)/],
    ['a type without arrays', ofType('bfloat16'), /bfloat16.*float32 or float16/],
    ['grey photos', seen({ name: 'x', shape: ['N', 1, 'h', 'w'] }), /float32 \(N, 1, h, w\)/],
    ['videos', seen({ name: 'x', shape: ['N', 8, 3, 4, 4] }), /float32 \(N, 8, 3, 4, 4\)/],
    [
      'photos that no memory holds',
      seen({ name: 'x', shape: ['N', 3, 16384, 16384] }),
      /16384x16384 pixels.*42\.9 GB.*limit is 2\.1 GB.*3663x3663/,
    ],
    [
      'a batch that no memory holds',
      seen({ name: 'x', shape: [4096, 3, 224, 224] }),
      /4096 photos/,
    ],
  ])('refused: %s', async (_, graph, message) => {
    await expect(open(graph)).rejects.toThrow(FormatError);
    await expect(open(graph)).rejects.toThrow(message);
  });

  test('a name brings values to the size of the network, an exact one must fit it', async () => {
    const graph = seen({ name: 'x', shape: ['N', 3, side, side] });
    const { preprocessing } = await open(graph, { preprocessing: 'clip' });
    expect(preprocessing).toEqual({ ...PREPROCESSING.clip, width: side, height: side });
    const exact = open(graph, { preprocessing: PREPROCESSING.clip });
    await expect(exact).rejects.toThrow(/4x4 pixels.*224x224/);
  });
});

test('halves are the nearest, ties to even', () => {
  const halves = (values: readonly number[]) => {
    const bits = toFloat16(Float32Array.from(values));
    const bytes = new Uint8Array(bits.buffer);
    return [...safetensorsValues({ dtype: 'F16', shape: [bits.length], bytes })].map(Number);
  };
  expect(halves([0, -0, 1, -2, 65504, 2 ** -24, 2 ** -14])).toEqual([
    ...[0, -0, 1, -2, 65504, 2 ** -24, 2 ** -14],
  ]);
  // 1 + 2^-11 lies in the middle of 1 and 1 + 2^-10, 1 + 3 * 2^-11 in the middle of two further on.
  expect(halves([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25])).toEqual([
    ...[1, 1 + 2 ** -9, 65504, Number.POSITIVE_INFINITY, 0, 2 ** -23],
  ]);
  expect(halves([Number.NEGATIVE_INFINITY, Number.NaN])).toEqual([
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]);
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
      // Half of the last of 11 bits, or of the smallest number there is.
      const [half = 0] = halves([Math.fround(value)]);
      const bound = Math.max(2 ** -25, Math.abs(Math.fround(value)) * 2 ** -11);
      return Math.abs(half - Math.fround(value)) <= bound;
    }),
    { seed: 1 },
  );
});

describe('tokens', () => {
  /** Class token: the highest value of each colour; then registers of it; then the places. */
  const tokens = (classes: number, more: OnnxGraph['nodes'] = []): OnnxGraph => ({
    input: { name: 'pixel_values', shape: ['N', 3, side, side] },
    nodes: [
      { operator: 'Reshape', input: ['pixel_values', 'to'], output: 'planes' },
      {
        ...{ operator: 'Transpose', input: 'planes', output: 'places' },
        attributes: { perm: [0, 2, 1] },
      },
      {
        ...{ operator: 'ReduceMax', input: 'places', output: 'peak' },
        attributes: { axes: [1], keepdims: 1 },
      },
      {
        ...{ operator: 'Concat', output: 'last_hidden_state', attributes: { axis: 1 } },
        input: [...Array.from({ length: classes }, () => 'peak'), 'places'],
      },
      ...more,
    ],
    tensors: [{ name: 'to', dims: [3], values: BigInt64Array.of(0n, 3n, -1n) }],
    outputs: [
      { name: 'last_hidden_state', shape: ['N', places + classes, 3] },
      ...more.map(({ output }) => ({ name: output, shape: ['N', 'T', 3] })),
    ],
  });
  const negative = (name: string) => [
    { operator: 'Neg', input: 'last_hidden_state', output: name },
  ];

  test.each<[string, number, EncoderOptions]>([
    ['a class token and the places', 1, {}],
    ['four registers, said', 5, { registerTokens: 4 }],
    ['named', 1, { pooled: 'last_hidden_state', grid: 'last_hidden_state' }],
  ])('%s: a vector and a grid', async (_, classes, options) => {
    const encoder = await open(tokens(classes), options);
    expect(encoder.outputs).toEqual({ pooled: 3, grid: [3, side, side] });
    const batch = photos(2);
    const { pooled, grid } = await encoder.encode(batch, 2, { grid: true });
    expect(grid).toEqual(batch);
    expect([...pooled]).toEqual(peaks(batch));
    expect(await encoder.encode(batch, 2)).toEqual({ pooled });
    const restored = await restoreEncoder(encoder.save());
    expect(await restored.encode(batch, 2, { grid: true })).toEqual({ pooled, grid });
    expect(await encoderFingerprint(restored.save())).toBe(
      await encoderFingerprint(encoder.save()),
    );
  });

  test('the places alone: the vector is their mean', async () => {
    const encoder = await open(tokens(0));
    const batch = photos(2);
    const { pooled, grid } = await encoder.encode(batch, 2, { grid: true });
    expect(grid).toEqual(batch);
    expect([...pooled]).toEqual(means(batch));
  });

  test('the grid has the proportions of the photo', async () => {
    const wide = tokens(1);
    const input = { name: 'pixel_values', shape: ['N', 3, 2, 8] };
    const encoder = await open({ ...wide, input });
    expect(encoder.outputs.grid).toEqual([3, 2, 8]);
    const batch = photos(1);
    expect((await encoder.encode(batch, 1, { grid: true })).grid).toEqual(batch);
  });

  test.each(['pooler_output', 'image_embeds'])('%s is the vector', async (name) => {
    const graph = tokens(1);
    const first = { operator: 'Flatten', input: 'peak', output: 'flat' };
    const encoder = await open({
      ...graph,
      nodes: [...graph.nodes, first, { operator: 'Neg', input: 'flat', output: name }],
      outputs: [...graph.outputs, { name, shape: ['N', 3] }],
    });
    const batch = photos(2);
    const { pooled, grid } = await encoder.encode(batch, 2, { grid: true });
    expect([...pooled]).toEqual(peaks(batch).map((value) => -value));
    expect(grid).toEqual(batch);
  });

  test('of several alike the last hidden state is taken, or one is asked for', async () => {
    const encoder = await open(tokens(1, negative('hidden_states.0')));
    expect(encoder.save().metadata).toMatchObject({ grid: 'last_hidden_state' });
    const unclear = tokens(1, [...negative('a'), ...negative('b')]);
    const graph = { ...unclear, outputs: unclear.outputs.slice(1) };
    await expect(open(graph)).rejects.toThrow(/--grid-output\) of a \(N, 17, 3\), b \(N, 17, 3\)$/);
    const { pooled, grid } = await (await open(graph, { grid: 'b' })).encode(photos(1), 1, {
      grid: true,
    });
    expect(grid).toEqual(photos(1).map((value) => -value));
    expect([...pooled]).toEqual(peaks(photos(1)).map((value) => -value));
  });

  test('tokens that are no grid are told, with the flag that makes them one', async () => {
    const registers = open(tokens(5));
    await expect(registers).rejects.toThrow(FormatError);
    await expect(registers).rejects.toThrow(
      /last_hidden_state \(N, 21, 3\): of last_hidden_state neither all 21.*--register-tokens/,
    );
    await expect(open(tokens(1), { registerTokens: 4 })).rejects.toThrow(FormatError);
  });
});

test('grids with the channels last are recognised, also of photos with the channels first', async () => {
  const input = { name: 'x', shape: ['N', 3, side, side] };
  const turn = {
    ...{ operator: 'Transpose', input: 'x', output: 'grid' },
    attributes: { perm: [0, 2, 3, 1] },
  };
  const encoder = await open(seen(input, [turn], [{ name: 'grid', shape: ['N', 4, 4, 3] }]));
  expect(encoder.outputs.grid).toEqual([3, side, side]);
  expect((await encoder.encode(photos(2), 2, { grid: true })).grid).toEqual(photos(2));
});

describe('messages name only what would do', () => {
  const input = { name: 'x', shape: ['N', 3, side, side] };
  const graph: OnnxGraph = {
    input,
    nodes: [
      { operator: 'GlobalAveragePool', input: 'x', output: 'mean' },
      { operator: 'Flatten', input: 'mean', output: 'one' },
      { operator: 'Neg', input: 'one', output: 'two' },
      { operator: 'Cast', input: 'one', output: 'whole', attributes: { to: 7 } },
      { operator: 'Identity', input: 'x', output: 'map' },
      { operator: 'Size', input: 'x', output: 'count' },
      { operator: 'Cast', input: 'count', output: 'scale', attributes: { to: 1 } },
    ],
    outputs: [
      { name: 'one', shape: ['N', 3] },
      { name: 'two', shape: ['N', 3] },
      { name: 'whole', shape: ['N', 3], type: 'int64' },
      { name: 'scale', shape: [] },
    ],
  };

  test('whole numbers and what is no row a photo are not offered', async () => {
    await expect(open(graph)).rejects.toThrow(/--pooled-output\) of one \(N, 3\), two \(N, 3\)$/);
    for (const pooled of ['one', 'two'])
      expect((await open(graph, { pooled })).outputs.pooled).toBe(3);
    await expect(open(graph, { pooled: 'whole' })).rejects.toThrow(
      /whole, to be the vector, does not exist; these would do: one \(N, 3\), two \(N, 3\)$/,
    );
    await expect(open(graph, { pooled: 'one', grid: 'two' })).rejects.toThrow(ValueError);
    await expect(open(graph, { pooled: 'one', grid: 'two' })).rejects.toThrow(
      /two, to be the grid, is two \(N, 3\); no output would do$/,
    );
  });

  test('nothing to read', async () => {
    const scalar = { ...graph, outputs: [{ name: 'scale', shape: [] }] };
    await expect(open(scalar)).rejects.toThrow(/it has none of float32 or float16 with/);
  });
});

describe('what the runtime says is said with the file', () => {
  test('a network that does not run, and where its size is free, what to do', async () => {
    const broken = (shape: OnnxValue['shape']): OnnxGraph => ({
      ...seen({ name: 'x', shape }),
      nodes: [{ operator: 'Reshape', input: ['x', 'to'], output: 'grid' }],
      tensors: [{ name: 'to', dims: [3], values: BigInt64Array.of(-1n, 7n, 5n) }],
    });
    const fixed = open(broken(['N', 3, side, side]));
    await expect(fixed).rejects.toThrow(FormatError);
    await expect(fixed).rejects.toThrow(
      /^folder\/net\.onnx: .*4x4 pixels.*does not run \(.*Reshape/,
    );
    await expect(open(broken(['N', 3, 'h', 'w']))).rejects.toThrow(/224x224.*its size is free/);
  });

  test('a damaged file is refused by a typed, short message, wherever it is damaged', async () => {
    const whole = onnxFile({
      ...seen({ name: 'x', shape: ['N', 3, side, side] }),
      nodes: [{ operator: 'Mul', input: ['x', 'w'], output: 'grid' }],
      tensors: [{ name: 'w', dims: [1, 3, 1, 1], values: Float32Array.of(1, 2, 3) }],
    });
    const damages = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(damages, fc.nat(whole.length), async (changes, cut) => {
        const bytes = whole.slice(0, cut % 4 === 0 ? cut : undefined);
        for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
        try {
          (await encoderFromBytes(bytes, 'net.onnx')).dispose();
        } catch (error) {
          if (!(error instanceof GlimpseError)) throw error;
          expect(error.message).toMatch(/^net\.onnx: /);
          expect(error.message.length).toBeLessThan(1000);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

test('the fingerprint follows preprocessing and register tokens', async () => {
  const graph = seen({ name: 'x', shape: ['N', 3, side, side] });
  const print = async (preprocessing: Preprocessing) => {
    const encoder = await open(graph, { preprocessing });
    return encoderFingerprint(encoder.save());
  };
  const own = { ...PREPROCESSING.imagenet, width: side, height: side };
  const prints = new Set([
    await print(own),
    await print({ ...own, resample: 'bicubic' }),
    await print({ ...own, cutFrom: [5, 5] }),
    await print({ ...own, mean: [0, 0, 0] }),
  ]);
  expect(prints.size).toBe(4);
  const { scale, resize, mean, standardDeviation } = own;
  const turned = { standardDeviation, mean, scale, resize, height: side, width: side };
  expect(await print(turned)).toBe(await print(own));
});
