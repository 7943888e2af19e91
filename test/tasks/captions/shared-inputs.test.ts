import { expectClose, largest } from '@test/bounds.js';
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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import { CaptionBatches, collate } from '@/data/captions/batches.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { captionTensor } from '@/tasks/captions/measures.js';
import { type CaptionData, CrossEntropy } from '@/tasks/captions/objectives.js';
import { sharedInputs } from '@/tasks/captions/shared-inputs.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

/** Four captions of each image; images are asked for in `asked`. */
function manyCaptions(grid: boolean) {
  const task = grid ? gridTask() : tinyTask();
  const asked: number[][] = [];
  const inputs: CaptionData['inputs'] = {
    size: task.data.inputs.size,
    batch: (images) => {
      asked.push(Array.from(images));
      return task.data.inputs.batch(images);
    },
  };
  const train = task.data.train.flatMap((caption, i) => [
    ...[caption, caption],
    ...[i + 1, i + 7].map((other) => ({
      ...caption,
      words: task.data.train[other % task.data.train.length]?.words ?? caption.words,
    })),
  ]);
  return { ...task, data: { ...task.data, inputs, train }, asked };
}

test('an image is asked for once where that saves a quarter of the rows', async () => {
  const { data, asked } = manyCaptions(false);
  const shared = (...images: number[]) => sharedInputs(data.inputs, Int32Array.from(images));
  expect([...((await shared(5, 3, 5, 5, 3, 9)).image ?? [])]).toEqual([0, 1, 0, 0, 1, 2]);
  expect(asked.pop()).toEqual([5, 3, 9]);
  expect((await shared(5, 3, 9, 5)).image).toEqual(Int32Array.of(0, 1, 2, 0));
  expect(asked.pop()).toEqual([5, 3, 9]);
  expect((await shared(5, 3, 9, 5, 1)).image).toBeUndefined();
  expect(asked.pop()).toEqual([5, 3, 9, 5, 1]);
});

describe.each([false, true])('captions that share their images (grid: %s)', (grid) => {
  const captionerOf = (task: ReturnType<typeof manyCaptions>, dropout = 0) =>
    tinyCaptioner(task, { dropout, ...(grid && { attention: 'additive' }) });

  test('teach what they teach side by side', async () => {
    const task = manyCaptions(grid);
    const captioner = captionerOf(task);
    const options = { ...recipe({ batchSize: 12 }), lengths: 'grouped' as const };
    const [learn] = new CrossEntropy(captioner, options, task.data).batches(0, 0);
    const learned = await learn?.();
    if (!learned) return expect.fail('there is no batch');
    expect(learned.inputs.shape[0]).toBe(3);
    expect(task.asked.flat()).toHaveLength(3);

    const [batch] = new CaptionBatches(task.data.train, options).batches(0);
    if (!batch) return expect.fail('there is no batch');
    expect(batch.N).toBe(12);
    const repeated = task.data.inputs.batch(batch.imageIndices);
    const { loss, gradients } = captioner.loss(repeated, captionTensor(batch));
    // Some steps of the cell's products, and the sum over the words of a batch.
    const rounding = { dtype: 'f32', terms: 500 } as const;
    expectClose(learned.sums.loss?.total ?? Number.NaN, loss.item() * 12, rounding);
    const expected = new Map(leaves(gradients));
    for (const [path, gradient] of leaves(learned.gradients)) {
      const size = Math.max(1, largest(gradient.dataSync()));
      expectClose(gradient, expected.get(path) ?? [], { ...rounding, size }, path);
    }
  });

  test('resume bit for bit, with scheduled sampling', async () => {
    const task = manyCaptions(grid);
    const options = recipe({
      ...{ lengths: 'grouped', batchSize: 10, epochs: 2 },
      ...{ scheduledSampling: 0.5, samplingGrowth: 'inverse-sigmoid', samplingEpochs: 2 },
    });
    const begin = () => new CaptionTrainer(captionerOf(task, 0.3), options, task.data);
    const straight = begin();
    await straight.run();
    const stopped = begin();
    const controller = new AbortController();
    let steps = 0;
    const onStep = () => void (++steps === 31 && controller.abort());
    expect(await stopped.run({ onStep }, { signal: controller.signal })).toBe('interrupted');
    const next = resumed(task, checkpointFrom(fileOf(checkpointOf(task, stopped))));
    expect(await next.run()).toBe('finished');
    expect(stateOf(checkpointOf(task, next))).toEqual(stateOf(checkpointOf(task, straight)));
  });
});

test('what is predicted does not depend on sharing', async () => {
  const task = manyCaptions(true);
  const captioner = tinyCaptioner(task, { attention: 'dot' });
  const batch = collate(task.data.train.slice(0, 12));
  const captions = captionTensor(batch);
  const { inputs, image } = await sharedInputs(task.data.inputs, batch.imageIndices);
  const repeated = captioner.predict(task.data.inputs.batch(batch.imageIndices), captions);
  expect(inputs.shape[0]).toBe(3);
  expect(captioner.predict(inputs, captions, { image })).toEqual(repeated);
});
