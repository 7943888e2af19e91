import { expectClose } from '@test/bounds.js';
import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { affineForward } from '@/layers/dense.js';
import { inceptionScore } from '@/metrics/generative/classes.js';
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
import { judgePictures } from '@/tasks/classifier/judge.js';
import { classify, classifyWithFeatures } from '@/tasks/classifier/model.js';
import { randomUniform, zeros } from '@/tensor/create.js';

function classifier(options: Partial<ClassifierOptions>) {
  const plan = planClassifier(
    fullClassifier({ network: 'cnn', picture: [1, 13, 12], classes: 3, ...options }),
  );
  const parameters = initialise<ClassifierParameters>(classifierShapes(plan), new Random(1));
  return { plan, parameters };
}

const transformer = transformerSchema.parse({
  transform: 'affine',
  localisation: 'fc',
  window: [7, 8],
});

describe('judgePictures', () => {
  test.each([
    ['fcn', { network: 'fcn', size: 6 }, 6],
    ['cnn', { network: 'cnn', size: 4 }, 4],
    ['behind a transformer', { network: 'fcn', size: 5, transformers: [transformer] }, 5],
    ['squeezenet', { network: 'squeezenet', picture: [3, 29, 30] }, 512],
  ] satisfies [string, Partial<ClassifierOptions>, number][])(
    '%s: features from which the last layer makes the scores that classify gives',
    (_, options, D) => {
      const { plan, parameters } = classifier(options);
      const x = randomUniform(new Random(2), [3, ...plan.config.picture], 0, 1);
      const { scores, features } = classifyWithFeatures(plan, parameters, x);
      const expected = classify(plan, parameters, x).scores;
      expect(scores.dataSync()).toEqual(expected.dataSync());
      expect(features.shape).toEqual([3, D]);
      const last = Object.values(parameters.network).at(-1);
      if (plan.network === 'squeezenet' || !last) return;
      const again = affineForward(features, last.W, last.b).out;
      expectClose(again, expected, { dtype: 'f32', terms: D });
    },
  );

  test('in batches as all at once, with probabilities that measures take', () => {
    const { plan, parameters } = classifier({ network: 'fcn', size: 9 });
    const pictures = randomUniform(new Random(3), [10, 1, 13, 12], 0, 1);
    const [all, parts] = [10, 3].map((batchSize) =>
      judgePictures({ plan, parameters }, pictures, { batchSize }),
    );
    if (!all || !parts) throw new Error('two judgements');
    const { features } = classifyWithFeatures(plan, parameters, pictures);
    const rounding = { dtype: 'f32', terms: 1000 } as const;
    expectClose(all.features, features, rounding);
    expectClose(parts.features, features, rounding);
    expectClose(parts.probabilities, all.probabilities, rounding);
    expect(all.probabilities.shape).toEqual([10, 3]);
    expect(inceptionScore(parts.probabilities, { splits: 2 }).mean).toBeGreaterThanOrEqual(1);
  });

  test('refuses pictures that it cannot see', () => {
    const model = classifier({ size: 4 });
    expect(() => judgePictures(model, zeros([2, 1, 12, 13]))).toThrow(ShapeError);
    expect(() => judgePictures(model, zeros([2, 1, 13, 12], 'u8'))).toThrow(DTypeError);
    expect(() => judgePictures(model, zeros([0, 1, 13, 12]))).toThrow(ValueError);
    expect(() => judgePictures(model, zeros([2, 1, 13, 12]), { batchSize: 0 })).toThrow(ValueError);
  });
});
