import { expect, test } from 'vitest';
import type { Constraints } from '@/decoding/constraints.js';
import { emptyPath } from '@/decoding/hypothesis.js';
import { ScoredStep } from '@/decoding/scored-step.js';
import { samplingSearch } from '@/decoding/word-by-word.js';
import { scope } from '@/engine/engine.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';
import { END, START } from './models.js';

const constraints: Constraints = {
  endWord: END,
  never: [],
  badEndings: new Set(),
  blockRepetition: false,
  blockNgrams: 0,
  maxLength: 9,
};

const search = (images: number, draws: number) =>
  samplingSearch(images, constraints, { temperature: 1, topP: 1, draws }, new Random(3));

test('every image gets its draws, in the order of drawing', () => {
  using _work = scope();
  const [images, draws] = [3, 4];
  const sampling = search(images, draws);
  // <END> half of the time, otherwise word 4.
  const row = [-1e9, -1e9, 0, -1e9, 0];
  const starts = Array.from({ length: images }, () => emptyPath(START));
  const step = new ScoredStep({ scores: tensor([row, row, row], { dtype: 'f64' }) });
  const next = sampling.choose(step, starts);
  const found = sampling.finish(next.map(({ path }) => path));
  expect(found.map((paths) => paths.length)).toEqual([draws, draws, draws]);
  const words = found.flat().map(({ word }) => word);
  expect(new Set(words)).toEqual(new Set([END, 4]));
  // The open ones are those of `next`, each at its place.
  expect(found.flat().filter(({ word }) => word === 4)).toEqual(next.map(({ path }) => path));
  const expected = Array.from(
    { length: images * draws },
    (
      (random) => () =>
        new Random(random.uint32()).uniform() < 0.5 ? END : 4
    )(new Random(3)),
  );
  expect(words).toEqual(expected);
});

test('what is done at the end grows with the number of draws, not with its square', () => {
  const steps = (draws: number) => {
    const sampling = search(2, draws);
    const paths = [emptyPath(START), emptyPath(START)];
    const [found, count] = countingReads(() => sampling.finish(paths));
    expect(found.map((one) => one.length)).toEqual([draws, draws]);
    return count;
  };
  // Two images; some reads for each draw.
  for (const draws of [100, 1000]) expect(steps(draws)).toBeLessThanOrEqual(10 * 2 * draws);
});

/** Runs `work` and counts the elements that iterators of arrays read in it: loops and spreads alike. */
function countingReads<T>(work: () => T): [result: T, reads: number] {
  const iterators: { next: () => unknown } = Object.getPrototypeOf([][Symbol.iterator]());
  const { next } = iterators;
  let reads = 0;
  iterators.next = function () {
    reads++;
    return next.call(this);
  };
  try {
    return [work(), reads];
  } finally {
    iterators.next = next;
  }
}
