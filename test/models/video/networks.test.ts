import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { leaves, type TensorTree } from '@/autograd/tree.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { softmaxLoss } from '@/layers/losses/softmax.js';
import { initialise, named, type ShapeTree, shapesCount, subtree } from '@/models/parameters.js';
import { c3dSchema, planC3d } from '@/models/video/c3d.js';
import { jiSchema, planJi } from '@/models/video/ji.js';
import { lrcnSchema, planLrcn } from '@/models/video/lrcn.js';
import { seeingMotion, withMotion } from '@/models/video/motion.js';
import { type ClipBatch, type ClipNetwork, judging } from '@/models/video/network.js';
import { planVideoResnet, videoResnetSchema } from '@/models/video/video-resnet.js';
import { Random } from '@/random.js';
import { randomNormal, tensor } from '@/tensor/create.js';

/** The parameters below a name. */
function countOf(shapes: ShapeTree, ...path: string[]): number {
  const part = path.reduce<ShapeTree>((tree, name) => {
    const child = tree[name];
    return child && !('init' in child) ? (child as ShapeTree) : { none: child };
  }, shapes);
  return shapesCount(part);
}

describe('ji', () => {
  const channels = ['grey', 'gradientX', 'gradientY', 'flowX', 'flowY'];
  const rows = (network: ClipNetwork, layer: string) =>
    channels.reduce((sum, channel) => sum + countOf(network.shapes, channel, layer), 0);

  test("has the paper's parameters, row by row", () => {
    const network = planJi(jiSchema.parse({}), [5, 7, 60, 40], 3);
    expect(rows(network, 'convolution1')).toBe(1480);
    expect(rows(network, 'subsampling1')).toBe(92);
    expect(rows(network, 'convolution2')).toBe(3810);
    expect(rows(network, 'subsampling2')).toBe(156);
    expect(countOf(network.shapes, 'hidden')).toBe(289_536);
    expect(countOf(network.shapes, 'scores')).toBe(384);
    expect(shapesCount(network.shapes)).toBe(295_458);
  });

  test('has the form for KTH', () => {
    const network = planJi(jiSchema.parse({ form: 'kth' }), [5, 9, 80, 60], 6);
    // 23 maps a kernel of the second convolution: 5 of each still channel, 4 of each flow; and 6 such kernels.
    expect(rows(network, 'subsampling2')).toBe(2 * 6 * 23);
    expect(countOf(network.shapes, 'hidden')).toBe(138 * 128 * (6 * 4 + 1));
  });

  test('refuses frames that its kernels do not fit on', () => {
    expect(() => planJi(jiSchema.parse({}), [5, 7, 20, 20], 3)).toThrow(UsageError);
    expect(() => planJi(jiSchema.parse({}), [5, 4, 60, 40], 3)).toThrow(
      'ji: 4 frames of 60x40 are too few or too small for the form trecvid, which is made for 7 of 60x40',
    );
  });

  test('does not look at the last frame of the flows', () => {
    using _test = scope();
    const network = planJi(jiSchema.parse({}), [5, 7, 60, 40], 3);
    const parameters = initialise(network.shapes, new Random(1));
    const x = randomNormal(new Random(2), [1, 5, 7, 60, 40], 1);
    const scores = () => network.scores(parameters, {}, { x }, judging).scores.dataSync().slice();
    const before = scores();
    x.at(0).at(3).at(6).fill(9);
    x.at(0).at(4).at(6).fill(-9);
    expect(scores()).toEqual(before);
    x.at(0).at(4).at(5).fill(3);
    expect(scores()).not.toEqual(before);
  });
});

test('c3d has the parameters of the paper', () => {
  const config = c3dSchema.parse({ norm: 'none', hidden: [4096, 4096] });
  const network = planC3d(config, [3, 16, 112, 112], 487);
  // conv1a to conv5b, fc6 on 512 maps of 4 x 4, fc7, fc8.
  expect(shapesCount(network.shapes)).toBe(27_655_936 + 33_558_528 + 16_781_312 + 1_995_239);
});

test.each([
  ['r3d', 33_371_472],
  ['mc3', 11_695_440],
  ['r2plus1d', 31_505_325],
] as const)("%s has the parameters of torchvision's", (kind, count) => {
  const network = planVideoResnet(kind, videoResnetSchema.parse({}), [3, 16, 112, 112], 400);
  expect(shapesCount(network.shapes)).toBe(count);
});

