/** A stack of layers: convolutions, then affine layers, with all shapes known beforehand. */
import type { TensorTree } from '../autograd/tree.js';
import type { PictureShape } from '../data/labels/labelled-pictures.js';
import { conv2d } from '../layers/convolution/conv2d.js';
import { affine } from '../layers/dense.js';
import { relu } from '../layers/elementwise/activations.js';
import { dropout } from '../layers/elementwise/dropout.js';
import { flatten } from '../layers/indexing/axes.js';
import { maxPool } from '../layers/pooling/max-pool.js';
import type { Tensor } from '../tensor/tensor.js';
import { constant, normal, type ShapesOf } from './parameters.js';

/** A network that is one layer after another: convolutions, then affine layers. */
export interface StackOptions {
  /** What goes in: (C, H, W). */
  readonly picture: PictureShape;
  /** Halve the picture first, by maxima. */
  readonly shrink?: boolean;
  /** Filters and their side for each convolution; relu and max pooling by 2 x 2 follow. */
  readonly convolutions: readonly (readonly [filters: number, side: number])[];
  /** Outputs of each affine layer; relu comes between. */
  readonly affines: readonly number[];
}

interface Layer {
  readonly name: string;
  /** W and b; a convolution's W has four axes. */
  readonly W: readonly number[];
  readonly b: readonly number[];
  /** Values that one output adds up. */
  readonly inputs: number;
  /** Whether max pooling follows. */
  readonly pooled: boolean;
}

/** A stack with all its shapes known. */
export interface Stack extends StackOptions {
  readonly layers: readonly Layer[];
}

interface LayerParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** `layer1`, `layer2`, ... */
export type StackParameters = { readonly [layer: string]: LayerParameters };

const pool = 2;

/** Filters are cut to the size of their input, and a single row or column is not pooled. */
export function planStack(options: StackOptions): Stack {
  const { convolutions, affines, shrink = false } = options;
  let [channels, height, width] = options.picture;
  if (shrink && canPool(height, width)) [height, width] = halved(height, width);
  const layers: Layer[] = [];
  const name = () => `layer${layers.length + 1}`;
  for (const [filters, side] of convolutions) {
    const [KH, KW] = [Math.min(side, height), Math.min(side, width)];
    [height, width] = [height - KH + 1, width - KW + 1];
    const pooled = canPool(height, width);
    const W = [filters, channels, KH, KW];
    layers.push({ name: name(), W, b: [filters], inputs: channels * KH * KW, pooled });
    if (pooled) [height, width] = halved(height, width);
    channels = filters;
  }
  let inputs = channels * height * width;
  for (const outputs of affines) {
    layers.push({ name: name(), W: [inputs, outputs], b: [outputs], inputs, pooled: false });
    inputs = outputs;
  }
  return { ...options, layers };
}

/** Weights by He et al. 2015, normal with variance 2 / inputs; the last layer's a tenth of that. */
export function stackShapes({ layers }: Stack): ShapesOf<StackParameters> {
  const made = layers.map(({ name, W, b, inputs }, index): [string, ShapesOf<LayerParameters>] => {
    const deviation = Math.sqrt(2 / inputs) * (index === layers.length - 1 ? 0.1 : 1);
    return [name, { W: normal(W, deviation), b: constant(b) }];
  });
  return Object.fromEntries(made);
}

/** Which values are dropped before the last layer: a share of them, by 32 random bits. */
export interface StackDropout {
  readonly rate: number;
  readonly seed: number;
}

/** What a stack makes of pictures x (N, C, H, W): (N, K), K the outputs of the last layer. */
export function runStack(
  stack: Stack,
  parameters: StackParameters,
  x: Tensor,
  drop?: StackDropout,
): Tensor {
  return runLastLayer(stack, parameters, runFirstLayers(stack, parameters, x), drop);
}

/** All layers but the last one: what that is given, maps of a convolution or (N, inputs). */
export function runFirstLayers(
  { layers, shrink = false }: Stack,
  parameters: StackParameters,
  x: Tensor,
): Tensor {
  const [, , H = 0, W = 0] = x.shape;
  let out = shrink && canPool(H, W) ? maxPool(x, { kernel: pool }) : x;
  for (const layer of layers.slice(0, -1)) {
    out = runLayer(layer, parameters, out);
    if (layer.W.length === 2) out = relu(out);
  }
  return out;
}

/** The last layer, on what `runFirstLayers` gives. */
export function runLastLayer(
  { layers }: Stack,
  parameters: StackParameters,
  features: Tensor,
  drop?: StackDropout,
): Tensor {
  const last = layers.at(-1);
  if (!last) return features;
  const kept = drop && drop.rate > 0 ? dropout(features, drop) : features;
  return runLayer(last, parameters, kept);
}

function runLayer({ name, W, pooled }: Layer, parameters: StackParameters, x: Tensor): Tensor {
  const layer = parameters[name];
  if (!layer) throw new TypeError(`the parameters of ${name} are missing`);
  if (W.length === 2) return affine(x.shape.length === 2 ? x : flatten(x), layer.W, layer.b);
  const maps = conv2d(x, layer.W, layer.b, { relu: true });
  return pooled ? maxPool(maps, { kernel: pool }) : maps;
}

function canPool(height: number, width: number): boolean {
  return height >= pool && width >= pool;
}

function halved(height: number, width: number): [number, number] {
  return [Math.floor(height / pool), Math.floor(width / pool)];
}
