import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectRightGradients } from '@test/gradients.js';
import { tinyPictures, writeIdx } from '@test/tasks/classifier/tiny-pictures.js';
import { commandLineOf, runUntil, stateIn } from '@test/tasks/command-line.js';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { pickPictures } from '@/data/labels/labelled-pictures.js';
import { addNoise } from '@/data/labels/picture-noise.js';
import { scope } from '@/engine/engine.js';
import {
  type AutoencoderOptions,
  type AutoencoderParameters,
  autoencoderLoss,
  autoencoderShapes,
  fullAutoencoder,
  planAutoencoder,
} from '@/models/generative/autoencoder.js';
import { initialise } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { autoencoder } from '@/tasks/autoencoder/index.js';
import { autoencoderRecipeSchema } from '@/tasks/autoencoder/recipe.js';
import { AutoencoderTask, measureReturn } from '@/tasks/autoencoder/task.js';
import { randomUniform } from '@/tensor/create.js';
import { Trainer } from '@/training/trainer.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-autoencoder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const { splits } = tinyPictures(60);
const data = join(folder, 'data');
writeIdx(data, splits);
const dataset = `idx:${data},dev=0.2`;
const glimpse = commandLineOf(autoencoder);

function modelOf(options: Partial<AutoencoderOptions> = {}, dtype: 'f32' | 'f64' = 'f32') {
  const picture = [1, 12, 12] as [number, number, number];
  const config = fullAutoencoder({ picture, hidden: [24], latent: 6, ...options });
  const plan = planAutoencoder(config);
  const shapes = autoencoderShapes(plan);
  return { plan, parameters: initialise<AutoencoderParameters>(shapes, new Random(2), dtype) };
}

test.each([
  ['squared error', {}, 0],
  ['cross-entropy and a sigmoid', { error: 'cross-entropy', code: 'sigmoid' }, 0],
  ['a sparse code, convolutional', { network: 'cnn', filters: [3], code: 'relu' }, 0.3],
] as const)('right gradients: %s', (_, options, sparsity) => {
  using _work = scope();
  const picture: [number, number, number] = [2, 3, 5];
  const small = { picture, hidden: [4], latent: 2, activation: 'tanh' as const };
  const { plan, parameters } = modelOf({ ...small, ...options }, 'f64');
  const x = randomUniform(new Random(1), [3, 2, 3, 5], 0, 1, 'f64');
  const seen = randomUniform(new Random(2), [3, 2, 3, 5], 0, 1, 'f64');
  expectRightGradients((p) => autoencoderLoss(plan, p, x, seen, sparsity), parameters);
});

/** Trains on the tiny pictures. */
async function trained(options: Partial<AutoencoderOptions>, asked: object, few?: number) {
  const model = modelOf(options);
  const recipe = autoencoderRecipeSchema.parse({
    ...{ batchSize: 4, epochs: 60, patience: 60, rate: 0.01, schedule: 'constant' },
    ...asked,
  });
  const train = pickPictures(splits.train, [...Array(few ?? 0).keys()]);
  const sets = few ? { train, dev: train, test: train } : tinyPictures(600).splits;
  const task = new AutoencoderTask(model, recipe, { splits: sets });
  const before = await task.measure();
  await new Trainer(task, recipe).run();
  return { model, task, before, after: await task.measure() };
}

test.each([
  ['fully connected', {}],
  ['convolutional', { network: 'cnn', filters: [8, 16] }],
] as const)('a handful of pictures comes back: %s', async (_, options) => {
  using _work = scope();
  const { before, after } = await trained(
    options as Partial<AutoencoderOptions>,
    { epochs: 200 },
    4,
  );
  expect(before.squaredError).toBeGreaterThan(0.03);
  expect(after.squaredError).toBeLessThan(0.002);
});

test('who learned with noise takes it away better, and a price makes codes sparse', async () => {
  using _work = scope();
  const noise = { noise: 'masking', noiseLevel: 0.5, seed: 3 } as const;
  const short = { batchSize: 16, epochs: 15 };
  const plain = await trained({ latent: 12 }, short);
  const denoising = await trained({ latent: 12 }, { ...short, ...noise });
  const [a, b] = [plain, denoising].map(({ model, task }) => measureReturn(model, task.dev, noise));
  expect(b?.squaredError).toBeLessThan(0.8 * (a?.squaredError ?? 0));
  const free = await trained({ code: 'relu' }, short);
  const priced = await trained({ code: 'relu' }, { ...short, sparsity: 2 });
  expect(priced.after.inactive).toBeGreaterThan((free.after.inactive ?? 1) + 0.1);
});

test('noise changes as much as was said, and the same again', () => {
  const drawn = (kind: Parameters<typeof addNoise>[1], level: number) => {
    const values = new Float32Array(20_000).fill(0.5);
    addNoise(values, kind, level, new Random(5));
    return values;
  };
  const changed = (values: Float32Array) => values.filter((value) => value !== 0.5).length / 20_000;
  expect(changed(drawn('none', 1))).toBe(0);
  expect(changed(drawn('masking', 0.25))).toBeCloseTo(0.25, 1);
  const salted = drawn('salt-and-pepper', 0.5);
  expect(salted.filter((value) => value === 1).length / 20_000).toBeCloseTo(0.25, 1);
  const normal = drawn('gaussian', 0.2);
  const deviation = Math.sqrt(normal.reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / 20_000);
  expect(deviation).toBeCloseTo(0.2, 2);
  expect(drawn('gaussian', 0.2)).toEqual(normal);
});

test('by the command line: resumes bit for bit, is evaluated, and shows what comes back', async () => {
  const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
  const flags = ['--hidden', '16', '--latent', '3', '--batch-size', '10', '--epochs', '3'];
  const noisy = ['--noise', 'gaussian', '--noise-level', '0.2'];
  const made = await glimpse('train', 'autoencoder', dataset, ...flags, ...noisy, '--out', whole);
  expect([made.code, made.said]).toEqual([0, expect.stringMatching(/fcn of 16, 3 latent/)]);
  const death = runUntil(
    autoencoder,
    {
      dataset,
      config: { hidden: [16], latent: 3 },
      recipe: { batchSize: 10, epochs: 3, noise: 'gaussian', noiseLevel: 0.2 },
    },
    killed,
    ({ step }) => {
      if (step === 4) throw new Error('killed');
    },
  );
  await expect(death).rejects.toThrow('killed');
  expect((await glimpse('train', 'autoencoder', dataset, '--out', killed, '--resume')).code).toBe(
    0,
  );
  expect(await stateIn(killed)).toEqual(await stateIn(whole));
  const judged = await glimpse('evaluate', data, '--model', whole, '--json');
  const { squaredError, images, noise } = JSON.parse(judged.answer);
  expect({ images, noise }).toEqual({ images: splits.test.labels.length, noise: 'none' });
  expect(squaredError).toBeGreaterThan(0);
  const none = await glimpse('generate', '--model', whole, '--out', join(folder, 'x.png'));
  expect([none.code, none.said]).toEqual([
    2,
    expect.stringMatching(/glimpse reconstruct takes it/),
  ]);
  expect(existsSync(join(folder, 'x.png'))).toBe(false);
  const wrong = ['--latent', '0', '--out', join(folder, 'none')];
  expect((await glimpse('train', 'autoencoder', dataset, ...wrong)).said).toMatch(/--latent/);
  expect(readdirSync(folder)).not.toContain('none');
});
