import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import {
  bitsPerDimension,
  picturesMse,
  psnr,
  reconstructionScores,
  ssim,
} from '@/metrics/generative/pictures.js';
import { Random } from '@/random.js';
import { full, randomUniform, tensor, zeros } from '@/tensor/create.js';

const range = 1;

describe('picture against picture', () => {
  test('MSE and PSNR by hand', () => {
    const mse = picturesMse(
      tensor([
        [0, 1],
        [1, 1],
      ]),
      tensor([
        [0.5, 1],
        [1, 1],
      ]),
    );
    expect([...mse]).toEqual([0.125, 0]);
    expect(psnr(0.01, { range })).toBeCloseTo(20, 12);
    expect(psnr(0.01, { range: 10 })).toBeCloseTo(40, 12);
    expect(psnr(0, { range })).toBe(Number.POSITIVE_INFINITY);
  });

  test('SSIM is 1 of equal pictures, and of flat ones what their means say', () => {
    const x = randomUniform(new Random(1), [3, 2, 13, 12], 0, 1);
    for (const value of ssim(x, x, { range })) expect(value).toBeCloseTo(1, 10);
    const [a, b, c1] = [0.2, 0.6, 0.01 ** 2];
    const [flat = 0] = ssim(full([1, 1, 11, 11], a, 'f64'), full([1, 1, 11, 11], b, 'f64'), {
      range,
    });
    expect(flat).toBeCloseTo((2 * a * b + c1) / (a * a + b * b + c1), 10);
  });

  test('SSIM is below 0 of a picture and its negative', () => {
    const x = randomUniform(new Random(2), [1, 1, 16, 16], 0, 1);
    const negative = tensor(
      x.dataSync().map((v) => 1 - v),
      { shape: x.shape },
    );
    expect(ssim(x, negative, { range })[0]).toBeLessThan(-0.5);
  });

  test('more pictures than one part holds', () => {
    const side = 300;
    const x = zeros([11, 1, side, side]).fillBy((i) => (i % 7) / 7);
    const y = zeros([11, 1, side, side]).fillBy((i) =>
      i < 10 * side * side ? (i % 7) / 7 : ((i + 1) % 7) / 7,
    );
    const found = ssim(x, y, { range });
    for (const value of found.subarray(0, 10)) expect(value).toBeCloseTo(1, 10);
    expect(found[10]).toBeCloseTo(ssim(x.slice(10, 11), y.slice(10, 11), { range })[0] ?? 0, 12);
  });

  test('reconstructionScores: PSNR of the whole error, no SSIM of small pictures', () => {
    const [a, b] = [zeros([2, 1, 3, 3]), zeros([2, 1, 3, 3]).fillBy((i) => (i < 9 ? 0 : 0.2))];
    const { mse, psnr: decibels, ssim: none } = reconstructionScores(a, b, { range });
    expect(mse).toBeCloseTo(0.02, 8);
    expect(decibels).toBeCloseTo(10 * Math.log10(1 / 0.02), 5);
    expect(none).toBeUndefined();
    const large = randomUniform(new Random(3), [2, 1, 12, 12], 0, 1);
    expect(reconstructionScores(large, large, { range }).ssim).toBeCloseTo(1, 10);
  });

  test('refuses what cannot be compared', () => {
    const x = zeros([2, 1, 12, 12]);
    expect(() => picturesMse(x, zeros([2, 1, 12, 11]))).toThrow(ShapeError);
    expect(() => ssim(x, zeros([2, 1, 12, 11]), { range })).toThrow(ShapeError);
    expect(() => ssim(zeros([1, 1, 10, 12]), zeros([1, 1, 10, 12]), { range })).toThrow(
      /10 x 12 are smaller/,
    );
    expect(() => ssim(x, x, { range: 0 })).toThrow(ValueError);
    expect(() => psnr(-1, { range })).toThrow(ValueError);
    expect(() => picturesMse(x, full([2, 1, 12, 12], Number.NaN))).toThrow(ValueError);
  });
});

describe('bitsPerDimension', () => {
  test('of uniform pixels: a bit of a binary one, 8 of a byte, both ways', () => {
    const D = 784;
    expect(bitsPerDimension(D * Math.log(2), D)).toBeCloseTo(1, 12);
    expect(bitsPerDimension(D * Math.log(256), D)).toBeCloseTo(8, 12);
    // The density of uniform numbers from 0 to 1 is 1, its logarithm 0.
    expect(bitsPerDimension(0, D, { levels: 256 })).toBe(8);
  });

  test('refuses what is no likelihood', () => {
    expect(() => bitsPerDimension(Number.NaN, 3)).toThrow(ValueError);
    expect(() => bitsPerDimension(1, 0)).toThrow(ValueError);
    expect(() => bitsPerDimension(1, 3, { levels: 1 })).toThrow(ValueError);
  });
});
