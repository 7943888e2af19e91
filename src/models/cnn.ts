/** A small convolutional network that makes a captioner's features of pictures and is trained with it. */
import { z } from 'zod';
import type { TensorTree } from '../autograd/tree.js';
import { conv2d } from '../layers/convolution/conv2d.js';
import { concat, slice } from '../layers/indexing/pieces.js';
import { layerNorm } from '../layers/normalisation/layer-norm.js';
import { maxPool } from '../layers/pooling/max-pool.js';
import type { Tensor } from '../tensor/tensor.js';
import { constant, normal, type ShapesOf } from './parameters.js';

const DEFAULT_STRIDES = [2, 2];

/** The network's configuration. */
export const cnnSchema = z.object({
  /** Pixels across and down. */
  size: z.int().min(8).max(16_384).default(48).meta({
    flag: '--picture-size <pixels>',
    help: 'without features: side of the pictures that go into the cnn',
  }),
  /** Filters of each layer. */
  filters: z.array(z.int().positive()).min(1).readonly().default([16, 32, 32]).meta({
    flag: '--filters <list>',
    help: "without features: filters of the cnn's layers",
  }),
  /** Of each layer, 1 where nothing is said. Small things want a first layer that sees every pixel. */
  strides: z.array(z.int().min(1).max(8)).min(1).readonly().default(DEFAULT_STRIDES).meta({
    flag: '--strides <list>',
    help: "without features: steps of the cnn's layers, in pixels; 1 for layers beyond the list",
  }),
});
/** What has a default may be left out. */
export type CnnConfig = Pick<z.output<typeof cnnSchema>, 'size' | 'filters'> &
  z.input<typeof cnnSchema>;

/** One convolution's filters W (F, C, 3, 3) and bias b (F). */
interface Convolution extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** `layer1`, `layer2`, ... */
export type CnnParameters = { readonly [layer: string]: Convolution };

const colours = 3;
const kernel = 3;
/** Side of the square of places whose strongest response becomes one feature. */
const pooledPlaces = 3;

/** Length of the feature vector that `cnnFeatures` returns. */
export function cnnFeatureSize(config: CnnConfig): number {
  const { filters } = config;
  const side = cnnMapSize(config);
  const cells = Math.floor(side / poolKernel(side));
  return (filters.at(-1) ?? colours) * cells * cells;
}

/**
 * Filters by He et al. 2015: normal with variance 2 / inputs, which keeps the scale through relu.
 * @param config.motion each picture has three more channels: see `framesWithMotion`.
 */
export function cnnShapes({
  filters,
  motion = false,
}: Pick<CnnConfig, 'filters'> & { readonly motion?: boolean }): ShapesOf<CnnParameters> {
  const channels = motion ? 2 * colours : colours;
  const layers = filters.map((F, index): [string, ShapesOf<Convolution>] => {
    const C = filters[index - 1] ?? channels;
    const W = normal([F, C, kernel, kernel], Math.sqrt(2 / (C * kernel ** 2)));
    return [`layer${index + 1}`, { W, b: constant([F]) }];
  });
  return Object.fromEntries(layers);
}

/**
 * Pictures (N, 3, S, S), or (N, 6, S, S) with motion, to features (N, F, P, P): convolutions with relu, then the strongest response in
 * each cell of a coarse grid. So a thing is found wherever in its cell it lies, and the features still
 * tell cells apart.
 *
 * The input of each layer is normalised, picture by picture. Without that, the brightness of the
 * background, which no caption mentions, is the strongest signal of all.
 */
export function cnnFeatures(
  parameters: CnnParameters,
  pictures: Tensor,
  strides?: CnnConfig['strides'],
): Tensor {
  const maps = cnnMaps(parameters, pictures, strides);
  return layerNorm(maxPool(maps, { kernel: poolKernel(maps.shape[2] ?? 1) }));
}

/** The maps (N, F, P, P) that `cnnFeatures` pools: for an attention, which chooses places itself. */
export function cnnMaps(
  parameters: CnnParameters,
  pictures: Tensor,
  strides?: CnnConfig['strides'],
): Tensor {
  return Object.values(parameters).reduce((x, { W, b }, layer) => {
    const stride = strideOf(strides, layer);
    const seen = layer === 0 ? normalisedPictures(x) : layerNorm(x);
    return conv2d(seen, W, b, { stride, padding: 1, relu: true });
  }, pictures);
}

/** Motion, where there is any, is left as it is: that of what stands still is 0. */
function normalisedPictures(x: Tensor): Tensor {
  if (x.shape[1] === colours) return layerNorm(x);
  return concat([layerNorm(slice(x, 1, 0, colours)), slice(x, 1, colours)], 1);
}

/** P: side of the maps that `cnnMaps` returns. */
export function cnnMapSize({ size, filters, strides }: CnnConfig): number {
  return filters.reduce((side, _, layer) => Math.ceil(side / strideOf(strides, layer)), size);
}

function strideOf(strides: CnnConfig['strides'] = DEFAULT_STRIDES, layer: number): number {
  return strides[layer] ?? 1;
}

/** Maps of very small pictures are pooled whole. */
function poolKernel(side: number): number {
  return Math.min(pooledPlaces, side);
}
