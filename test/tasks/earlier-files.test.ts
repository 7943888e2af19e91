import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expectClose } from '@test/bounds.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves } from '@/autograd/tree.js';
import { collate } from '@/data/captions/batches.js';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { DistortedPictures } from '@/data/labels/distorted-pictures.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { FormatError } from '@/errors.js';
import { softmaxLoss } from '@/layers/losses/softmax.js';
import { captionerKind } from '@/tasks/captioner/kind.js';
import { captionerRecipeSchema } from '@/tasks/captioner/recipe.js';
import { CaptionerTask } from '@/tasks/captioner/task.js';
import { captionTensor, evaluateLoss, sampleAll } from '@/tasks/captions/measures.js';
import { evaluateClassifier } from '@/tasks/classifier/evaluation.js';
import { classifierKind } from '@/tasks/classifier/kind.js';
import { classify } from '@/tasks/classifier/model.js';
import { classifierRecipeSchema } from '@/tasks/classifier/recipe.js';
import { ClassifierTask } from '@/tasks/classifier/task.js';
import { kinds } from '@/tasks/index.js';
import { tensor } from '@/tensor/create.js';
import { elementCount } from '@/tensor/shape.js';
import { decodeModel, kindOf, restoredOptimisers } from '@/training/model-file.js';
import { gridTask } from './captioner/tiny-task.js';
import { tinyPictures } from './classifier/tiny-pictures.js';

// The files were written by Glimpse 0.1 in the middle of the second epoch of a run without dropout; what
// that version measured of them, and after one more step, stands here.

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

function fixture(name: string) {
  const path = fileURLToPath(
    new URL(`../fixtures/models-0.1/${name}.safetensors`, import.meta.url),
  );
  return parseSafetensors(readFileSync(path), name);
}

/** Some steps of a small model: products of at most a hundred terms, one after another. */
const rounding = { dtype: 'f32', terms: 5000, size: 3 } as const;

test('the kind of an old file is known', () => {
  const kindIn = (name: string) => kindOf(fixture(name), kinds, name).kind;
  expect(kindIn('captioner-hard')).toBe('captioner');
  expect(kindIn('classifier')).toBe('classifier');
});

test('a captioner says what it said, and its training stands where it stood', async () => {
  const { data, vocabulary } = gridTask();
  const { model, training } = decodeModel(captionerKind, fixture('captioner-hard'), 'hard');
  const { inputs, captions } = data.dev;
  expectClose(
    (await evaluateLoss(model.captioner, inputs, captions)).lossPerWord,
    2.426402423692786,
    rounding,
  );
  const said = Array.from({ length: 16 }, (_, image) =>
    image === 7 ? 'green cube cube cube cube cube in' : 'cube',
  );
  expect(await sampleAll(model.captioner, vocabulary, inputs)).toEqual(said);
  expect(training?.task).toEqual({ baseline: -2.5739765242295576 });
  expect(training?.optimiser).toEqual({ kind: 'adam', steps: { captioner: 9 } });
  const dev = { loss: 2.478530386219854, cider: 0.5581250542772259, bleu4: 1.5706397186880662e-9 };
  expect(training?.progress).toMatchObject({
    epoch: 1,
    batch: 2,
    sums: { loss: { total: 176.7900733947754, count: 72 } },
    best: { epoch: 1, dev },
    history: [{ epoch: 1, train: { loss: 2.5911987069419826 }, dev, rate: 0.01 }],
  });
  expect(training?.recipe).toMatchObject({ select: 'bleu4', selfCritical: false, rate: 0.01 });
});

test('a captioner takes the next step as it would have', async () => {
  const { data } = gridTask();
  const source = 'captioner-additive';
  const { model, training } = decodeModel(captionerKind, fixture(source), source);
  const { captioner } = model;
  const saved = training ?? expect.fail('it holds no training');
  const recipe = captionerRecipeSchema.parse(saved.recipe);
  const task = new CaptionerTask(captioner, recipe, data);
  const dev = async () =>
    (await evaluateLoss(captioner, data.dev.inputs, data.dev.captions)).lossPerWord;
  expectClose(await dev(), 2.4162368359773057, rounding);
  const batch = collate(data.train.slice(0, 8));
  const { gradients } = captioner.loss(data.inputs.batch(batch.imageIndices), captionTensor(batch));
  const optimisers = restoredOptimisers(saved, task, recipe, source);
  optimisers.captioner?.step(captioner.parameters, gradients, { rate: 0.01 });
  expectClose(await dev(), 2.3823081859643906, rounding);
});

