import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves, mapTree, parameterCount } from '@/autograd/tree.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { softmaxLoss } from '@/layers/losses/softmax.js';
import { bilinearSampleForward } from '@/layers/resampling/bilinear-sampler.js';
import { affineGridForward } from '@/layers/resampling/grids.js';
import { initialise, shapesCount } from '@/models/parameters.js';
import {
  type TransformerConfig,
  transformerSchema,
  transforms,
} from '@/models/spatial-transformer.js';
import { Random } from '@/random.js';
import {
  type ClassifierConfig,
  type ClassifierOptions,
  type ClassifierParameters,
  classifierShapes,
  fullClassifier,
  planClassifier,
} from '@/tasks/classifier/config.js';
import { classify, windowsOf } from '@/tasks/classifier/model.js';
import { randomNormal, randomUniform, tensor } from '@/tensor/create.js';
import { Adam } from '@/training/optimisers.js';

/** Networks of any size. */
const stacks = ['fcn', 'cnn'] as const;

const transformer = (options: Partial<TransformerConfig> = {}) =>
  transformerSchema.parse({ transform: 'affine', localisation: 'fc', window: [6, 7], ...options });

function small(options: Partial<ClassifierOptions> = {}): ClassifierConfig {
  return fullClassifier({ network: 'cnn', picture: [1, 13, 12], classes: 3, size: 4, ...options });
}

/** Away from the identity, where every place lies on a pixel's centre and has no derivative. */
function stirred(config: ClassifierConfig, dtype: 'f32' | 'f64' = 'f64') {
  // A seed with which no layer is dead: gradients through a dead one would all be 0.
  const random = new Random(15);
  const plan = planClassifier(config);
  const parameters = initialise<ClassifierParameters>(classifierShapes(plan), random, dtype);
  for (const [, leaf] of leaves(parameters)) {
    const noise = randomNormal(random, leaf.shape, 0.05, dtype).dataSync();
    leaf.assign(leaf.dataSync().map((value, i) => value + (noise[i] ?? 0)));
  }
  return { plan, parameters };
}

describe('the size', () => {
  test('is what 400,000 parameters allow, transformers included', () => {
    for (const network of stacks) {
      for (const transformers of [[], [transformer({ window: [28, 28], localisation: 'conv' })]]) {
        const options = { network, picture: [1, 42, 42], classes: 10, transformers } as const;
        const config = fullClassifier({ ...options, picture: [1, 42, 42], transformers });
        const count = shapesCount(classifierShapes(planClassifier(config)));
        expect(count).toBeLessThanOrEqual(400_000);
        expect(count).toBeGreaterThan(390_000);
        expect(
          shapesCount(classifierShapes(planClassifier({ ...config, size: config.size + 1 }))),
        ).toBeGreaterThan(400_000);
      }
    }
  });

  test('is counted without making the parameters', () => {
    using _work = scope();
    for (const network of stacks) {
      for (const arrangement of ['sequence', 'parallel'] as const) {
        const config = small({
          network,
          arrangement,
          transformers: [transformer(), transformer()],
        });
        const plan = planClassifier(config);
        expect(
          parameterCount(initialise<ClassifierParameters>(classifierShapes(plan), new Random(1))),
        ).toBe(shapesCount(classifierShapes(plan)));
      }
    }
  });

  test('a picture of any size has a network', () => {
    using _work = scope();
    for (const picture of [
      [1, 1, 1],
      [3, 2, 9],
      [1, 60, 60],
    ] as [number, number, number][]) {
      const plan = planClassifier(
        small({ picture, transformers: [transformer({ localisation: 'conv', window: [5, 5] })] }),
      );
      const parameters = initialise<ClassifierParameters>(classifierShapes(plan), new Random(1));
      const x = randomUniform(new Random(2), [2, ...picture], 0, 1);
      expect(classify(plan, parameters, x).scores.shape).toEqual([2, 3]);
    }
  });
});

test('configurations that contradict themselves are refused', () => {
  expect(() => small({ classes: 1 })).toThrow(UsageError);
  expect(() => small({ picture: [1, 0, 5] })).toThrow(/picture/);
  expect(() =>
    small({
      arrangement: 'parallel',
      transformers: [transformer(), transformer({ window: [6, 6] })],
    }),
  ).toThrow(/one size, not 6x7 and 6x6/);
});

