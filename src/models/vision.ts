import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { conv2d } from '../layers/conv2d.js';
import { layerNorm } from '../layers/layer-norm.js';
import type { Random } from '../random.js';
import { randomNormal, zeros } from '../tensor/create.js';
import { elementCount } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** A small convolution network that is trained together with the captioner. */
export interface VisionConfig {
  /** Pixels across and down. */
  size: number;
  /** Filters of each layer; every layer halves the picture. */
  filters: readonly number[];
}

/** One convolution's filters W (F, C, K, K) and bias b (F). */
interface Convolution extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** `layer1`, `layer2`, ... */
export type VisionParameters = { readonly [layer: string]: Convolution };

const colours = 3;
/** The first layer sees raw pixels and takes a wider look. */
const firstKernel = 5;
const kernel = 3;

/** Length of the feature vector that `see` returns. */
export function visionFeatureSize({ size, filters }: VisionConfig): number {
  return elementCount([filters.at(-1) ?? colours, ...planeAfter(size, filters.length)]);
}

/** Filters by He et al. 2015: normal with variance 2 / inputs, which keeps the scale through relu. */
export function initialVision(
  { filters }: VisionConfig,
  random: Random,
  dtype: FloatDType,
): VisionParameters {
  const layers = filters.map((F, index): [string, Convolution] => {
    const C = index === 0 ? colours : (filters[index - 1] ?? colours);
    const K = index === 0 ? firstKernel : kernel;
    const W = randomNormal(random, [F, C, K, K], Math.sqrt(2 / (C * K * K)), dtype);
    return [`layer${index + 1}`, { W, b: zeros([F], dtype) }];
  });
  return Object.fromEntries(layers);
}

/**
 * Pictures (N, 3, S, S) to feature maps (N, F, S', S'): convolutions of stride 2, each with relu,
 * then each picture's features normalised. The maps are not pooled, so that features know where
 * things are. Without the norm, training begins by turning features into one large bias for the
 * language model and saturates the cell's gates.
 */
export function see(parameters: VisionParameters, pictures: Tensor): Tensor {
  const maps = Object.values(parameters).reduce((seen, { W, b }) => {
    const padding = Math.floor((W.shape[2] ?? 1) / 2);
    return conv2d(seen, W, b, { stride: 2, padding, relu: true });
  }, pictures);
  return layerNorm(maps);
}

function planeAfter(size: number, layers: number): [number, number] {
  let side = size;
  for (let layer = 0; layer < layers; layer++) side = Math.ceil(side / 2);
  return [side, side];
}
