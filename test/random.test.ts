import { describe, expect, test } from 'vitest';
import { FormatError } from '@/errors.js';
import { Random } from '@/random.js';

const mask = (1n << 32n) - 1n;
const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;

/** xoshiro128** once more, in integers of any length. */
function* reference(state: [bigint, bigint, bigint, bigint]): Generator<number> {
  const s = state;
  for (;;) {
    yield Number((rotate((s[1] * 5n) & mask, 7n) * 9n) & mask);
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11n);
  }
}

const restore = (s: number[], spareNormal: number | null = null) =>
  Random.restore(JSON.stringify({ s, spareNormal }));

describe('the generator', () => {
  test('is xoshiro128** from the state 1, 2, 3, 4 on', () => {
    const random = restore([1, 2, 3, 4]);
    const numbers = Array.from({ length: 10 }, () => random.uint32());
    expect(numbers).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
  });

  test('agrees with a second implementation over 10,000 numbers', () => {
    const random = new Random(2026);
    const words: number[] = JSON.parse(random.save()).s;
    const [a = 0n, b = 0n, c = 0n, d = 0n] = words.map((word) => BigInt(word >>> 0));
    const expected = reference([a, b, c, d]);
    for (let i = 0; i < 10_000; i++) expect(random.uint32()).toBe(expected.next().value);
  });

  test('differs from seed to seed, also for neighbouring and large ones', () => {
    const seeds = [0, 1, 2, -1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 2];
    const first = seeds.map((seed) => new Random(seed).uint32());
    expect(new Set(first).size).toBe(seeds.length);
    expect(new Random(5).uint32()).toBe(new Random(5).uint32());
  });
});

describe('distributions', () => {
  const n = 40_000;
  const moments = (values: number[]) => {
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    return { mean, variance };
  };

  test('uniform lies in [0, 1) with mean 1/2 and variance 1/12', () => {
    const random = new Random(1);
    const values = Array.from({ length: n }, () => random.uniform());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const { mean, variance } = moments(values);
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  test('normal has mean 0, variance 1 and the tails of a normal', () => {
    const random = new Random(2);
    const values = Array.from({ length: n }, () => random.normal());
    const { mean, variance } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    const beyondTwo = values.filter((x) => Math.abs(x) > 2).length / n;
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(4 * Math.sqrt(0.0455 / n));
    // The two numbers of a pair are independent.
    const pairs = values.reduce((sum, x, i) => (i % 2 ? sum + x * (values[i - 1] ?? 0) : sum), 0);
    expect(Math.abs(pairs / (n / 2))).toBeLessThan(4 / Math.sqrt(n / 2));
  });

  test('integer and pick reach every value evenly', () => {
    const random = new Random(3);
    const counts = new Map<number, number>();
    for (let i = 0; i < n; i++) {
      const value = random.pick([0, 1, 2, 3, 4, 5, 6]);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const expected = n / 7;
    const chiSquare = [...counts.values()].reduce(
      (sum, c) => sum + (c - expected) ** 2 / expected,
      0,
    );
    // 99.99 % of the chi-square distribution with 6 degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9);
    for (let i = 0; i < 100; i++) expect(random.integer(1)).toBe(0);
  });

  test('shuffle permutes, each order as likely', () => {
    const random = new Random(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle([1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['123', '132', '213', '231', '312', '321']);
    const chiSquare = [...counts.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(25.7);
    const words = new Int32Array([1, 2, 3, 4, 5]);
    expect(random.shuffle(words)).toBe(words);
    expect([...words].sort()).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('saving', () => {
  test('goes on with the very next number, between the two of a normal pair too', () => {
    const random = new Random(9);
    random.normal();
    const copy = Random.restore(random.save());
    for (let i = 0; i < 100; i++) {
      expect(copy.normal()).toBe(random.normal());
      expect(copy.uint32()).toBe(random.uint32());
    }
  });

  test.each([
    '',
    '{}',
    'null',
    '[1, 2, 3, 4]',
    '{"s": [1, 2, 3], "spareNormal": null}',
    '{"s": [1, 2, 3, 4, 5], "spareNormal": null}',
    '{"s": [1, 2, 3, 0.5], "spareNormal": null}',
    '{"s": [1, 2, 3, "4"], "spareNormal": null}',
    '{"s": [1, 2, 3, 4], "spareNormal": "0"}',
    '{"s": [1, 2, 3, 4]}',
    // The one state that gives nothing but zeros, for ever.
    '{"s": [0, 0, 0, 0], "spareNormal": null}',
  ])('refuses to restore %s', (saved) => {
    expect(() => Random.restore(saved)).toThrow(FormatError);
  });
});