test('parameters of a captioner that were called vision and saying are found under their new names', () => {
  const source = 'captioner-additive';
  const file = fixture(source);
  const config = JSON.parse(file.metadata.captioner ?? '');
  const added = {
    'vision.layer1.W': [8, 3, 3, 3],
    'vision.layer1.b': [8],
    'saying.Wh': [13, 13],
    'saying.Wc': [6, 13],
    'saying.b': [13],
  };
  const groups = ['captioner', 'optimiser.m', 'optimiser.v'];
  const values = (group: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => (group + 1) / (i + 2));
  const tensors = new Map(file.tensors);
  for (const [group, prefix] of groups.entries()) {
    tensors.delete(`${prefix}.cell.Wz`);
    for (const [path, shape] of Object.entries(added)) {
      const bytes = new Uint8Array(values(group, elementCount(shape)).buffer);
      tensors.set(`${prefix}.${path}`, { dtype: 'F32', shape, bytes });
    }
  }
  const metadata = {
    ...file.metadata,
    captioner: JSON.stringify({
      ...config,
      vision: { size: 8, filters: [8] },
      attention: { ...config.attention, locations: [4, 4], context: 'output' },
    }),
    preprocessing: JSON.stringify({
      ...JSON.parse(file.metadata.preprocessing ?? ''),
      width: 8,
      height: 8,
    }),
  };
  const { model, training } = decodeModel(captionerKind, { ...file, tensors, metadata }, source);
  const { captioner } = model;
  expect(captioner.config).toMatchObject({ cnn: { size: 8, filters: [8] } });
  expect(captioner.config).not.toHaveProperty('vision');
  const saved = training ?? expect.fail('it holds no training');
  const recipe = captionerRecipeSchema.parse(saved.recipe);
  const task = new CaptionerTask(captioner, recipe, gridTask().data);
  const { state } = restoredOptimisers(saved, task, recipe, source).captioner ?? expect.fail();
  const read = new Map(leaves({ captioner: captioner.parameters, optimiser: state }));
  for (const [group, prefix] of groups.entries()) {
    for (const [path, shape] of Object.entries(added)) {
      const name = path.replace(/^vision/, 'cnn').replace(/^saying/, 'output');
      const leaf = read.get(`${prefix}.${name}`) ?? expect.fail(`${prefix}.${name}`);
      expect(leaf.shape).toEqual(shape);
      expect(leaf.dataSync()).toEqual(values(group, leaf.size));
    }
    const kept = file.tensors.get(`${prefix}.cell.Wx`)?.bytes ?? expect.fail();
    const { buffer, byteOffset, byteLength } =
      read.get(`${prefix}.cell.Wx`)?.dataSync() ?? expect.fail();
    expect(new Uint8Array(buffer, byteOffset, byteLength)).toEqual(Uint8Array.from(kept));
  }
});

test('a classifier takes the next step as it would have', async () => {
  const { splits } = tinyPictures(60);
  const { model, training } = decodeModel(classifierKind, fixture('classifier'), 'classifier');
  const { plan, parameters } = model;
  const saved = training ?? expect.fail('it holds no training');
  expect(saved.optimiser.steps).toEqual({ transformers: 5, network: 5 });
  const recipe = classifierRecipeSchema.parse(saved.recipe);
  const task = new ClassifierTask(model, recipe, { splits });
  const pictures = new DistortedPictures(splits.dev, 'none', 1);
  const dev = () => evaluateClassifier(plan, parameters, pictures).loss;
  expectClose(dev(), 1.1081945896148682, rounding);
  const { x } = new DistortedPictures(splits.train, 'none', 1).batch([0, 1, 2, 3, 4, 5, 6, 7], 0);
  const labels = tensor(splits.train.labels.slice(0, 8), { dtype: 'i32' });
  const { gradients } = valueAndGradients(
    (p) => softmaxLoss(classify(plan, p, x).scores, labels),
    parameters,
  );
  const optimisers = restoredOptimisers(saved, task, recipe, 'classifier');
  for (const name of ['network', 'transformers'] as const) {
    optimisers[name]?.step(parameters[name], gradients[name], { rate: 0.01 });
  }
  expectClose(dev(), 1.1117159128189087, rounding);
});

test('a file of an unknown earlier version is refused', () => {
  const file = fixture('classifier');
  const later = { ...file, metadata: { ...file.metadata, version: '2' } };
  expect(() => decodeModel(classifierKind, later, 'it')).toThrow(FormatError);
  expect(() => decodeModel(classifierKind, later, 'it')).toThrow(
    /^it: a classifier of version 2\.2/,
  );
});
