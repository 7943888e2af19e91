import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyPictures, writeIdx } from '@test/tasks/classifier/tiny-pictures.js';
import { commandLineOf, runUntil, stateIn } from '@test/tasks/command-line.js';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { pickPictures } from '@/data/labels/labelled-pictures.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import {
  fullVae,
  planVae,
  type VaeOptions,
  type VaeParameters,
  vaeShapes,
} from '@/models/generative/vae.js';
import { initialise } from '@/models/parameters.js';
import { randomAt } from '@/random.js';
import { vae } from '@/tasks/vae/index.js';
import { vaeKind } from '@/tasks/vae/kind.js';
import { vaeRecipeSchema } from '@/tasks/vae/recipe.js';
import { VaeTask } from '@/tasks/vae/task.js';
import { decodeModel, encodeModel } from '@/training/model-file.js';
import { Trainer } from '@/training/trainer.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-vae-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const { splits, classes } = tinyPictures(60);
const data = join(folder, 'data');
writeIdx(data, splits);
const dataset = `idx:${data},dev=0.2`;
const glimpse = commandLineOf(vae);

function modelOf(options: Partial<VaeOptions> = {}) {
  const picture = [1, 12, 12] as [number, number, number];
  const config = fullVae({ picture, hidden: [32], latent: 4, binarise: 'none', ...options });
  const plan = planVae(config);
  const parameters = initialise<VaeParameters>(vaeShapes(plan), randomAt(1, 'weights'));
  return { plan, parameters, classes: config.classes > 0 ? [...classes] : [] };
}

test.each([
  ['fully connected', {}, {}],
  ['convolutional, of a class', { network: 'cnn', filters: [8, 16], classes: 3 }, {}],
  ['with several samples', {}, { samples: 4 }],
] as const)('a handful of pictures is learned by heart: %s', async (_, options, asked) => {
  using _work = scope();
  const model = modelOf(options);
  const few = pickPictures(splits.train, [0, 1, 2, 3]);
  const recipe = vaeRecipeSchema.parse({
    ...{ batchSize: 4, epochs: 250, patience: 250, rate: 0.01, schedule: 'constant' },
    ...asked,
  });
  const task = new VaeTask(model, recipe, { splits: { train: few, dev: few, test: few } });
  const before = await task.measure();
  expect(Math.abs((before.loss ?? 0) - 144 * Math.LN2)).toBeLessThan(10);
  await new Trainer(task, recipe).run();
  // Which of the four it is costs log 4 nats; pixels cost next to nothing.
  const { loss = Number.NaN } = await task.measure();
  expect(loss).toBeGreaterThan(0.5 * Math.log(4));
  expect(loss).toBeLessThan(10);
});

test('a file gives the same model back, to the bit', () => {
  using _work = scope();
  const { plan, parameters, classes } = modelOf({ pixels: 'gaussian', classes: 3 });
  const parts = { config: plan.config, parameters, extras: { classes: [...classes] }, state: {} };
  const bytes = Buffer.concat(encodeModel(vaeKind, { ...parts, attached: new Map() }));
  const { model } = decodeModel(vaeKind, parseSafetensors(bytes, 'model'), 'model');
  expect(model.plan).toEqual(plan);
  expect(model.classes).toEqual(classes);
  const valuesOf = (tree: VaeParameters) =>
    [...leaves(tree)].map(([path, leaf]) => [path, [...leaf.dataSync()]]);
  expect(valuesOf(model.parameters)).toEqual(valuesOf(parameters));
});

const flags = [
  '--hidden',
  '16',
  '--latent',
  '3',
  '--batch-size',
  '10',
  '--epochs',
  '3',
  '--conditional',
];

test('trains by the command line, and a killed run goes on bit for bit', async () => {
  const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
  const trained = await glimpse('train', 'vae', dataset, ...flags, '--out', whole);
  expect([trained.code, trained.said]).toEqual([0, expect.stringMatching(/fcn of 16, 3 latent/)]);
  const death = runUntil(
    vae,
    {
      dataset,
      config: { hidden: [16], latent: 3, conditional: true },
      recipe: { batchSize: 10, epochs: 3 },
    },
    killed,
    ({ step }) => {
      if (step === 4) throw new Error('killed');
    },
  );
  await expect(death).rejects.toThrow('killed');
  const resumed = await glimpse('train', 'vae', dataset, '--out', killed, '--resume');
  expect([resumed.code, resumed.said]).toEqual([0, expect.stringMatching(/^epoch 3/m)]);
  expect(await stateIn(killed)).toEqual(await stateIn(whole));
  const model = ['--model', whole];
  const judged = await glimpse('evaluate', data, ...model, '--samples', '20', '--json');
  expect(judged.code).toBe(0);
  const { elbo, kl, reconstruction, logLikelihood, images } = JSON.parse(judged.answer);
  expect(elbo).toBeCloseTo(reconstruction - kl, 8);
  expect(logLikelihood).toBeGreaterThan(elbo - 1);
  expect(images).toBe(splits.test.labels.length);
});

test('bad input is refused before anything is written', async () => {
  const refusals: [string[], RegExp][] = [
    [['--latent', '0'], /--latent.*above 0/],
    [['--batch-size', '1000'], /a batch of 1000 pictures is more than the \d+/],
    [['--samples', '3', '--beta', '2'], /--samples 3.*--beta/],
    [['--pixels', 'gaussian', '--binarise', 'static'], /pixels bernoulli, or binarise none/],
    [['--filters', '8'], /--filters needs --network cnn/],
  ];
  for (const [given, message] of refusals) {
    const refused = await glimpse('train', 'vae', dataset, '--out', join(folder, 'none'), ...given);
    expect([refused.code, refused.said]).toEqual([2, expect.stringMatching(message)]);
  }
  const missing = await stateIn(join(folder, 'none')).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(Error);
  using _work = scope();
  const one = pickPictures(splits.train, [0]);
  const none = pickPictures(splits.train, []);
  const recipe = vaeRecipeSchema.parse({ batchSize: 1 });
  const taskOn = (dev: typeof one) =>
    new VaeTask(modelOf(), recipe, { splits: { train: one, dev, test: none } });
  expect(() => taskOn(none)).toThrow(UsageError);
  expect(taskOn(one).batchesPerEpoch).toBe(1);
});
