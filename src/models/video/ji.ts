/** The 3-D convolution network of Ji et al., which sees what a hardwired layer makes of a few frames. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { UsageError } from '../../errors.js';
import { conv3d } from '../../layers/convolution/conv3d.js';
import { affine } from '../../layers/dense.js';
import { tanh } from '../../layers/elementwise/activations.js';
import { flatten, reshape } from '../../layers/indexing/axes.js';
import { concat, slice } from '../../layers/indexing/pieces.js';
import { sum } from '../../layers/indexing/reductions.js';
import { subsample } from '../../layers/pooling/subsampling.js';
import { flowMethods, hardwiredSchema } from '../../motion/hardwired.js';
import { zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';
import type { ClipNetwork } from './network.js';

const positive = z.int().positive();

/** The two forms that the paper describes, and the size of the frames that each was made for. */
export const jiForms = {
  /** For TRECVID's airport scenes: 7 frames of 60 x 40. */
  trecvid: {
    frames: 7,
    picture: [60, 40],
    convolutions: [
      { kernel: [3, 7, 7], pool: 2 },
      { kernel: [3, 7, 6], pool: 3 },
    ],
  },
  /** For the KTH actions: 9 frames of 80 x 60. */
  kth: {
    frames: 9,
    picture: [80, 60],
    convolutions: [
      { kernel: [3, 9, 7], pool: 3 },
      { kernel: [3, 7, 7], pool: 3 },
    ],
  },
} as const;
export type JiForm = keyof typeof jiForms;

/** What a network of this kind is made of. */
export const jiSchema = z.object({
  form: z
    .enum(['trecvid', 'kth'])
    .default('trecvid')
    .meta({
      flag: '--form <name>',
      help: "of the paper's two networks: 7 frames of 60x40, or 9 of 80x60",
      needs: { model: ['ji'] },
    }),
  /** How the hardwired layer finds gradients and motion: see `hardwired`. */
  gradient: hardwiredSchema.shape.gradient.meta({
    ...hardwiredSchema.shape.gradient.meta(),
    needs: { model: ['ji'] },
  }),
  flow: z
    .enum(flowMethods)
    .default('farneback')
    .meta({
      flag: '--flow <method>',
      help: 'how the hardwired layer finds motion',
      needs: { model: ['ji'] },
    }),
  /** Kernels of each channel in the first convolution, and of each of their maps in the second. */
  sets: z.tuple([positive, positive]).default([2, 3]),
  /** Units of the last hidden layer. */
  units: positive.default(128),
});
export type JiConfig = z.output<typeof jiSchema>;

/** The five channels of the hardwired layer, and how many maps each has of T frames. */
const channels = [
  ['grey', (T: number) => T],
  ['gradientX', (T: number) => T],
  ['gradientY', (T: number) => T],
  ['flowX', (T: number) => T - 1],
  ['flowY', (T: number) => T - 1],
] as const;

/** Extents of the maps of one channel on their way through the network. */
interface Channel {
  readonly name: string;
  /** Maps that the hardwired layer makes. */
  readonly T: number;
  /** After each convolution and its subsampling: (kernels, T, H, W). */
  readonly layers: readonly (readonly [F: number, T: number, H: number, W: number])[];
}

/**
 * The network of Ji et al. 2010 (ICML) and 2013 (PAMI, section 3), for `frames` frames (its form's T) of any size:
 *
 *     H1  grey, gradients x and y of T frames, flows x and y of T - 1: a hardwired layer makes them
 *     C2  3-D convolution of each channel apart, `sets[0]` kernels each, then tanh
 *     S3  every map subsampled: a coefficient times the mean of each window, plus a bias
 *     C4  3-D convolution, `sets[1]` kernels for each set and channel, then tanh
 *     S5  subsampling
 *     C6  each of `units` units sees all of all maps, a bias for every map, then tanh
 *     out scores = C6 times a matrix, without a bias
 *
 * Its clips are (N, 5, T, H, W): grey, gradient x, gradient y, flow x and flow y, of which the last frame of the
 * flows is not looked at. With the form `trecvid`, frames of 60 x 40 and 3 classes it has the paper's 295,458
 * parameters. The paper names no nonlinearity of the subsampling: there is none.
 * @throws UsageError for frames that are too small.
 */
