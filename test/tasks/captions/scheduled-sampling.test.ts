import { expectClose } from '@test/bounds.js';
import {
  CaptionTrainer,
  checkpointFrom,
  checkpointOf,
  fileOf,
  gridTask,
  recipe,
  resumed,
  stateOf,
  tinyCaptioner,
  tinyTask,
} from '@test/tasks/captioner/tiny-task.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collate } from '@/data/captions/batches.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { ShapeError } from '@/errors.js';
import { Random } from '@/random.js';
import { captionTensor } from '@/tasks/captions/measures.js';
import { fedCaptions, sampledShare, samplingGrowths } from '@/tasks/captions/scheduled-sampling.js';
import { tensor } from '@/tensor/create.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

test('the share of own words grows from epoch to epoch', () => {
  const linear = { scheduledSampling: 0.4, samplingGrowth: 'linear', samplingEpochs: 4 } as const;
  const shares = [0, 1, 2, 4, 9].map((epoch) => sampledShare(linear, epoch));
  for (const [i, share] of [0, 0.1, 0.2, 0.4, 0.4].entries())
    expect(shares[i]).toBeCloseTo(share, 15);
  const sigmoid = { ...linear, samplingGrowth: 'inverse-sigmoid' } as const;
  // 1 - 4 / (4 + 1), 1 - 4 / (4 + e), and nearly all.
  expect(sampledShare(sigmoid, 0)).toBeCloseTo(0.4 * 0.2, 15);
  expect(sampledShare(sigmoid, 4)).toBeCloseTo(0.4 * (1 - 4 / (4 + Math.E)), 15);
  expect(sampledShare(sigmoid, 100)).toBeCloseTo(0.4, 9);
});

/** A captioner that is about to speak: after 3 epochs its likeliest words are often, not always, right. */
async function task(grid: boolean) {
  const tiny = grid ? gridTask() : tinyTask();
  const captioner = tinyCaptioner(tiny, { dropout: 0.2, ...(grid && { attention: 'additive' }) });
  await new CaptionTrainer(captioner, recipe({ epochs: 3, rate: 0.02 }), tiny.data).run();
  const batch = collate(tiny.data.train.slice(0, 9));
  return { captioner, batch, inputs: tiny.data.inputs.batch(batch.imageIndices) };
}

test.each([false, true])(
  'what is predicted is the likeliest word at each step (grid: %s)',
  async (grid) => {
    const { captioner, batch, inputs } = await task(grid);
    const { N, T, captions } = batch;
    const predicted = captioner.predict(inputs, captionTensor(batch));
    expect(predicted).toHaveLength(N * (T - 1));
    let state = captioner.start(inputs);
    for (let t = 0; t < T - 1; t++) {
      const words = Int32Array.from({ length: N }, (_, n) => captions[n * T + t] ?? 0);
      const next = captioner.step(state, words);
      for (let n = 0; n < N; n++) {
        const scores = [...next.scores.at(n).dataSync()];
        expect(predicted[n * (T - 1) + t]).toBe(scores.indexOf(Math.max(...scores)));
      }
      state = next.state;
    }
  },
);

test('own words take the place of true ones, and nothing else changes', async () => {
  const { captioner, batch, inputs } = await task(true);
  const { N, T, captions } = batch;
  expect(
    fedCaptions(captioner, { inputs, image: undefined }, batch, 0, new Random(3)),
  ).toBeUndefined();
  const predicted = captioner.predict(inputs, captionTensor(batch));
  const all =
    fedCaptions(captioner, { inputs, image: undefined }, batch, 1, new Random(3))?.dataSync() ?? [];
  let changed = 0;
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      const word = captions[n * T + t] ?? 0;
      const own = t === 0 ? 0 : (predicted[n * (T - 1) + t - 1] ?? 0);
      expect(all[n * T + t]).toBe(word > 2 && own > 2 ? own : word);
      if (all[n * T + t] !== word) changed++;
    }
  }
  expect(changed).toBeGreaterThan(3);
});

