/** Stages of convolutions and pooling, for clips or for each of their frames. */
import type { TensorTree } from '../../autograd/tree.js';
import { conv3d } from '../../layers/convolution/conv3d.js';
import { relu } from '../../layers/elementwise/activations.js';
import { batchNorm } from '../../layers/normalisation/batch-norm.js';
import { maxPool3d } from '../../layers/pooling/max-pool.js';
import { zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';
import type { ClipMode, ClipShape } from './network.js';

/** What the stages are made of. */
export interface StagesOptions {
  /** Of the convolutions of each stage. */
  readonly filters: readonly number[];
  /** How many each stage has. */
  readonly convolutions: readonly number[];
  /** Behind each convolution. With `batch` it has no bias. */
  readonly norm: 'batch' | 'none';
  /** Whether filters are 3 x 3 x 3 and later poolings halve time, or 1 x 3 x 3 and each frame is seen alone. */
  readonly time: boolean;
}

/** Stages with all their shapes known. */
export interface Stages {
  readonly shapes: ShapeTree;
  readonly state: ShapeTree;
  /** What comes out: (C, T, H, W). */
  readonly maps: ClipShape;
  run(parameters: TensorTree, state: TensorTree, x: Tensor, mode: ClipMode): Tensor;
}

interface Convolution {
  readonly name: string;
  readonly C: number;
  readonly F: number;
  /** Of the pooling that follows, where one does. */
  readonly pool: readonly [T: number, H: number, W: number] | undefined;
}

/** Stages for clips (N, C, T, H, W); the first pooling leaves time alone. An axis of extent 1 is not pooled. */
export function planStages(
  { filters, convolutions, norm, time }: StagesOptions,
  [channels, frames, height, width]: ClipShape,
): Stages {
  const layers: Convolution[] = [];
  let [C, T, H, W] = [channels, frames, height, width];
  for (const [stage, count] of convolutions.entries()) {
    const F = filters[stage] ?? C;
    for (let i = 0; i < count; i++) {
      const pool = i === count - 1 ? ([time && stage > 0 ? 2 : 1, 2, 2] as const) : undefined;
      layers.push({ name: `convolution${layers.length + 1}`, C, F, pool });
      C = F;
    }
    if (time && stage > 0) T = Math.ceil(T / 2);
    [H, W] = [Math.ceil(H / 2), Math.ceil(W / 2)];
  }
  const KT = time ? 3 : 1;
  return {
    maps: [C, T, H, W],
    shapes: Object.fromEntries(
      layers.map(({ name, C, F }) => [
        name,
        {
          W: normal([F, C, KT, 3, 3], Math.sqrt(2 / (C * KT * 9))),
          ...(norm === 'batch'
            ? { gain: constant([F], 1), bias: constant([F]) }
            : { b: constant([F]) }),
        },
      ]),
    ),
    state:
      norm === 'none'
        ? {}
        : Object.fromEntries(
            layers.map(({ name, F }) => [
              name,
              { mean: constant([F]), variance: constant([F], 1) },
            ]),
          ),
    run(parameters, state, x, { training }) {
      const padding = [time ? 1 : 0, 1, 1] as const;
      return layers.reduce((seen, { name, F, pool }) => {
        const own = subtree(parameters, name);
        const { W } = named(own, 'W');
        let maps: Tensor;
        if (norm === 'batch') {
          const { gain, bias } = named(own, 'gain', 'bias');
          const running = named(subtree(state, name), 'mean', 'variance');
          const convolved = conv3d(seen, W, zeros([F], seen.float), { padding });
          maps = relu(batchNorm(convolved, gain, bias, running, { training }));
        } else {
          maps = conv3d(seen, W, named(own, 'b').b, { padding, relu: true });
        }
        if (!pool) return maps;
        const kernel = pool.map((side, axis) => Math.min(side, maps.shape[axis + 2] ?? 1));
        return maxPool3d(maps, {
          kernel: [kernel[0] ?? 1, kernel[1] ?? 1, kernel[2] ?? 1],
          ceilMode: true,
        });
      }, x);
    },
  };
}
