import { expect, test } from 'vitest';
import { sceneDataset } from '@/data/captions/scenes.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { cnnFeatureSize } from '@/models/cnn.js';
import { Random } from '@/random.js';
import type { ImageInputs } from '@/tasks/captioner/image-inputs.js';
import { picturePipeline } from '@/tasks/captioner/pipelines.js';
import { prepareData } from '@/tasks/captioner/prepare.js';
import { captionerRecipeSchema } from '@/tasks/captioner/recipe.js';
import { CaptionTrainer, checkpointFrom, checkpointOf, fileOf, stateOf } from './tiny-task.js';

const size = 24;
const scenes = sceneDataset({ train: 12, dev: 4, test: 0, seed: 5, size });
const recipe = captionerRecipeSchema.parse({
  augment: true,
  augmentFlip: true,
  minimumCount: 1,
  batchSize: 4,
  epochs: 2,
  seed: 3,
});
const prepare = (changes: Partial<typeof recipe> = {}) =>
  prepareData(scenes, picturePipeline(size), { ...recipe, ...changes });

function values(inputs: ImageInputs, images: readonly number[], epoch?: number) {
  using _work = scope();
  return inputs.batch(images, epoch).dataSync().slice();
}

test('a picture’s look depends on seed, epoch and picture, and on nothing else', async () => {
  const { data } = await prepare();
  const of = (inputs: ImageInputs, epoch: number, image: number) => values(inputs, [image], epoch);
  const look = of(data.inputs, 1, 2);
  const among = values(data.inputs, [7, 2], 1);
  expect(among.subarray(3 * size * size)).toEqual(look);
  expect(of((await prepare()).data.inputs, 1, 2)).toEqual(look);
  expect(of(data.inputs, 0, 2)).not.toEqual(look);
  expect(of((await prepare({ seed: 4 })).data.inputs, 1, 2)).not.toEqual(look);

  const plain = await prepare({ augment: false });
  expect(of(plain.data.inputs, 1, 2)).toEqual(values(plain.data.inputs, [2]));
  expect(look).not.toEqual(values(plain.data.inputs, [2]));
  expect(values(data.inputs, [2])).toEqual(values(plain.data.inputs, [2]));
  // What is measured on is never changed.
  expect(of(data.dev.inputs, 1, 0)).toEqual(values(data.dev.inputs, [0]));
});

test('two copies of a picture do not change alike', async () => {
  const [first] = scenes.splits.train;
  if (!first) throw new Error('there are scenes');
  const twice = { ...scenes, splits: { ...scenes.splits, train: [first, { ...first, id: 'x' }] } };
  const { data } = await prepareData(twice, picturePipeline(size), recipe);
  expect(values(data.inputs, [0], 0)).not.toEqual(values(data.inputs, [1], 0));
});

test.each(['cross-entropy', 'self-critical'] as const)(
  'a run by %s that was interrupted within an epoch ends as one that was not',
  async (objective) => {
    using _all = scope();
    const { data, vocabulary } = await prepare();
    const cnn = { size, filters: [3] };
    const captioner = () =>
      new Captioner(
        {
          cell: 'gru',
          cnn,
          featureSize: cnnFeatureSize(cnn),
          embeddingSize: 4,
          hiddenSize: 6,
          vocabularySize: vocabulary.size,
        },
        { random: new Random(1) },
      );
    const task = { data, vocabulary, featureSize: 0, truths: [], features: new Float32Array() };
    const taught = { ...recipe, objective, maxWords: 8, samples: 2 };
    const straight = new CaptionTrainer(captioner(), taught, data);
    await straight.run();

    const stopped = new CaptionTrainer(captioner(), taught, data);
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => {
      if (++steps === 4) stop.abort();
    };
    expect(await stopped.run({ onStep }, { signal: stop.signal })).toBe('interrupted');
    const { captioner: again, training } = checkpointFrom(fileOf(checkpointOf(task, stopped)));
    const resumed = new CaptionTrainer(again, taught, (await prepare()).data, training);
    expect(await resumed.run()).toBe('finished');
    expect(stateOf(checkpointOf(task, resumed))).toEqual(stateOf(checkpointOf(task, straight)));

    const without = new CaptionTrainer(
      captioner(),
      taught,
      (await prepare({ augment: false })).data,
    );
    await without.run();
    expect(stateOf(checkpointOf(task, without)).parameters).not.toEqual(
      stateOf(checkpointOf(task, straight)).parameters,
    );
  },
);

test('features cannot be augmented', async () => {
  const pipeline = {
    preprocessing: PREPROCESSING.imagenet,
    encoder: undefined,
    shape: [4],
    locations: undefined,
    inputs: picturePipeline(size).inputs,
  };
  await expect(prepareData(scenes, pipeline, recipe)).rejects.toThrow(UsageError);
});