test('so many are replaced as the share says', () => {
  const tiny = tinyTask();
  const captioner = tinyCaptioner(tiny);
  // Every word but the captions' own is out of reach, and of those only one can be likeliest.
  captioner.parameters.vocabulary.b.slice(5, 6).fill(100);
  const caption = { imageIndex: 0, words: new Int32Array(402).fill(7) };
  caption.words[0] = 1;
  caption.words[401] = 2;
  const batch = collate(Array.from({ length: 10 }, () => caption));
  const inputs = tiny.data.inputs.batch(batch.imageIndices);
  const fed =
    fedCaptions(captioner, { inputs, image: undefined }, batch, 0.3, new Random(3))?.dataSync() ??
    [];
  // 4000 coins: four standard deviations are 116.
  const own = fed.filter((word) => word === 5).length;
  expect(Math.abs(own - 1200)).toBeLessThan(116);
  expect(fed.filter((word) => word === 7)).toHaveLength(4000 - own);
});

test('the loss is that of the true words after the words that were fed', async () => {
  const { captioner, batch, inputs } = await task(true);
  const { N, T, captions } = batch;
  const random = new Random(4);
  const V = captioner.config.vocabularySize;
  const words = captions.map((word) => (word > 2 ? 3 + random.integer(V - 3) : word));
  const fed = tensor(words, { shape: [N, T], dtype: 'i32' });
  const { parameters } = captioner;
  const loss = captioner.forward(parameters, inputs, captionTensor(batch), { fed });
  let expected = 0;
  let state = captioner.start(inputs);
  for (let t = 0; t < T - 1; t++) {
    const next = captioner.step(
      state,
      Int32Array.from({ length: N }, (_, n) => words[n * T + t] ?? 0),
    );
    for (let n = 0; n < N; n++) {
      const target = captions[n * T + t + 1] ?? 0;
      if (target === 0) continue;
      const scores = [...next.scores.at(n).dataSync()];
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      expected += (Math.log(total) - (scores[target] ?? Number.NaN)) / N;
    }
    state = next.state;
  }
  expectClose(loss.item(), expected, { dtype: 'f32', terms: 500 });
  const plain = captioner.forward(parameters, inputs, captionTensor(batch));
  expect(Math.abs(plain.item() - loss.item())).toBeGreaterThan(0.1);
  const short = tensor([1, 2], { shape: [1, 2], dtype: 'i32' });
  const wrong = () => captioner.forward(parameters, inputs, captionTensor(batch), { fed: short });
  expect(wrong).toThrow(ShapeError);
  expect(wrong).toThrow(/words fed in \(1, 2\) do not fit captions \(9, /);
});

test('the first epoch of linear growth is plain teacher forcing, the second is not', async () => {
  const trained = async (epochs: number, scheduledSampling: number) => {
    const tiny = tinyTask();
    const captioner = tinyCaptioner(tiny);
    const options = { epochs, scheduledSampling, samplingEpochs: 2, rate: 0.01 };
    const trainer = new CaptionTrainer(captioner, recipe(options), tiny.data);
    await trainer.run();
    return stateOf(checkpointOf(tiny, trainer)).parameters;
  };
  expect(await trained(1, 0.8)).toEqual(await trained(1, 0));
  expect(await trained(2, 0.8)).not.toEqual(await trained(2, 0));
});

test.each(samplingGrowths)('resumes bit for bit, with attention (%s)', async (samplingGrowth) => {
  const tiny = gridTask();
  const options = { epochs: 3, scheduledSampling: 0.7, samplingGrowth, samplingEpochs: 2 };
  const begin = () =>
    new CaptionTrainer(tinyCaptioner(tiny, { attention: 'hard' }), recipe(options), tiny.data);
  const straight = begin();
  expect(await straight.run()).toBe('finished');
  let next = begin();
  let breaks = 0;
  for (let outcome = ''; outcome !== 'finished'; breaks++) {
    const controller = new AbortController();
    let steps = 0;
    const onStep = () => void (++steps === 8 && controller.abort());
    outcome = await next.run({ onStep }, { signal: controller.signal });
    next = resumed(tiny, checkpointFrom(fileOf(checkpointOf(tiny, next))));
  }
  expect(breaks).toBeGreaterThan(2);
  expect(stateOf(checkpointOf(tiny, next))).toEqual(stateOf(checkpointOf(tiny, straight)));
});