export function planJi(
  config: JiConfig,
  [, T, H, W]: readonly [C: number, T: number, H: number, W: number],
  classes: number,
): ClipNetwork {
  const { convolutions } = jiForms[config.form];
  const plans = channels.map(([name, mapsOf]): Channel => {
    let extent: readonly [F: number, T: number, H: number, W: number] = [1, mapsOf(T), H, W];
    const layers = convolutions.map(({ kernel: [KT, KH, KW], pool }, layer) => {
      const [F, frames, height, width] = extent;
      const [OH, OW] = [(height - KH + 1) / pool, (width - KW + 1) / pool].map(Math.floor);
      extent = [F * (config.sets[layer] ?? 1), frames - KT + 1, OH ?? 0, OW ?? 0];
      if (Math.min(...extent) >= 1) return extent;
      throw new UsageError(
        `ji: ${T} frames of ${H}x${W} are too few or too small for the form ${config.form}, which is made for ${jiForms[config.form].frames} of ${jiForms[config.form].picture.join('x')}`,
      );
    });
    return { name, T: mapsOf(T), layers };
  });
  const maps = plans.reduce((sum, { layers }) => sum + mapsOf(layers.at(-1)), 0);
  const [, , OH, OW] = plans[0]?.layers.at(-1) ?? [0, 0, 1, 1];
  return {
    shapes: {
      ...Object.fromEntries(plans.map((plan) => [plan.name, channelShapes(config, plan)])),
      hidden: {
        W: normal([maps * OH * OW, config.units], 1 / Math.sqrt(maps * OH * OW)),
        b: constant([maps, config.units]),
      },
      scores: { W: normal([config.units, classes], 0.1 / Math.sqrt(config.units)) },
    },
    state: {},
    scores(parameters, _state, { x }, { drop }) {
      const seen = plans.map((plan, k) => {
        const own = slice(slice(x, 1, k, k + 1), 2, 0, plan.T);
        return channelMaps(config, plan, subtree(parameters, plan.name), own);
      });
      const hidden = named(subtree(parameters, 'hidden'), 'W', 'b');
      const features = flatten(concat(seen, 1));
      const units = tanh(affine(features, hidden.W, sum(hidden.b, { axes: 0 })));
      const { W } = named(subtree(parameters, 'scores'), 'W');
      return { scores: affine(drop(units), W, zeros([classes], x.float)) };
    },
  };
}

/** Kernels of convolution and subsampling for each layer of a channel. */
function channelShapes({ form }: JiConfig, { layers }: Channel): ShapeTree {
  const { convolutions } = jiForms[form];
  return Object.fromEntries(
    convolutions.flatMap(({ kernel }, layer) => {
      const F = layers[layer]?.[0] ?? 0;
      const inputs = kernel.reduce((product, extent) => product * extent, 1);
      const maps = mapsOf(layers[layer]);
      return [
        [
          `convolution${layer + 1}`,
          { W: normal([F, 1, ...kernel], 1 / Math.sqrt(inputs)), b: constant([F]) },
        ],
        [`subsampling${layer + 1}`, { coefficient: constant([maps], 1), bias: constant([maps]) }],
      ];
    }),
  );
}

/** What the layers of one channel make of its maps (N, 1, T, H, W): (N, maps, H', W'). */
function channelMaps(
  { form }: JiConfig,
  { layers }: Channel,
  parameters: TensorTree,
  x: Tensor,
): Tensor {
  let out = x;
  for (const [layer, { pool }] of jiForms[form].convolutions.entries()) {
    const { W, b } = named(subtree(parameters, `convolution${layer + 1}`), 'W', 'b');
    const own = named(subtree(parameters, `subsampling${layer + 1}`), 'coefficient', 'bias');
    const convolved = tanh(conv3d(out, W, b, { groups: out.shape[1] ?? 1 }));
    const [N = 0, F = 0, T = 0, H = 0, width = 0] = convolved.shape;
    const maps = reshape(convolved, [N, F * T, H, width]);
    const smaller = subsample(maps, own.coefficient, own.bias, { kernel: pool });
    const [, , OH, OW] = layers[layer] ?? [0, 0, 0, 0];
    out = reshape(smaller, [N, F, T, OH, OW]);
  }
  const [N = 0, F = 0, T = 0, H = 0, W = 0] = out.shape;
  return reshape(out, [N, F * T, H, W]);
}

function mapsOf([F, T]: readonly [F: number, T: number, ...rest: number[]] = [0, 0]): number {
  return F * T;
}
