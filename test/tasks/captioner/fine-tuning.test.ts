import { expectClose } from '@test/bounds.js';
import { contentOf } from '@test/cli/content-of.js';
import { randomSqueezenet, squeezenetRounding } from '@test/models/encoders/random-squeezenet.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sceneDataset } from '@/data/captions/scenes.js';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { DivergedError, FormatError, UsageError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionKind } from '@/models/captioner-config.js';
import { encoderFingerprint, type SavedEncoder } from '@/models/encoders/encoder.js';
import { squeezenetShapes } from '@/models/encoders/squeezenet-encoder.js';
import { Random } from '@/random.js';
import { encodedOnce } from '@/tasks/captioner/image-inputs.js';
import { pipelineOf, tuningPipeline } from '@/tasks/captioner/pipelines.js';
import { type PreparedData, prepareData } from '@/tasks/captioner/prepare.js';
import { type CaptionerRecipe, captionerRecipeSchema } from '@/tasks/captioner/recipe.js';
import { evaluateLoss, sampleAll } from '@/tasks/captions/measures.js';
import type { Tensor } from '@/tensor/tensor.js';
import { CaptionTrainer, changed, checkpointFrom, checkpointOf, fileOf } from './tiny-task.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

const from = 'features.10';
const preprocessing = { ...PREPROCESSING.imagenet, width: 32, height: 32 };
const encoder: SavedEncoder = {
  kind: 'squeezenet',
  tensors: randomSqueezenet(),
  metadata: { name: 'random', preprocessing },
};
const scenes = sceneDataset({ train: 6, dev: 3, test: 0, seed: 5, size: 32 });

const recipe = (options: Partial<CaptionerRecipe> = {}) =>
  captionerRecipeSchema.parse({
    ...{ finetuneEncoder: from, lengths: 'grouped', minimumCount: 1, batchSize: 6, epochs: 2 },
    ...{ patience: 100, rate: 0.01, ...options },
  });

interface Prepared extends PreparedData {
  readonly trainer: CaptionTrainer;
}

/** A captioner and photos to train it on together with its encoder; each photo has two captions. */
async function prepared({
  attention: kind,
  ...options
}: Partial<CaptionerRecipe> & { attention?: AttentionKind } = {}): Promise<Prepared> {
  const full = recipe(options);
  const grid = kind !== undefined;
  const { tail, shape, locations, ...pipeline } = tuningPipeline(encoder, from, { grid });
  const twice = scenes.splits.train.map((image) => ({
    ...image,
    captions: [...image.captions, 'a scene'],
    words: undefined as never,
  }));
  for (const image of twice) Reflect.deleteProperty(image, 'words');
  const { dev, test: others } = scenes.splits;
  const dataset = { ...scenes, splits: { train: twice, dev, test: others } };
  const made = await prepareData(dataset, { ...pipeline, shape, locations }, full);
  const captioner = new Captioner(
    {
      ...({ cell: 'gru', featureSize: 512, embeddingSize: 6, hiddenSize: 8 } as const),
      ...{ vocabularySize: made.vocabulary.size, normaliseFeatures: true, dropout: 0.2 },
      attention: kind && locations && { kind, locations, valueSize: 6, size: 5 },
    },
    { random: new Random(4), tail },
  );
  return { ...made, trainer: new CaptionTrainer(captioner, full, made.data) };
}

const saved = ({ vocabulary, trainer }: Prepared) =>
  fileOf({ ...checkpointOf({ vocabulary } as never, trainer), preprocessing, encoder });

/** Goes on from a file as `--resume` does. */
async function resumed(
  bytes: Uint8Array,
  data: CaptionTrainer['captioner'] extends never ? never : PreparedData,
) {
  const own = checkpointFrom(bytes, undefined, false).encoder;
  if (!own) throw new Error('the file has no encoder');
  const { tail } = tuningPipeline(own, from);
  const { captioner, training } = checkpointFrom(bytes, tail);
  if (!training) throw new Error('the file has no training state');
  const { config, parameters } = captioner;
  const seeing = new Captioner(config, { parameters, tail });
  const saved = captionerRecipeSchema.parse(training.recipe);
  return { ...data, trainer: new CaptionTrainer(seeing, saved, data.data, training) };
}

