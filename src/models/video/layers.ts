/** Convolutions for clips, and what stands between them, by their names in a network's parameters. */
import { sequential } from '../../autograd/sequential.js';
import type { TensorTree } from '../../autograd/tree.js';
import { conv3d } from '../../layers/convolution/conv3d.js';
import { relu } from '../../layers/elementwise/activations.js';
import { batchNorm } from '../../layers/normalisation/batch-norm.js';
import { zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';
import type { ClipMode } from './network.js';

/** Time first, then rows and columns. */
export type Extents = readonly [T: number, H: number, W: number];

/** A convolution of clips (parameters: `W`, no bias), a batch norm (`gain`, `bias`), or relu. */
export type ClipLayer =
  | {
      readonly name: string;
      readonly kind: 'convolution';
      /** Channels in and out. */
      readonly C: number;
      readonly F: number;
      readonly kernel: Extents;
      readonly stride?: Extents;
      readonly padding: Extents;
    }
  | { readonly name: string; readonly kind: 'norm'; readonly C: number }
  | { readonly kind: 'relu' };

/** Relu, between two layers. */
export const RELU: ClipLayer = { kind: 'relu' };

/** Filters by He et al. 2015, normal with variance 2 / outputs (fan out), as torchvision begins; norms as the identity. */
export function clipLayerShapes(layers: readonly ClipLayer[]): ShapeTree {
  return Object.fromEntries(
    layers.flatMap((layer): [string, ShapeTree][] => {
      if (layer.kind === 'relu') return [];
      if (layer.kind === 'norm') {
        return [[layer.name, { gain: constant([layer.C], 1), bias: constant([layer.C]) }]];
      }
      const { F, C, kernel } = layer;
      const outputs = F * kernel.reduce((product, extent) => product * extent, 1);
      return [[layer.name, { W: normal([F, C, ...kernel], Math.sqrt(2 / outputs)) }]];
    }),
  );
}

/** The running statistics of the norms among them. */
export function clipLayerState(layers: readonly ClipLayer[]): ShapeTree {
  return Object.fromEntries(
    layers.flatMap((layer): [string, ShapeTree][] =>
      layer.kind === 'norm'
        ? [[layer.name, { mean: constant([layer.C]), variance: constant([layer.C], 1) }]]
        : [],
    ),
  );
}

/** One layer after another: x (N, C, T, H, W). */
export function runClipLayers(
  layers: readonly ClipLayer[],
  parameters: TensorTree,
  state: TensorTree,
  x: Tensor,
  { training }: ClipMode,
): Tensor {
  return sequential(
    x,
    layers.map((layer) => (seen: Tensor) => {
      if (layer.kind === 'relu') return relu(seen);
      const own = subtree(parameters, layer.name);
      if (layer.kind === 'norm') {
        const { gain, bias } = named(own, 'gain', 'bias');
        const running = named(subtree(state, layer.name), 'mean', 'variance');
        return batchNorm(seen, gain, bias, running, { training });
      }
      const { W } = named(own, 'W');
      const { stride = [1, 1, 1], padding, F } = layer;
      return conv3d(seen, W, zeros([F], seen.float), { stride, padding });
    }),
  );
}
