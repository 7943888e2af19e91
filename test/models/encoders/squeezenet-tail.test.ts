import { expectRightGradients } from '@test/gradients.js';
import { describeWithShared } from '@test/shared.js';
import { describe, expect, test } from 'vitest';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { FormatError, UsageError, ValueError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionConfig, CaptionerConfig } from '@/models/captioner-config.js';
import type { SavedEncoder } from '@/models/encoders/encoder.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { squeezenet, squeezenetModules } from '@/models/encoders/squeezenet.js';
import { squeezenetParameters } from '@/models/encoders/squeezenet-encoder.js';
import { requireSameHead, SqueezenetTail } from '@/models/encoders/squeezenet-tail.js';
import { Random } from '@/random.js';
import { randomUniform, tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { randomSqueezenet } from './random-squeezenet.js';

const encoder: SavedEncoder = {
  kind: 'squeezenet',
  tensors: randomSqueezenet(),
  metadata: { name: 'random', preprocessing: PREPROCESSING.imagenet },
};
const config: CaptionerConfig = {
  ...({ cell: 'gru', featureSize: 512, embeddingSize: 3, hiddenSize: 4 } as const),
  ...{ vocabularySize: 7, normaliseFeatures: true, dropout: 0 },
};
const attention: AttentionConfig = { kind: 'dot', locations: [1, 2], valueSize: 5, size: 3 };

/** A captioner in float64 with the encoder from a module on, and what it is shown of two photos. */
function tuned(from: string, options: Partial<CaptionerConfig> = {}) {
  const tail = new SqueezenetTail(encoder, from, 'f64');
  const random = new Random(3);
  const captioner = new Captioner({ ...config, ...options }, { random, dtype: 'f64', tail });
  const shown = tail.before(randomUniform(new Random(2), [2, 3, 32, 40], -2, 2, 'f64'));
  const words = [1, 3, 4, 2, 1, 5, 2, 0, 1, 6, 3, 2];
  const captions = tensor(words, { shape: [3, 4], dtype: 'i32' });
  return { tail, captioner, shown, captions };
}

function largest(values: Tensor, expected: Tensor): number {
  const [a, b] = [values.dataSync(), expected.dataSync()];
  let most = Math.abs(a.length - b.length);
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs((a[i] ?? 0) - (b[i] ?? Number.NaN)));
  }
  return most;
}

describe('SqueezeNet in two', () => {
  test.each(squeezenetModules)('cut before %s it says what it says whole', (from) => {
    using _work = scope();
    const tail = new SqueezenetTail(encoder, from, 'f64');
    const x = randomUniform(new Random(1), [2, 3, 40, 33], -2, 2, 'f64');
    const whole = squeezenet(x, squeezenetParameters(randomSqueezenet(), 'random', 'f64'));
    expect(largest(tail.maps(tail.parameters, tail.before(x)), whole.grid)).toBeLessThan(1e-12);
  });

  test('the end has the layers from the module on, the shape of what goes in is known', () => {
    using _work = scope();
    const tail = new SqueezenetTail(encoder, 'features.9');
    const modules = [9, 10, 12].map((index) => `features.${index}`);
    const parts = ['squeeze', 'expand1x1', 'expand3x3'];
    expect(Object.keys(tail.parameters)).toEqual(
      modules.flatMap((module) => parts.map((part) => `${module}.${part}`)),
    );
    expect(tail.inputShape).toEqual([384, 27, 27]);
    const shapeFrom = (from: string) => new SqueezenetTail(encoder, from).inputShape;
    expect(shapeFrom('features.0')).toEqual([3, 224, 224]);
    expect(shapeFrom('features.2')).toEqual([96, 109, 109]);
    expect(shapeFrom('features.12')).toEqual([512, 13, 13]);
  });

  test('what is trained is saved in the place of what was there', () => {
    using _work = scope();
    const tail = new SqueezenetTail(encoder, 'features.12');
    tail.parameters['features.12.squeeze']?.b.fill(0.25);
    const saved = tail.savedInto(encoder);
    const changed = [...saved.tensors].filter(
      ([name, { bytes }]) => !Buffer.from(bytes).equals(encoder.tensors.get(name)?.bytes ?? bytes),
    );
    expect(changed.map(([name]) => name)).toEqual(['features.12.squeeze.bias']);
    expect([...saved.tensors.keys()]).toEqual([...encoder.tensors.keys()]);
    const again = new SqueezenetTail(saved, 'features.12').parameters['features.12.squeeze'];
    expect([...(again?.b.dataSync() ?? [])]).toEqual(Array(64).fill(0.25));

    expect(() => requireSameHead(saved, encoder, 'features.12', 'x')).not.toThrow();
    expect(() => requireSameHead(saved, encoder, 'features.11', 'x')).not.toThrow();
    const other = new Map(encoder.tensors);
    other.set('features.9.squeeze.bias', saved.tensors.get('features.3.squeeze.bias') as never);
    expect(() =>
      requireSameHead(saved, { ...encoder, tensors: other }, 'features.10', 'x'),
    ).toThrow(/x is not the encoder .*features\.9\.squeeze\.bias.* differs/);
    expect(() =>
      requireSameHead(saved, { ...encoder, tensors: other }, 'features.10', 'x'),
    ).toThrow(ValueError);
  });

  test('other encoders, modules and captioners are refused', () => {
    const make = (changes: Partial<SavedEncoder>, from: string) => () =>
      new SqueezenetTail({ ...encoder, ...changes }, from);
    expect(make({ kind: 'onnx' }, 'features.9')).toThrow(UsageError);
    expect(make({ kind: 'onnx' }, 'features.9')).toThrow(/kind onnx .*only SqueezeNet can/);
    expect(make({}, 'features.13')).toThrow(UsageError);
    expect(make({}, 'features.13')).toThrow(/features\.13; it has features\.0, .*features\.12/);
    expect(make({ metadata: {} }, 'features.9')).toThrow(FormatError);
    using _work = scope();
    const cnn = { size: 24, filters: [4] };
    const tail = new SqueezenetTail(encoder, 'features.12');
    expect(() => new Captioner({ ...config, featureSize: 64, cnn }, { tail })).toThrow(
      /sees pictures itself has no encoder to train along/,
    );
  });
});

