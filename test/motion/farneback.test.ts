import { largestDifference } from '@test/bounds.js';
import { type FixtureArray, fixture } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { type FarnebackOptions, farneback } from '@/motion/farneback.js';
import { tensor } from '@/tensor/create.js';

interface Case {
  readonly options: FarnebackOptions;
  readonly previous: FixtureArray;
  readonly next: FixtureArray;
  readonly flow: FixtureArray;
}

const cases = fixture<Record<string, Case>>('flow.json');
/** The fixture has four digits after the point. */
const bound = { f32: 1e-3, f64: 1e-3 };

describe.each(Object.entries(cases))('%s', (_name, { options, previous, next, flow }) => {
  test.each(['f32', 'f64'] as const)('as OpenCV to the edges, %s', (dtype) => {
    const [a, b] = [previous, next].map(({ data, shape }) => tensor(data, { shape, dtype }));
    const found = a && b && farneback(a, b, options);
    expect(found?.shape).toEqual(flow.shape);
    expect(largestDifference(found?.dataSync() ?? [], flow.data)).toBeLessThan(bound[dtype]);
  });
});
