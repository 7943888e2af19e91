import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { cells } from '@/models/captioner-config.js';
import { type CnnParameters, cnnFeatureSize, cnnFeatures, cnnShapes } from '@/models/cnn.js';
import { initialise } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { pictureInputs } from '@/tasks/captioner/image-inputs.js';
import { vocabularyOf } from '@/tasks/captions/words.js';
import { randomNormal, tensor } from '@/tensor/create.js';
import { Adam } from '@/training/optimisers.js';

const words = { embeddingSize: 4, hiddenSize: 10, vocabularySize: 9, dropout: 0 };

describe.each(cells)('a captioner that sees by itself, with the cell %s', (cell) => {
  test('has the right gradient for every parameter', () => {
    using _work = scope();
    const cnn = { size: 13, filters: [2, 3, 4] };
    const random = new Random(11);
    const captioner = new Captioner(
      { cell, cnn, featureSize: cnnFeatureSize(cnn), ...words },
      { random, dtype: 'f64' },
    );
    const pictures = randomNormal(random, [2, 3, 13, 13], 1, 'f64');
    const captions = tensor(
      [
        [1, 5, 6, 8, 2],
        [1, 7, 2, 0, 0],
      ],
      { dtype: 'i32' },
    );
    const { checked } = expectRightGradients(
      (parameters) => captioner.forward(parameters, pictures, captions),
      captioner.parameters,
    );
    expect(checked).toBeGreaterThan(400);
  });

  test('starts with the same state whether it learns or speaks', async () => {
    using _work = scope();
    const cnn = { size: 8, filters: [3] };
    const random = new Random(3);
    const captioner = new Captioner(
      { cell, cnn, featureSize: cnnFeatureSize(cnn), ...words },
      { random, dtype: 'f64' },
    );
    const pictures = randomNormal(random, [1, 3, 8, 8], 1, 'f64');
    const spoken = [1, 4, 8, 2];
    let state = captioner.start(pictures);
    let loss = 0;
    for (const [t, word] of spoken.slice(0, -1).entries()) {
      const { scores, state: next } = captioner.step(state, [word]);
      const logits = Array.from(scores.dataSync());
      const total = logits.reduce((sum, score) => sum + Math.exp(score), 0);
      loss += Math.log(total) - (logits[spoken[t + 1] ?? 0] ?? 0);
      state = next;
    }
    const captions = tensor([spoken], { dtype: 'i32' });
    expect(captioner.loss(pictures, captions).loss.item()).toBeCloseTo(loss, 10);
    const { layer1 } = captioner.start(pictures).layers;
    if (!layer1) throw new Error('there is no first layer');
    const { h } = layer1;
    const c = 'c' in layer1 ? layer1.c : undefined;
    const first = Array.from(h.dataSync());
    expect(c?.dataSync()).toEqual(cell === 'lstm' ? h.dataSync() : undefined);
    expect(first.reduce((sum, value) => sum + value)).toBeCloseTo(0, 10);
    expect(first.reduce((sum, value) => sum + value ** 2, 0) / first.length).toBeCloseTo(1, 3);
  });
});

describe('what the cnn sees', () => {
  test.each([
    // 48 -> 24 -> 12 -> 12, pooled 3 x 3 at a time: a grid of 4 x 4
    [{ size: 48, filters: [16, 32, 48] }, [48, 4, 4]],
    [{ size: 48, filters: [16, 32] }, [32, 4, 4]],
    [{ size: 50, filters: [2, 3, 4, 5] }, [5, 4, 4]],
    [{ size: 33, filters: [7] }, [7, 5, 5]],
    [{ size: 9, filters: [2, 3] }, [3, 1, 1]],
    [{ size: 1, filters: [2, 3] }, [3, 1, 1]],
    // 48 -> 48 -> 24 -> 8 -> 8
    [{ size: 48, filters: [2, 3, 4, 5], strides: [1, 2, 3] }, [5, 2, 2]],
    [{ size: 9, filters: [2, 3], strides: [1] }, [3, 3, 3]],
  ])('%j gives features %j', (config, shape) => {
    using _work = scope();
    const random = new Random(1);
    const pictures = randomNormal(random, [2, 3, config.size, config.size]);
    const features = cnnFeatures(
      initialise<CnnParameters>(cnnShapes(config), random, 'f32'),
      pictures,
      'strides' in config ? config.strides : undefined,
    );
    expect(features.shape).toEqual([2, ...shape]);
    expect(cnnFeatureSize(config)).toBe(shape.reduce((a, b) => a * b));
  });

  test('does not depend on brightness and contrast, nor on the other pictures', () => {
    using _work = scope();
    const config = { size: 16, filters: [4, 5] };
    const random = new Random(2);
    const parameters = initialise<CnnParameters>(cnnShapes(config), random, 'f64');
    const one = randomNormal(random, [1, 3, 16, 16], 1, 'f64');
    const values = one.dataSync();
    const others = randomNormal(random, [768], 1, 'f64').dataSync();
    const three = tensor([...others, ...values, ...values.map((value) => 3 * value + 7)], {
      shape: [3, 3, 16, 16],
      dtype: 'f64',
    });
    const alone = cnnFeatures(parameters, one).dataSync();
    const [, same, brighter] = [0, 1, 2].map((n) =>
      cnnFeatures(parameters, three).at(n).dataSync(),
    );
    for (const [i, value] of alone.entries()) {
      expect(same?.[i]).toBeCloseTo(value, 12);
      expect(brighter?.[i]).toBeCloseTo(value, 3);
    }
  });

  test('a feature size that is not the network’s is refused', () => {
    const cnn = { size: 48, filters: [16, 32, 48] };
    const build = () => new Captioner({ cell: 'lstm', cnn, featureSize: 769, ...words });
    expect(build).toThrow(UsageError);
    expect(build).toThrow(/makes 768 features but featureSize is 769/);
  });
});

test('overfits a few scenes and then tells them apart', async () => {
  using work = scope();
  const random = new Random(4);
  const scenes = Array.from({ length: 8 }, () => drawScene(random, { size: 24 }));
  const images = scenes.map(({ pixels, caption }, n) => ({
    id: `${n}`,
    image: pixels,
    captions: [caption],
  }));
  const vocabulary = vocabularyOf(images, 1);
  const cnn = { size: 24, filters: [8, 12] };
  const captioner = new Captioner(
    {
      cell: 'lstm',
      cnn,
      featureSize: cnnFeatureSize(cnn),
      embeddingSize: 16,
      hiddenSize: 48,
      vocabularySize: vocabulary.size,
      dropout: 0,
    },
    { random },
  );
  const encoded = scenes.map(({ caption }) => [...vocabulary.encode(caption.split(' '))]);
  const T = Math.max(...encoded.map(({ length }) => length));
  const captions = tensor(
    encoded.map((words) => [...words, ...new Array(T - words.length).fill(0)]),
    { dtype: 'i32' },
  );
  const preprocessing = { ...PREPROCESSING.imagenet, width: 24, height: 24 };
  const pictures = pictureInputs(
    scenes.map(({ pixels }) => pixels),
    preprocessing,
  ).batch([...scenes.keys()]);
  const adam = new Adam(captioner.parameters);
  for (let step = 0; step < 150; step++) {
    using _step = scope();
    const { gradients } = captioner.loss(pictures, captions);
    adam.step(captioner.parameters, gradients, { rate: 5e-3 });
  }
  const said = await captioner.sample(pictures);
  expect(said.map((words) => vocabulary.decode(words))).toEqual(
    scenes.map(({ caption }) => caption),
  );
  work.release(adam.state);
});