describe('the caption loss', () => {
  test.each([
    ['the mean of all places', {}],
    ['an attention', { attention, cell: 'lstm' }],
  ] as const)('sends its gradient through %s down into the encoder', (_, options) => {
    using _work = scope();
    const { captioner, shown, captions } = tuned('features.9', options);
    const { encoder: whole, ...fixed } = captioner.parameters;
    const names = ['features.9.squeeze', 'features.10.expand3x3', 'features.12.expand1x1'];
    const some = Object.fromEntries(
      names.map((name) => [name, whole?.[name] ?? { W: shown, b: shown }]),
    );
    const { checked } = expectRightGradients(
      (part) =>
        captioner.forward({ ...fixed, encoder: { ...whole, ...part } } as never, shown, captions, {
          image: [0, 1, 1],
        }),
      some,
      { perLeaf: 4 },
    );
    expect(checked).toBe(24);
    const { gradients } = captioner.loss(shown, captions, { image: [0, 1, 1] });
    expect(Object.keys(gradients.encoder ?? {})).toEqual(Object.keys(whole ?? {}));
    for (const { W } of Object.values(gradients.encoder ?? {})) {
      expect(W.dataSync().some((value) => Math.abs(value) > 1e-6)).toBe(true);
    }
  });

  test('is that of the features, and so are the words', async () => {
    using _work = scope();
    const { captioner, tail, shown, captions } = tuned('features.10');
    const plain = new Captioner(config, {
      parameters: captioner.parameters,
      random: new Random(3),
    });
    const features = captioner.features(shown);
    expect(features.shape).toEqual([2, 512]);
    const lossOf = (model: Captioner, inputs: Tensor) =>
      model.forward(model.parameters, inputs, captions, { image: [0, 1, 1] }).item();
    expect(lossOf(captioner, shown)).toBe(lossOf(plain, features));
    expect(await captioner.sample(shown, { maxLength: 5 })).toEqual(
      await plain.sample(features, { maxLength: 5 }),
    );
    expect(captioner.predict(shown, captions, { image: [0, 1, 1] })).toEqual(
      plain.predict(features, captions, { image: [0, 1, 1] }),
    );
    expect(captioner.parameters.encoder).toBe(tail.parameters);
  });
});

describeWithShared('with ImageNet’s weights', 'weights/squeezenet1_0.safetensors', (path) => {
  test('features through the tail are the encoder’s', async () => {
    using _work = scope();
    const whole = await openEncoder(path);
    const tail = new SqueezenetTail(whole.save(), 'features.9');
    const { inputShape, preprocessing } = tail;
    expect([inputShape, preprocessing]).toEqual([[384, 27, 27], whole.preprocessing]);
    const captioner = new Captioner(config, { random: new Random(3), tail });
    const x = randomUniform(new Random(8), [1, 3, 224, 224], -2, 2);
    const { pooled } = await whole.encode(Float32Array.from(x.dataSync()), 1);
    const seen = captioner.features(tail.before(x)).dataSync();
    const scale = Math.max(...pooled);
    expect(scale).toBeGreaterThan(1);
    expect([...seen]).toEqual([...pooled].map((value) => expect.closeTo(value, 4)));
  });
});