describe.each(transforms)('a transformer of kind %s', (transform) => {
  for (const localisation of ['fc', 'conv'] as const) {
    test(`begins as the identity (${localisation})`, () => {
      using _work = scope();
      const plan = planClassifier(
        small({ transformers: [transformer({ transform, localisation })] }),
      );
      const parameters = initialise<ClassifierParameters>(classifierShapes(plan), new Random(1));
      const x = randomUniform(new Random(2), [3, 1, 13, 12], 0, 1);
      const { views, grids } = classify(plan, parameters, x);
      const theta = tensor([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], {
        shape: [3, 2, 3],
      });
      const { grid } = affineGridForward(theta, [6, 7]);
      const { out } = bilinearSampleForward(x, grid);
      const close = (values: ArrayLike<number> = []) =>
        Array.from(values, (value) => expect.closeTo(value, 5));
      expect([...(grids[0]?.dataSync() ?? [])]).toEqual(close(grid.dataSync()));
      expect([...(views[0]?.dataSync() ?? [])]).toEqual(close(out.dataSync()));
    });
  }

  test('gradients are right from end to end', () => {
    using _work = scope();
    const config = small({ transformers: [transformer({ transform, points: 3 })] });
    const { plan, parameters } = stirred(config);
    const x = randomUniform(new Random(3), [2, 1, 13, 12], 0, 1, 'f64');
    const labels = tensor([2, 0], { dtype: 'i32' });
    expectRightGradients(
      (p) => softmaxLoss(classify(plan, p, x).scores, labels, { labelSmoothing: 0.1 }),
      parameters,
      { perLeaf: 12 },
    );
  });
});

describe.each(['sequence', 'parallel'] as const)('two transformers in %s', (arrangement) => {
  const transformers = [
    transformer({ localisation: 'conv', window: [9, 8] }),
    transformer({ transform: 'attention', window: [9, 8] }),
  ];

  test.each(stacks)('gradients are right from end to end (%s)', (network) => {
    using _work = scope();
    const { plan, parameters } = stirred(small({ network, arrangement, transformers }));
    const inputs = { p: parameters, x: randomUniform(new Random(3), [2, 1, 13, 12], 0, 1, 'f64') };
    expectRightGradients(
      ({ p, x }) => classify(plan, p, x, { rate: 0.3, seed: 8 }).scores,
      inputs,
      { perLeaf: 12 },
    );
  });

  test('their windows are places in the picture itself', () => {
    using _work = scope();
    // Zeros beside what the first transformer made would be read as places.
    const bordered = transformers.map((one) => ({ ...one, padding: 'border' as const }));
    const { plan, parameters } = stirred(small({ arrangement, transformers: bordered }));
    // A picture whose red is x and whose green is y, so that what is seen says where it was.
    const places = [0, 1].map((axis) =>
      Array.from({ length: 13 * 12 }, (_, i) =>
        axis === 0 ? (2 * (i % 12) + 1) / 12 - 1 : (2 * Math.floor(i / 12) + 1) / 13 - 1,
      ),
    );
    const inside = (values: number[]) => values.every((value) => Math.abs(value) < 0.7);
    for (const plane of places) {
      const x = tensor(plane, { shape: [1, 1, 13, 12], dtype: 'f64' });
      const { grids, views } = classify(plan, parameters, x);
      const windows = windowsOf(plan, { grids });
      const axis = places.indexOf(plane);
      for (const [k, window] of windows.entries()) {
        const grid = window.dataSync();
        const seen = views[k]?.dataSync() ?? [];
        let compared = 0;
        for (let i = 0; i < seen.length; i++) {
          const place = [grid[2 * i] ?? 0, grid[2 * i + 1] ?? 0];
          if (!inside(place)) continue;
          expect(seen[i]).toBeCloseTo(place[axis] ?? 0, 6);
          compared++;
        }
        expect(compared).toBeGreaterThan(10);
      }
    }
  });
});

test.each(stacks)(
  '%s: the first loss is the log of the classes, and pictures are learned by heart',
  (network) => {
    using _work = scope();
    const plan = planClassifier(
      small({ network, size: 8, transformers: [transformer({ localisation: 'conv' })] }),
    );
    const parameters = initialise<ClassifierParameters>(classifierShapes(plan), new Random(5));
    const x = randomUniform(new Random(2), [6, 1, 13, 12], 0, 1);
    const labels = tensor([0, 1, 2, 2, 1, 0], { dtype: 'i32' });
    const adam = new Adam(parameters);
    const losses = Array.from({ length: 90 }, () => {
      using _step = scope();
      const { value, gradients } = valueAndGradients(
        (p) => softmaxLoss(classify(plan, p, x).scores, labels),
        parameters,
      );
      adam.step(parameters, gradients, { rate: 0.01 });
      return value.item();
    });
    expect(losses[0]).toBeGreaterThan(Math.log(3) - 0.1);
    expect(losses[0]).toBeLessThan(Math.log(3) + 0.1);
    expect(losses.at(-1)).toBeLessThan(0.05);
  },
);

test('dropout drops before the last layer, and only when asked', () => {
  using _work = scope();
  const { plan, parameters } = stirred(small({ transformers: [] }), 'f32');
  const x = randomUniform(new Random(2), [1, 1, 13, 12], 0, 1);
  const score = (drop?: { rate: number; seed: number }) =>
    classify(plan, parameters, x, drop).scores.dataSync();
  expect(score({ rate: 0.5, seed: 1 })).not.toEqual(score());
  expect(score({ rate: 0.5, seed: 1 })).toEqual(score({ rate: 0.5, seed: 1 }));
  expect(score({ rate: 0, seed: 1 })).toEqual(score());
  const blank = mapTree(parameters, (leaf) => leaf.clone().fill(0));
  expect([...classify(plan, blank, x).scores.dataSync()]).toEqual([0, 0, 0]);
});
