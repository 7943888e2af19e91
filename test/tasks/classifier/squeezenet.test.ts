import { expectRightGradients } from '@test/gradients.js';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { describe, expect, test } from 'vitest';
import { leaves, parameterCount } from '@/autograd/tree.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { softmaxLoss } from '@/layers/losses/softmax.js';
import {
  runSqueezenet,
  squeezenet,
  squeezenetClassifierShapes,
  withFeatures,
} from '@/models/encoders/squeezenet.js';
import { squeezenetParameters } from '@/models/encoders/squeezenet-encoder.js';
import { initialise, shapesCount } from '@/models/parameters.js';
import { transformerSchema } from '@/models/spatial-transformer.js';
import type { StackParameters } from '@/models/stack.js';
import { Random } from '@/random.js';
import {
  type ClassifierParameters,
  classifierShapes,
  fullClassifier,
  planClassifier,
} from '@/tasks/classifier/config.js';
import { classify } from '@/tasks/classifier/model.js';
import { randomNormal, randomUniform, tensor } from '@/tensor/create.js';

/** As `preprocess` makes them of bytes. */
function imagenet(values: ArrayLike<number>, area: number): Float64Array {
  const { mean, standardDeviation } = PREPROCESSING.imagenet;
  return Float64Array.from(values, (value, i) => {
    const c = Math.floor(i / area) % 3;
    return (value - (mean[c] ?? 0)) / (standardDeviation[c] ?? 1);
  });
}

test('says what the network without gradients says, of pictures from 0 to 1', () => {
  using _work = scope();
  const features = squeezenetParameters(randomSqueezenet(), 'random', 'f64');
  const parameters = withFeatures(
    initialise<StackParameters>(squeezenetClassifierShapes(5), new Random(1), 'f64'),
    features,
  );
  const x = randomUniform(new Random(2), [2, 3, 40, 33], 0, 1, 'f64');
  const scores = runSqueezenet(parameters, x).dataSync();
  const normalised = tensor(imagenet(x.dataSync(), 40 * 33), { shape: x.shape, dtype: 'f64' });
  const { pooled } = squeezenet(normalised, features);
  const W = parameters['classifier.1']?.W.dataSync() ?? [];
  const b = parameters['classifier.1']?.b.dataSync() ?? [];
  const seen = pooled.dataSync();
  for (let n = 0; n < 2; n++) {
    for (let k = 0; k < 5; k++) {
      let expected = b[k] ?? 0;
      for (let d = 0; d < 512; d++) expected += (W[k * 512 + d] ?? 0) * (seen[n * 512 + d] ?? 0);
      expect(scores[n * 5 + k]).toBeCloseTo(expected, 9);
    }
  }
});

describe('a classifier of it', () => {
  const transformers = [
    transformerSchema.parse({ transform: 'affine', localisation: 'fc', window: [29, 30] }),
  ];
  const config = fullClassifier({
    network: 'squeezenet',
    size: 1,
    picture: [3, 34, 33],
    classes: 4,
    transformers,
  });
  const plan = planClassifier(config);

  test('has as many parameters as it is said to have, and a first loss of log 4', () => {
    using _work = scope();
    const parameters = initialise<ClassifierParameters>(classifierShapes(plan), new Random(1));
    expect(parameterCount(parameters)).toBe(shapesCount(classifierShapes(plan)));
    // torchvision's 1,248,424 with 1000 classes.
    expect(shapesCount(squeezenetClassifierShapes(1000))).toBe(1_248_424);
    const x = randomUniform(new Random(2), [4, 3, 34, 33], 0, 1);
    const labels = tensor([0, 1, 2, 3], { dtype: 'i32' });
    expect(softmaxLoss(classify(plan, parameters, x).scores, labels).item()).toBeCloseTo(
      Math.log(4),
      0,
    );
  });

  test('gradients are right from end to end, through the window', () => {
    using _work = scope();
    const random = new Random(1);
    const parameters = initialise<ClassifierParameters>(classifierShapes(plan), random, 'f64');
    // The last layer of a transformer begins with zeros, and the layers before it without a gradient.
    for (const [, leaf] of leaves(parameters.transformers)) {
      if (leaf.dataSync().every((value) => value === 0)) {
        leaf.assign(randomNormal(random, leaf.shape, 0.005, 'f64').dataSync());
      }
    }
    const x = randomUniform(new Random(3), [1, 3, 34, 33], 0, 1, 'f64');
    const labels = tensor([2], { dtype: 'i32' });
    expectRightGradients((p) => softmaxLoss(classify(plan, p, x).scores, labels), parameters, {
      perLeaf: 1,
    });
  });

  test('pictures that it cannot see are refused', () => {
    const refused = (options: object) => () =>
      fullClassifier({ ...config, transformers: [], ...options });
    expect(refused({ picture: [1, 30, 30] })).toThrow(UsageError);
    expect(refused({ picture: [3, 30, 28] })).toThrow(/29x29 or more, not 30x28/);
    expect(refused({ size: 5 })).toThrow(/no size/);
  });
});
