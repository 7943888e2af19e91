import { describe, expect, test } from 'vitest';
import type { Pixels } from '@/data/pictures/pixels.js';
import { PREPROCESSING, parsePreprocessing, preprocess } from '@/data/pictures/preprocessing.js';
import { FormatError, ShapeError } from '@/errors.js';

const twoPixels: Pixels = {
  width: 2,
  height: 1,
  channels: 3,
  data: Uint8Array.of(0, 128, 255, 255, 64, 1),
};

describe('preprocess', () => {
  test('imagenet: plane after plane, as torchvision computes it', () => {
    const out = new Float32Array(8).fill(9);
    preprocess(twoPixels, { ...PREPROCESSING.imagenet, width: 2, height: 1 }, out, 1);
    const expected = [
      9,
      (0 - 0.485) / 0.229,
      (1 - 0.485) / 0.229,
      (128 / 255 - 0.456) / 0.224,
      (64 / 255 - 0.456) / 0.224,
      (1 - 0.406) / 0.225,
      (1 / 255 - 0.406) / 0.225,
      9,
    ];
    for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 6);
  });

  test('mobilenet: from -1 to 1', () => {
    const out = new Float32Array(6);
    preprocess(twoPixels, { ...PREPROCESSING.mobilenet, width: 2, height: 1 }, out);
    expect(out[0]).toBe(-1);
    expect(out[1]).toBe(1);
    expect(out[2]).toBeCloseTo(128 / 127.5 - 1, 6);
    expect(out[5]).toBeCloseTo(1 / 127.5 - 1, 6);
  });

  test('keeps rows apart from columns', () => {
    const pixels: Pixels = {
      width: 3,
      height: 2,
      channels: 3,
      data: Uint8Array.from({ length: 18 }, (_, i) => Math.floor(i / 3)),
    };
    const out = new Float32Array(18);
    const plain = { width: 3, height: 2, resize: 'squash', scale: 1 } as const;
    preprocess(pixels, { ...plain, mean: [0, 10, 20], standardDeviation: [1, 1, 2] }, out);
    expect([...out]).toEqual([
      ...[0, 1, 2, 3, 4, 5],
      ...[-10, -9, -8, -7, -6, -5],
      ...[-10, -9.5, -9, -8.5, -8, -7.5],
    ]);
  });

  test('names both sizes when they disagree', () => {
    const out = new Float32Array(6);
    const size = { ...PREPROCESSING.imagenet, width: 2, height: 1 };
    expect(() => preprocess(twoPixels, PREPROCESSING.imagenet, out)).toThrow(/2x1.*224x224/);
    expect(() => preprocess(twoPixels, size, out, 1)).toThrow(ShapeError);
    expect(() => preprocess(twoPixels, size, out, -1)).toThrow(ShapeError);
    const cut = { ...twoPixels, data: new Uint8Array(5) };
    expect(() => preprocess(cut, size, out)).toThrow(/6 bytes, not 5/);
  });
});

describe('parsePreprocessing', () => {
  test('reads back what JSON made of a preset', () => {
    for (const preset of Object.values(PREPROCESSING)) {
      expect(parsePreprocessing(JSON.parse(JSON.stringify(preset)), 'x')).toEqual(preset);
    }
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /^m: preprocessing, the whole: /],
    ['a size of 0', { ...PREPROCESSING.imagenet, width: 0 }, /preprocessing, width: /],
    ['a giant size', { ...PREPROCESSING.imagenet, height: 1e9 }, /height/],
    ['an unknown resize', { ...PREPROCESSING.imagenet, resize: 'x' }, /resize/],
    ['a cut of more', { ...PREPROCESSING.clip, cutFrom: [256, 200] }, /224x224.*out of 256x200/],
    ['another resampling', { ...PREPROCESSING.clip, resample: 'box' }, /resample/],
    [
      'more pixels than a memory holds',
      { ...PREPROCESSING.imagenet, width: 3663, height: 3665 },
      /3663x3665 pixels.*about 2\.1 GB \(160 bytes a pixel\); the limit is 2\.1 GB.*3663x3663/,
    ],
    ['two means', { ...PREPROCESSING.imagenet, mean: [0, 0] }, /mean/],
    ['a deviation of 0', { ...PREPROCESSING.imagenet, standardDeviation: [1, 0, 1] }, /tion\.1/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parsePreprocessing(json, 'm')).toThrow(FormatError);
    expect(() => parsePreprocessing(json, 'm')).toThrow(message);
  });
});