/** Networks small enough for a gradient check, and what they take. */
const small: Readonly<Record<string, () => { network: ClipNetwork; clips: ClipBatch }>> = {
  ji: () => ({
    network: planJi(jiSchema.parse({ sets: [1, 2], units: 3 }), [5, 7, 32, 23], 3),
    clips: { x: numbers([2, 5, 7, 32, 23]) },
  }),
  c3d: () => ({
    network: planC3d(c3dSchema.parse({ width: 2, convolutions: [1, 2] }), [2, 4, 6, 5], 3),
    clips: { x: numbers([2, 2, 4, 6, 5]) },
  }),
  'c3d as in the paper': () => ({
    network: planC3d(
      c3dSchema.parse({ width: 2, convolutions: [1, 1], norm: 'none', hidden: [4] }),
      [1, 3, 5, 7],
      3,
    ),
    clips: { x: numbers([2, 1, 3, 5, 7]) },
  }),
  ...Object.fromEntries(
    (['r3d', 'mc3', 'r2plus1d'] as const).map((kind) => [
      kind,
      () => ({
        network: planVideoResnet(
          kind,
          videoResnetSchema.parse({ width: 3, blocks: [1, 1] }),
          [1, 3, 8, 9],
          3,
        ),
        clips: { x: numbers([2, 1, 3, 8, 9]) },
      }),
    ]),
  ),
  lrcn: () => ({
    network: planLrcn(lrcnSchema.parse({ filters: [2], features: 3, hidden: 3 }), [1, 3, 6, 5], 3),
    clips: { x: numbers([2, 1, 3, 6, 5]), lengths: [3, 2] },
  }),
  'lrcn of sequences': () => ({
    network: planLrcn(
      lrcnSchema.parse({ hidden: 2, layers: 2, bothDirections: true, pooling: 'attention' }),
      4,
      3,
    ),
    clips: { x: numbers([2, 5, 4]), lengths: [3, 5] },
  }),
  'lrcn that sees motion': () => ({
    network: seeingMotion(planLrcn(lrcnSchema.parse({ hidden: 2 }), 6, 3)),
    clips: { x: numbers([2, 4, 3]), lengths: [3, 4] },
  }),
};

describe.each(Object.entries(small))('%s', (_, make) => {
  const targets = () => tensor([2, 0], { dtype: 'i32' });

  test.each([true, false])('has right gradients, training: %s', (training) => {
    using _test = scope();
    const { network, clips } = make();
    const parameters = initialise<TensorTree>(network.shapes, new Random(3), 'f64');
    const state = initialise<TensorTree>(network.state, new Random(4), 'f64');
    // As of a network that has learned: far from the kinks of relu, where nothing comes in as well.
    for (const [path, leaf] of leaves(state)) if (path.endsWith('variance')) leaf.fill(0.5);
    for (const [path, leaf] of leaves(parameters)) if (path.endsWith('bias')) leaf.fill(0.1);
    expectRightGradients(
      ({ p, x }: { p: TensorTree; x: ClipBatch['x'] }) =>
        softmaxLoss(
          network.scores(p, state, { ...clips, x }, { training, drop: (values) => values }).scores,
          targets(),
        ),
      { p: parameters, x: clips.x },
      { perLeaf: 3 },
    );
  });

  test('begins with a loss of about log K', () => {
    using _test = scope();
    const { network, clips } = make();
    const parameters = initialise<TensorTree>(network.shapes, new Random(5), 'f64');
    const state = initialise<TensorTree>(network.state, new Random(6), 'f64');
    const { scores } = network.scores(parameters, state, clips, judging);
    expect(Math.abs(softmaxLoss(scores, targets()).item() - Math.log(3))).toBeLessThan(0.2);
  });
});

describe('withMotion', () => {
  test('puts behind each step of a sequence how it differs from the one before', () => {
    const x = tensor([1, 2, 4, 8, 5, 5], { shape: [1, 3, 2], dtype: 'f64' });
    const out = withMotion(x);
    expect(out.shape).toEqual([1, 3, 4]);
    expect([...out.dataSync()]).toEqual([1, 2, 0, 0, 4, 8, 3, 6, 5, 5, 1, -3]);
  });

  test('puts the motion of frames behind their channels', () => {
    const x = tensor([1, 2, 4, 8], { shape: [1, 2, 2, 1, 1], dtype: 'f64' });
    const out = withMotion(x);
    expect(out.shape).toEqual([1, 4, 2, 1, 1]);
    expect([...out.dataSync()]).toEqual([1, 2, 4, 8, 0, 1, 0, 4]);
  });

  test('of one step is none', () => {
    const x = tensor([3, 4], { shape: [1, 1, 2], dtype: 'f64' });
    expect([...withMotion(x).dataSync()]).toEqual([3, 4, 0, 0]);
  });
});

test('padding changes nothing that lrcn says or learns', () => {
  using _test = scope();
  const { network } = small.lrcn?.() ?? {};
  if (!network) throw new Error('no lrcn');
  const parameters = initialise<TensorTree>(network.shapes, new Random(7), 'f64');
  const run = (padding: number) => {
    const state = initialise<TensorTree>(network.state, new Random(8), 'f64');
    const x = numbers([2, 1, 3, 6, 5]);
    x.at(1).at(0).at(2).fill(padding);
    const mode = { training: true, drop: (values: ClipBatch['x']) => values };
    const { scores } = network.scores(parameters, state, { x, lengths: [3, 2] }, mode);
    return [
      scores.dataSync().slice(),
      named(subtree(state, 'convolution1'), 'mean').mean.dataSync().slice(),
    ];
  };
  expect(run(0)).toEqual(run(1e6));
});

function numbers(shape: readonly number[]) {
  return randomNormal(new Random(9), shape, 1, 'f64');
}
