import { expectClose } from '@test/bounds.js';
import { describeWithShared } from '@test/shared.js';
import { describe, expect, test } from 'vitest';
import { readBytes } from '@/data/formats/files.js';
import { encodeSafetensors, parseSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { PREPROCESSING, type Preprocessing } from '@/data/pictures/preprocessing.js';
import { engine, scope } from '@/engine/engine.js';
import { FormatError, ShapeError, UsageError, ValueError } from '@/errors.js';
import { type Encoder, encoderFingerprint, type SavedEncoder } from '@/models/encoders/encoder.js';
import { encoderFromBytes, restoreEncoder } from '@/models/encoders/open.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { squeezenet } from '@/models/encoders/squeezenet.js';
import { squeezenetParameters } from '@/models/encoders/squeezenet-encoder.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';
import { type OnnxGraph, onnxFile } from './onnx.js';
import { randomSqueezenet, squeezenetRounding } from './random-squeezenet.js';

const small = { ...PREPROCESSING.imagenet, width: 47, height: 64 };

describe('SqueezeNet as an encoder', () => {
  const bytes = encodeSafetensors(randomSqueezenet());
  const open = () => encoderFromBytes(bytes, 'net.safetensors', { preprocessing: small });

  test('returns what the network returns, photo by photo', async () => {
    const encoder = await open();
    expect(encoder.outputs).toEqual({ pooled: 512, grid: [512, 3, 2] });
    const batch = photos(encoder, 3);
    const { pooled, grid } = await encoder.encode(batch, 3, { grid: true });
    using _work = scope();
    const parameters = squeezenetParameters(randomSqueezenet(), 'random');
    const expected = squeezenet(tensor(batch, { shape: [3, 3, 64, 47] }), parameters);
    expectClose(pooled, expected.pooled, squeezenetRounding);
    expectClose(grid ?? [], expected.grid, squeezenetRounding);
    expect(await encoder.encode(batch, 3)).toEqual({ pooled });
    encoder.dispose();
  });

  test('comes back from a file’s bytes and encodes to the same bits', async () => {
    const encoder = await open();
    const restored = await restoreEncoder(throughFile(encoder.save()));
    const batch = photos(encoder, 1);
    expect(await restored.encode(batch, 1)).toEqual(await encoder.encode(batch, 1));
    expect(restored.preprocessing).toEqual(small);
    expect(await encoderFingerprint(restored.save())).toBe(
      await encoderFingerprint(encoder.save()),
    );
    encoder.dispose();
    restored.dispose();
  });

  test('its fingerprint follows weights and preprocessing, not the classifier', async () => {
    const withClassifier = randomSqueezenet();
    withClassifier.set('classifier.1.bias', safetensorsTensor(new Float32Array(1000), [1000]));
    withClassifier.set(
      'classifier.1.weight',
      safetensorsTensor(new Float32Array(512000), [1000, 512, 1, 1]),
    );
    const moved = randomSqueezenet();
    moved.set('features.0.bias', safetensorsTensor(new Float32Array(96).fill(1), [96]));
    const fingerprint = async (file: Uint8Array, preprocessing: Preprocessing) => {
      const encoder = await encoderFromBytes(file, 'net', { preprocessing });
      const print = await encoderFingerprint(encoder.save());
      encoder.dispose();
      return print;
    };
    const print = await fingerprint(bytes, small);
    expect(print).toMatch(/^[0-9a-f]{64}$/);
    expect(await fingerprint(encodeSafetensors(withClassifier), small)).toBe(print);
    expect(await fingerprint(encodeSafetensors(moved), small)).not.toBe(print);
    expect(await fingerprint(bytes, { ...small, scale: 1 })).not.toBe(print);
  });

  test('gives its memory back', async () => {
    const before = engine().heap.usedBytes;
    const encoder = await open();
    await encoder.encode(photos(encoder, 2), 2);
    expect(engine().heap.usedBytes).toBeGreaterThan(before);
    encoder.dispose();
    expect(engine().heap.usedBytes).toBe(before);
  });

  test.each(['module.', 'model._orig_mod.'])(
    '%s before every name is no matter',
    async (prefix) => {
      const wrapped = [...randomSqueezenet()].map(([name, leaf]) => [prefix + name, leaf] as const);
      const file = encodeSafetensors(wrapped);
      const [plain, encoder] = [
        await open(),
        await encoderFromBytes(file, 'w', { preprocessing: small }),
      ];
      expect(await encoderFingerprint(encoder.save())).toBe(await encoderFingerprint(plain.save()));
      encoder.dispose();
      plain.dispose();
    },
  );

  test.each<[string, () => Uint8Array, RegExp]>([
    [
      'a file of PyTorch',
      () => Uint8Array.from([80, 75, 3, 4, 9, 9, 9, 9, 9]),
      /PyTorch.*save_file/,
    ],
    [
      'an old one',
      () => Uint8Array.from([128, 2, 138, 10, 108, 252, 156, 70]),
      /pickle.*save_file/,
    ],
    [
      'another network',
      () => encodeSafetensors([['conv1.weight', safetensorsTensor(new Float32Array(2), [2])]]),
      /net: is no encoder.*has "conv1\.weight".*no "features\.3\.squeeze\.weight"/,
    ],
    [
      'features',
      () => encodeSafetensors([...randomSqueezenet()].slice(0, 1), { format: 'glimpse features' }),
      /it is one of glimpse features/,
    ],
    [
      'version 1.1',
      () => changed('features.0.weight', new Float32Array(1728), [64, 3, 3, 3]),
      /but a SqueezeNet 1\.1: features\.0\.weight is \(64, 3, 3, 3\), not \(96, 3, 7, 7\)/,
    ],
    ['whole numbers', () => changed('features.0.bias', new Int32Array(96), [96]), /bias" is I32/],
    [
      'what is not finite',
      () => changed('features.0.bias', new Float32Array(96).fill(Number.NaN, 7), [96]),
      /features\.0\.bias" has NaN at 7/,
    ],
    [
      'layers that are missing',
      () => without(/features\.1\d/),
      /missing: features\.10\.squeeze.*\d+ more/,
    ],
  ])('refuses %s, in a short message, and keeps nothing', async (_, make, message) => {
    const before = engine().heap.usedBytes;
    const opening = encoderFromBytes(make(), 'net');
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(message);
    const said = String(await opening.catch((error: unknown) => error));
    expect(said.length).toBeLessThan(500);
    expect(engine().heap.usedBytes).toBe(before);
  });

  test('refuses a size that no memory holds', async () => {
    const giant = { ...small, width: 16384, height: 16384 };
    const opening = encoderFromBytes(bytes, 'net', { preprocessing: giant });
    await expect(opening).rejects.toThrow(/16384x16384 pixels.*42\.9 GB.*limit is 2\.1 GB/);
    const { kind, tensors } = (await open()).save();
    const saved = { kind, tensors, metadata: { preprocessing: giant } };
    await expect(restoreEncoder(saved, 'm')).rejects.toThrow(/^m: asks for a photo of 16384x16384/);
  });

  test('refuses what does not fit', async () => {
    const encoder = await open();
    await expect(encoder.encode(new Float32Array(10), 1)).rejects.toThrow(ShapeError);
    encoder.dispose();
    await expect(encoderFromBytes(bytes, 'n', { pooled: 'x' })).rejects.toThrow(UsageError);
    const stranger = encodeSafetensors([['w', safetensorsTensor(new Float32Array(2), [2])]]);
    await expect(encoderFromBytes(stranger, 'w.safetensors')).rejects.toThrow(
      /w\.safetensors.*no encoder/,
    );
    const saved = { kind: 'vgg', tensors: new Map(), metadata: {} };
    await expect(restoreEncoder(saved, 'm.safetensors')).rejects.toThrow(/m\.safetensors.*"vgg"/);
    await expect(
      restoreEncoder({ kind: 'squeezenet', tensors: randomSqueezenet(), metadata: {} }, 'm'),
    ).rejects.toThrow(FormatError);
  });
});

describe('an ONNX file as an encoder', () => {
  const pool: OnnxGraph = {
    input: { name: 'photo', shape: ['N', 3, 4, 6] },
    nodes: [
      { operator: 'Relu', input: 'photo', output: 'grid' },
      { operator: 'GlobalAveragePool', input: 'grid', output: 'mean' },
      { operator: 'Flatten', input: 'mean', output: 'pooled' },
      { operator: 'Neg', input: 'pooled', output: 'logits' },
    ],
    outputs: [
      { name: 'logits', shape: ['N', 3] },
      { name: 'grid', shape: ['N', 3, 4, 6] },
      { name: 'pooled', shape: ['N', 3] },
    ],
  };
  const withOutputs = (...names: string[]) => ({
    ...pool,
    outputs: pool.outputs.filter(({ name }) => names.includes(name)),
  });
  const open = (graph: OnnxGraph, options = {}) =>
    encoderFromBytes(onnxFile(graph), 'folder/net.onnx', options);

  test('finds its vector, its grid and its size', async () => {
    const encoder = await open(pool);
    expect(encoder.name).toBe('net.onnx');
    expect(encoder.outputs).toEqual({ pooled: 3, grid: [3, 4, 6] });
    expect(encoder.preprocessing).toEqual({ ...PREPROCESSING.mobilenet, width: 6, height: 4 });
    const batch = photos(encoder, 2);
    const { pooled, grid } = await encoder.encode(batch, 2, { grid: true });
    expect([...(grid ?? [])]).toEqual([...batch].map((value) => Math.max(0, value)));
    expectClose(pooled, means(grid ?? [], 24), { dtype: 'f32', terms: 24 });
    encoder.dispose();
  });

  test('takes the mean over the grid where there is no vector, a vector where there is no grid', async () => {
    const gridOnly = await open(withOutputs('grid'));
    const batch = photos(gridOnly, 2);
    const { pooled } = await gridOnly.encode(batch, 2);
    const expected = means(
      batch.map((value) => Math.max(0, value)),
      24,
    );
    expectClose(pooled, expected, { dtype: 'f32', terms: 24 });

    const vectorOnly = await open(withOutputs('logits'));
    expect(vectorOnly.outputs).toEqual({ pooled: 3 });
    const { pooled: logits } = await vectorOnly.encode(batch, 2);
    expectClose(
      logits,
      expected.map((value) => -value),
      { dtype: 'f32', terms: 24 },
    );
    await expect(vectorOnly.encode(batch, 2, { grid: true })).rejects.toThrow(ValueError);
  });

  test('a fixed batch is filled up and cut again', async () => {
    const fixedBatch = {
      ...pool,
      input: { name: 'photo', shape: [2, 3, 4, 6] },
      outputs: [{ name: 'pooled', shape: [2, 3] }],
    };
    const [encoder, free] = await Promise.all([open(fixedBatch), open(pool)]);
    for (const N of [0, 1, 2, 5]) {
      const batch = photos(free, N);
      expect((await encoder.encode(batch, N)).pooled).toEqual((await free.encode(batch, N)).pooled);
    }
  });

  test('comes back from a file’s bytes with the outputs that were chosen', async () => {
    const encoder = await open(pool, { pooled: 'logits' });
    const restored = await restoreEncoder(throughFile(encoder.save()));
    const batch = photos(encoder, 2);
    const { pooled } = await encoder.encode(batch, 2);
    expect(pooled.some((value) => value < 0)).toBe(true);
    expect((await restored.encode(batch, 2)).pooled).toEqual(pooled);
    expect(await encoderFingerprint(restored.save())).toBe(
      await encoderFingerprint(encoder.save()),
    );
    const usual = await open(pool);
    expect(await encoderFingerprint(usual.save())).not.toBe(
      await encoderFingerprint(encoder.save()),
    );
  });

  test('names what does not fit', async () => {
    await expect(open(pool, { pooled: 'cls' })).rejects.toThrow(/cls.*not exist.*logits \(N, 3\)/);
    await expect(open(pool, { pooled: 'grid' })).rejects.toThrow(ValueError);
    await expect(open(pool, { preprocessing: PREPROCESSING.imagenet })).rejects.toThrow(
      /6x4.*224x224/,
    );
    const twoVectors = {
      ...pool,
      nodes: [...pool.nodes, { operator: 'Abs', input: 'logits', output: 'other' }],
      outputs: [
        { name: 'logits', shape: ['N', 3] },
        { name: 'other', shape: ['N', 3] },
      ],
    };
    await expect(open(twoVectors)).rejects.toThrow(/net\.onnx.*logits \(N, 3\), other \(N, 3\)/);
    await expect(encoderFromBytes(new Uint8Array(30), 'x.onnx')).rejects.toThrow(FormatError);
    const grey = { ...pool, input: { name: 'photo', shape: ['N', 1, 4, 6] } };
    await expect(open(grey)).rejects.toThrow(/\(N, 1, 4, 6\)/);
  });
});

describeWithShared('MobileNetV2', 'weights/mobilenet_v2.onnx', (path) => {
  test('its pooled features are the mean of its last grid; it saves its whole file', async () => {
    const encoder = await openEncoder(path);
    expect(encoder.outputs).toEqual({ pooled: 1280, grid: [1280, 7, 7] });
    expect(encoder.preprocessing).toEqual(PREPROCESSING.mobilenet);
    const batch = photos(encoder, 1);
    const { pooled, grid } = await encoder.encode(batch, 1, { grid: true });
    expectClose(pooled, means(grid ?? [], 49), { dtype: 'f32', terms: 49 });
    const saved = encoder.save().tensors.get('model')?.bytes ?? [];
    expect(Buffer.compare(Buffer.from(saved), await readBytes(path))).toBe(0);
    const fine = await openEncoder(path, { grid: 'grid_14x14' });
    expect(fine.outputs).toEqual({ pooled: 1280, grid: [576, 14, 14] });
  });
});

/** A SqueezeNet's file with one tensor changed. */
function changed(name: string, values: Float32Array | Int32Array, shape: number[]): Uint8Array {
  return encodeSafetensors(randomSqueezenet().set(name, safetensorsTensor(values, shape)));
}

function without(names: RegExp): Uint8Array {
  return encodeSafetensors([...randomSqueezenet()].filter(([name]) => !names.test(name)));
}

function photos({ preprocessing: { width, height } }: Encoder, N: number): Float32Array {
  const random = new Random(N + 1);
  return Float32Array.from({ length: N * 3 * width * height }, () => random.normal());
}

/** As a model file would carry it. */
function throughFile({ kind, tensors, metadata }: SavedEncoder): SavedEncoder {
  const file = parseSafetensors(encodeSafetensors(tensors), 'file');
  return { kind, tensors: file.tensors, metadata: JSON.parse(JSON.stringify(metadata)) };
}

function means(values: ArrayLike<number>, size: number): number[] {
  return Array.from({ length: values.length / size }, (_, plane) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += values[plane * size + i] ?? Number.NaN;
    return sum / size;
  });
}
