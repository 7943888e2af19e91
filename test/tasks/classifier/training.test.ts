import { expectClose } from '@test/bounds.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { DistortedPictures } from '@/data/labels/distorted-pictures.js';
import { engine, scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { FormatError, UsageError } from '@/errors.js';
import { initialise } from '@/models/parameters.js';
import { transformerSchema } from '@/models/spatial-transformer.js';
import { Random } from '@/random.js';
import {
  type ClassifierOptions,
  type ClassifierParameters,
  classifierShapes,
  fullClassifier,
  planClassifier,
} from '@/tasks/classifier/config.js';
import { evaluateClassifier, overlapOf, windowBox } from '@/tasks/classifier/evaluation.js';
import { classifier } from '@/tasks/classifier/index.js';
import { type ClassifierModel, classifierKind } from '@/tasks/classifier/kind.js';
import {
  type ClassifierRecipe,
  classifierRecipeSchema,
  distortionSeed,
} from '@/tasks/classifier/recipe.js';
import { ClassifierTask } from '@/tasks/classifier/task.js';
import {
  decodeModel,
  encodeModel,
  restoredOptimisers,
  type TrainingState,
} from '@/training/model-file.js';
import { Trainer } from '@/training/trainer.js';
import { tinyPictures } from './tiny-pictures.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

const dataset = tinyPictures(60);
const recipe = (options: object = {}) =>
  classifierRecipeSchema.parse({ batchSize: 10, epochs: 2, rate: 0.01, ...options });

function fresh(options: Partial<ClassifierOptions> = {}) {
  const transformers = [
    transformerSchema.parse({ transform: 'affine', localisation: 'fc', window: [12, 12] }),
  ];
  const plan = planClassifier(
    fullClassifier({
      network: 'cnn',
      picture: [1, 12, 12],
      classes: 3,
      size: 6,
      dropout: 0.2,
      transformers,
      ...options,
    }),
  );
  return {
    plan,
    parameters: initialise<ClassifierParameters>(classifierShapes(plan), new Random(1)),
    classes: dataset.classes,
  };
}

/** A trainer of a classifier, with the classifier at hand. */
class ClassifierTrainer extends Trainer {
  readonly model: ClassifierModel;

  constructor(
    model: ClassifierModel,
    recipe: ClassifierRecipe,
    data: ConstructorParameters<typeof ClassifierTask>[2],
    saved?: Pick<TrainingState, 'optimisers' | 'progress'>,
  ) {
    super(new ClassifierTask(model, recipe, data), recipe, saved);
    this.model = model;
  }
}

interface Checkpoint extends ClassifierModel {
  readonly training?: TrainingState | undefined;
}

function checkpointOf({ model, recipe, optimisers, progress }: ClassifierTrainer): Checkpoint {
  const training = { recipe, optimisers, progress, dataset: { name: 'tiny', fingerprint: '0' } };
  return { ...model, training };
}

function fileOf({ plan, parameters, classes, training }: Checkpoint) {
  const { config } = plan;
  const parts = { config, parameters, extras: { classes: [...classes] }, state: {} };
  return Buffer.concat(encodeModel(classifierKind, { ...parts, attached: new Map() }, training));
}

function checkpointFrom(bytes: Uint8Array): Checkpoint {
  const { model, training } = decodeModel(
    classifierKind,
    parseSafetensors(bytes, 'model'),
    'model',
  );
  if (!training) return model;
  const recipe = classifierRecipeSchema.parse(training.recipe);
  const groups = new ClassifierTask(model, recipe, dataset).groups;
  const optimisers = restoredOptimisers(training, { groups }, recipe, 'model');
  return { ...model, training: { ...training, recipe, optimisers, task: undefined } };
}

/** All that a run has learned, but for the time it took. */
function stateOf({ parameters, training }: Checkpoint) {
  const { optimisers, progress } = training ?? {};
  const trees = {
    parameters,
    a: optimisers?.network?.state ?? {},
    b: optimisers?.transformers?.state ?? {},
  };
  return {
    values: [...leaves(trees)].map(([path, leaf]) => [path, leaf.dataSync()]),
    steps: optimisers?.network?.steps,
    history: progress?.history.map(({ seconds: _, ...rest }) => rest),
  };
}

describe('training', () => {
  test('learns, and what it says of an epoch is what evaluating says', async () => {
    const trainer = new ClassifierTrainer(
      fresh({ dropout: 0 }),
      recipe({ distort: 'E', epochs: 40, transformerRate: 0.1 }),
      dataset,
    );
    await trainer.run();
    const { history, best } = trainer.progress;
    expect(history[0]?.train.loss).toBeGreaterThan(0.5);
    expect(history.at(-1)?.train.loss).toBeLessThan(0.25);
    expect(history.at(-1)?.train.error).toBeLessThan(0.15);
    expect(best?.dev.error).toBe(Math.min(...history.map(({ dev }) => dev.error ?? Number.NaN)));
    const dev = new DistortedPictures(dataset.splits.dev, 'E', distortionSeed('dev', 1));
    const report = evaluateClassifier(trainer.model.plan, trainer.model.parameters, dev, {
      batchSize: 5,
    });
    expect(report.error).toBe(history.at(-1)?.dev.error);
    // Batches of another size, through a few small layers.
    expectClose(report.loss, history.at(-1)?.dev.loss ?? 0, { dtype: 'f32', terms: 1000, size: 1 });
    expect(report.mistakes).toBe(report.error * 12);
    const counted = report.confusion.flat().reduce((sum, count) => sum + count, 0);
    const right = report.confusion.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
    expect([counted, counted - right]).toEqual([12, report.mistakes]);
    expect(report.overlap).toBeGreaterThan(0);
    expect(report.overlap).toBeLessThan(1);
  });

  test.each(['adam', 'sgd'] as const)(
    'resumes bit for bit in the middle of an epoch (%s)',
    async (optimiser) => {
      const options = recipe({ optimiser, distort: 'RTS', transformerRate: 0.5 });
      const at = { picture: [1, 18, 18] } as const;
      const whole = new ClassifierTrainer(fresh({ picture: [...at.picture] }), options, dataset);
      await whole.run();
      const first = new ClassifierTrainer(fresh({ picture: [...at.picture] }), options, dataset);
      const stop = new AbortController();
      const outcome = await first.run(
        { onStep: ({ epoch, batch }) => void (epoch === 2 && batch === 2 && stop.abort()) },
        { signal: stop.signal },
      );
      expect(outcome).toBe('interrupted');
      const saved = checkpointFrom(fileOf(checkpointOf(first)));
      const second = new ClassifierTrainer(saved, options, dataset, saved.training);
      expect(await second.run()).toBe('finished');
      expect(stateOf(checkpointOf(second))).toEqual(stateOf(checkpointOf(whole)));
    },
  );

  test('the transformers stay as they are at the rate 0', async () => {
    const model = fresh();
    const before = [...leaves(model.parameters.transformers)].map(([, leaf]) => leaf.dataSync());
    const trainer = new ClassifierTrainer(
      model,
      recipe({ transformerRate: 0, epochs: 1 }),
      dataset,
    );
    await trainer.run();
    expect([...leaves(model.parameters.transformers)].map(([, leaf]) => leaf.dataSync())).toEqual(
      before,
    );
  });

  test('stops when dev is no better, and when numbers are none', async () => {
    const trainer = new ClassifierTrainer(
      fresh(),
      recipe({ rate: 1e-12, patience: 2, epochs: 50 }),
      dataset,
    );
    expect(await trainer.run()).toBe('stopped-early');
    expect(trainer.progress.epoch).toBeLessThan(10);
    const broken = fresh();
    broken.parameters.network.layer1?.W.fill(Number.NaN);
    await expect(new ClassifierTrainer(broken, recipe(), dataset).run()).rejects.toThrow(
      /epoch 1, batch 1: .*in the parameter network\.layer1\.W\. Lower the learning rate \(now 0\.01\)/,
    );
  });

  test('pictures that are not finite are named, and no rate is blamed', async () => {
    const spoilt = (split: 'train' | 'dev', picture: number) => {
      const { [split]: pictures } = dataset.splits;
      const values = Float32Array.from(pictures.values, (value) => value / 255);
      values[picture * 144 + 5] = Number.NaN;
      const splits = { ...dataset.splits, [split]: { ...pictures, values } };
      return new ClassifierTrainer(fresh(), recipe({ distort: 'none' }), { splits }).run();
    };
    await expect(spoilt('train', 3)).rejects.toThrow(
      /the inputs of train picture 3 are not finite \(value 5 is NaN\): look at these images[^.]*$/,
    );
    await expect(spoilt('dev', 2)).rejects.toThrow(/on dev: the inputs of dev picture 2 are not/);
  });

  test('pictures that do not fit the classifier are refused', () => {
    const wide = fresh({ picture: [1, 12, 13] });
    expect(() => new ClassifierTrainer(wide, recipe(), dataset)).toThrow(
      /\(1, 12, 13\).*\(1, 12, 12\)/,
    );
    expect(() => new ClassifierTrainer(fresh({ classes: 2 }), recipe(), dataset)).toThrow(
      /a label 2/,
    );
    const { train, test: judged } = dataset.splits;
    const none = { ...train, values: new Uint8Array(0), labels: new Int32Array(0) };
    const splits = { train, dev: none, test: judged };
    expect(() => new ClassifierTrainer(fresh(), recipe(), { splits })).toThrow(UsageError);
  });
});

describe('a checkpoint', () => {
  test('comes back bit for bit', async () => {
    const trainer = new ClassifierTrainer(fresh(), recipe({ epochs: 1 }), dataset);
    await trainer.run();
    const checkpoint = checkpointOf(trainer);
    const bytes = fileOf(checkpoint);
    const back = checkpointFrom(bytes);
    expect(stateOf(back)).toEqual(stateOf(checkpoint));
    expect(back.plan).toEqual(checkpoint.plan);
    expect(back.classes).toEqual(dataset.classes);
    expect(back.training?.recipe).toEqual(trainer.recipe);
    expect(Buffer.compare(fileOf(back), bytes)).toBe(0);
  });

  test('that is not right is refused, and leaves nothing on the heap', () => {
    const bytes = fileOf(fresh());
    const file = parseSafetensors(bytes, 'model');
    const wrong = (metadata: Record<string, string>, drop = '') => {
      const tensors = new Map([...file.tensors].filter(([name]) => name !== drop));
      const changed = { ...file, tensors, metadata: { ...file.metadata, ...metadata } };
      return () => decodeModel(classifierKind, changed, 'model');
    };
    const before = engine().heap.usedBytes;
    expect(wrong({ kind: 'captioner' })).toThrow(/^model: not a classifier/);
    expect(wrong({ extras: '{"classes":["a"]}' })).toThrow(
      /1 names of classes, but the classifier has 3/,
    );
    expect(wrong({}, 'model.network.layer1.W')).toThrow(/model\.network\.layer1\.W is missing/);
    const config = JSON.parse(file.metadata.config ?? '');
    const huge = JSON.stringify({ ...config, size: 1e6 });
    const { reservedBytes } = engine().heap;
    expect(wrong({ config: huge })).toThrow(
      /layer1\.W is F32 .*, but the model needs F32 .*1000000/,
    );
    expect(engine().heap.reservedBytes).toBe(reservedBytes);
    const b = file.tensors.get('model.network.layer1.b') ?? expect.fail('it has no bias');
    const bytesOfNaN = new Uint8Array(Float32Array.from(b.bytes, () => Number.NaN).buffer);
    const spoiled = { ...b, bytes: bytesOfNaN.subarray(0, b.bytes.length) };
    const tensors = new Map([...file.tensors, ['model.network.layer1.b', spoiled]]);
    expect(() => decodeModel(classifierKind, { ...file, tensors }, 'model')).toThrow(
      /^model: the tensor model\.network\.layer1\.b holds NaN/,
    );
    const other = JSON.stringify({ ...config, size: 7 });
    expect(wrong({ config: other })).toThrow(/but the model needs F32/);
    expect(engine().heap.usedBytes).toBe(before);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        using _work = scope();
        const damaged = Uint8Array.from(bytes);
        damaged[at] = byte;
        try {
          checkpointFrom(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a window', () => {
  test('reaches half a pixel beyond the places it is read at, but not out of the picture', () => {
    // 2 x 2 places of the identity: centres of quarters.
    const identity = [-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5];
    expect(windowBox(identity, [2, 2], [10, 20])).toEqual({
      left: 0,
      top: 0,
      right: 20,
      bottom: 10,
    });
    const half = identity.map((value) => value / 2);
    expect(windowBox(half, [2, 2], [10, 20])).toEqual({
      left: 5,
      top: 2.5,
      right: 15,
      bottom: 7.5,
    });
    const large = identity.map((value) => value * 3);
    expect(windowBox(large, [2, 2], [10, 20])).toEqual({ left: 0, top: 0, right: 20, bottom: 10 });
  });

  test('overlaps a box by intersection over union', () => {
    const box = { left: 0, top: 0, right: 4, bottom: 2 };
    expect(overlapOf(box, box)).toBe(1);
    expect(overlapOf(box, { left: 2, top: 0, right: 6, bottom: 2 })).toBeCloseTo(4 / 12, 12);
    expect(overlapOf(box, { left: 5, top: 0, right: 6, bottom: 2 })).toBe(0);
    expect(overlapOf({ ...box, right: 0 }, { ...box, right: 0 })).toBe(0);
  });
});

test('fewer mistakes are better, then a lower loss', () => {
  const task = new ClassifierTask(fresh(), recipe(), dataset);
  const worth = (error: number, loss: number) => task.worth({ error, loss });
  expect(worth(1 / 12, 9)).toBeGreaterThan(worth(2 / 12, 1));
  expect(worth(1 / 12, 1)).toBeGreaterThan(worth(1 / 12, 2));
  expect(worth(1 / 12, 2)).toBe(worth(1 / 12, 2));
});

test('--arrangement is judged beside the flags of a new run, not beside those of one that goes on', async () => {
  const open = (resume: boolean) =>
    classifier.open({
      ...{ dataset: 'idx:nowhere', resume, options: {}, recipe: {}, note: () => {} },
      config: { arrangement: 'parallel' },
    });
  await expect(open(false)).rejects.toThrow(
    /--arrangement parallel needs --transformers 2 or more/,
  );
  await expect(open(true)).rejects.toThrow(/nowhere/);
});