/** Runs until so many steps are taken. */
async function steps(trainer: CaptionTrainer, count: number): Promise<void> {
  const stop = new AbortController();
  await trainer.run(
    { onStep: ({ step }) => void (step >= count && stop.abort()) },
    { signal: stop.signal },
  );
}

describe('an encoder that is trained along', () => {
  test('changes from its module on and nowhere before; the file has it as any encoder', async () => {
    const run = await prepared();
    await steps(run.trainer, 2);
    const file = parseSafetensors(saved(run), 'model');
    const names = [...file.tensors.keys()];
    expect(names.filter((name) => name.startsWith('captioner.encoder'))).toEqual([]);
    for (const name of squeezenetShapes.keys()) {
      const now = Buffer.from(file.tensors.get(`encoder.${name}`)?.bytes ?? []);
      const same = now.equals(encoder.tensors.get(name)?.bytes ?? new Uint8Array());
      expect([name, same]).toEqual([name, Number(name.split('.')[1]) < 10]);
    }
    const { encoder: own, captioner } = checkpointFrom(saved(run));
    expect(captioner.tail).toBeUndefined();
    expect(own && (await encoderFingerprint(own))).not.toBe(await encoderFingerprint(encoder));
  });

  test.each([undefined, 'additive'] as const)(
    'is what a saved model captions with (attention: %s)',
    async (attention) => {
      const run = await prepared({ select: 'cider', ...(attention && { attention }) });
      await run.trainer.run();
      const model = checkpointFrom(saved(run));
      const inputs = await (await pipelineOf(model, undefined)).inputs(scenes.splits.dev);
      const { lossPerWord } = await evaluateLoss(model.captioner, inputs, run.data.dev.captions);
      const [, last] = run.trainer.progress.history;
      expectClose(lossPerWord, last?.dev.loss ?? 0, squeezenetRounding);
      const { captioner } = run.trainer;
      const own = await sampleAll(captioner, run.vocabulary, run.data.dev.inputs);
      expect(await sampleAll(model.captioner, model.vocabulary, inputs)).toEqual(own);
    },
  );

  test('learns at a share of the rate', async () => {
    const run = await prepared({ optimiser: 'adam', rate: 1e-3, encoderRate: 0.25, clip: 1e9 });
    const { projection, encoder: end } = run.trainer.captioner.parameters;
    const leaves = [projection.b, end?.[`${from}.squeeze`]?.b].map((leaf) => leaf as Tensor);
    const before = leaves.map((leaf) => leaf.dataSync().slice());
    await steps(run.trainer, 1);
    const moved = leaves.map((leaf, i) => {
      const changes = Array.from(leaf.dataSync(), (value, j) => value - (before[i]?.[j] ?? 0));
      return Math.max(...changes.map(Math.abs));
    });
    // Adam's first step is the rate, whatever the gradient is.
    expect(moved[0]).toBeCloseTo(1e-3, 6);
    expect(moved[1]).toBeCloseTo(2.5e-4, 6);
  });

  test('lowers the loss, and so does the encoder by itself', async () => {
    const losses = async (options: Partial<CaptionerRecipe>) => {
      const run = await prepared({ epochs: 20, ...options });
      await run.trainer.run();
      const { history } = run.trainer.progress;
      return [history[0]?.train.loss ?? 0, history.at(-1)?.train.loss ?? 0] as const;
    };
    const [first, last] = await losses({ rate: 0.01 });
    expect(last).toBeLessThan(0.9 * first);
    // At this rate a captioner stands still, but for what dropout leaves out.
    const [, alone] = await losses({ rate: 1e-8 });
    expect(alone).toBeGreaterThan(first - 0.05);
    const [, along] = await losses({ rate: 1e-8, encoderRate: 1e6 });
    expect(along).toBeLessThan(first - 0.15);
  });

  test('each photo of a batch goes through once, whatever its captions', async () => {
    for (const lengths of ['grouped', 'padded'] as const) {
      const run = await prepared();
      const asked: number[][] = [];
      const { batch } = run.data.inputs;
      const inputs = {
        ...run.data.inputs,
        batch: (images: ArrayLike<number>) => {
          asked.push(Array.from(images));
          return batch(images);
        },
      };
      const trainer = new CaptionTrainer(run.trainer.captioner, recipe({ lengths, epochs: 4 }), {
        ...run.data,
        inputs,
      });
      // Of some batches only one photo in six has two captions: hardly worth it, if it were features.
      await steps(trainer, 8);
      expect(asked).toHaveLength(8);
      const photos = asked.map(({ length }) => length);
      expect(photos).toContain(lengths === 'grouped' ? 3 : 5);
      for (const images of asked) expect(new Set(images).size).toBe(images.length);
    }
  });

  test.each([
    ['true captions of changed photos', { augment: true, optimiser: 'adamw' }],
    ['rewards', { selfCritical: true, samples: 2, optimiser: 'sgd', maxWords: 8 }],
  ] as const)('learns from %s, and resumes bit for bit', async (_, options) => {
    const straight = await prepared(options);
    await straight.trainer.run();
    const stopped = await prepared(options);
    await steps(stopped.trainer, 1);
    const goesOn = await resumed(saved(stopped), stopped);
    expect(goesOn.trainer.progress.batch).toBe(1);
    await goesOn.trainer.run();
    expect(contentOf(saved(goesOn))).toEqual(contentOf(saved(straight)));
    expect(saved(straight)).not.toEqual(saved(stopped));
  });

  test('features of dev are made once, or anew for each batch where they are too large', async () => {
    const { trainer, data } = await prepared({ attention: 'dot' });
    const { captioner } = trainer;
    const kept = encodedOnce(captioner, data.dev.inputs);
    const made = encodedOnce(captioner, data.dev.inputs, { memory: 0 });
    expect(kept.captioner.tail).toBeUndefined();
    const [a, b, own] = [
      kept.inputs.batch([2, 0]),
      made.inputs.batch([2, 0]),
      captioner.features(data.dev.inputs.batch([2, 0])),
    ];
    expect([a.shape, b.shape]).toEqual([own.shape, own.shape]);
    expect(a.dataSync()).toEqual(b.dataSync());
    // A photo alone may be rounded otherwise than among others.
    const [alone, among] = [a.dataSync(), own.dataSync()];
    expect([...alone]).toEqual([...among].map((value) => expect.closeTo(value, 5)));
  });

  test('a divergence names its tensor, and a recipe that does not fit is refused', async () => {
    const run = await prepared();
    const { captioner } = run.trainer;
    captioner.tail?.parameters['features.12.squeeze']?.b.fill(Number.NaN);
    await expect(run.trainer.run()).rejects.toThrow(DivergedError);
    await expect(run.trainer.run()).rejects.toThrow(
      /the parameter encoder\.features\.12\.squeeze\.b/,
    );

    const make = (finetuneEncoder: string | undefined) => () => {
      const { finetuneEncoder: _, ...rest } = recipe();
      return new CaptionTrainer(
        captioner,
        { ...rest, ...(finetuneEncoder && { finetuneEncoder }) },
        run.data,
      );
    };
    expect(make('features.9')).toThrow(UsageError);
    expect(make('features.9')).toThrow(/from features\.9 on along, .*from features\.10 on/);
    expect(make(undefined)).toThrow(/trains no encoder along/);
    expect(() =>
      fileOf(checkpointOf({ vocabulary: run.vocabulary } as never, run.trainer)),
    ).toThrow(/trained its encoder from features\.10 on, so the model file needs the encoder/);
    expect(() => tuningPipeline({ ...encoder, kind: 'onnx' }, from)).toThrow(UsageError);
  });

  test('a file without the optimiser’s part for the encoder is refused', async () => {
    const run = await prepared();
    await steps(run.trainer, 1);
    const name = 'optimiser.encoder.m.features.12.squeeze.W';
    const broken = changed(saved(run), ({ tensors }) => {
      expect((tensors as Map<string, unknown>).delete(name)).toBe(true);
    });
    const { tail } = run.trainer.captioner;
    expect(() => checkpointFrom(broken, tail)).toThrow(FormatError);
    expect(() => checkpointFrom(broken, tail)).toThrow(name);
  });
});
