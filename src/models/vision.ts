import { z } from 'zod';
import type { TensorTree } from '../autograd/tree.js';
import { conv2d } from '../layers/convolution/conv2d.js';
import { layerNorm } from '../layers/normalisation/layer-norm.js';
import { maxPool } from '../layers/pooling.js';
import type { Tensor } from '../tensor/tensor.js';
import { constant, normal, type ShapesOf } from './parameters.js';

/** A small convolution network that is trained together with the captioner. */
export const visionSchema = z.object({
  /** Pixels across and down. */
  size: z.int().min(8).max(16_384).default(48).meta({
    flag: '--picture-size <pixels>',
    help: 'without features: side of the pictures that the model sees itself',
  }),
  /** Filters of each layer. The first two layers halve the picture, the others keep its size. */
  filters: z.array(z.int().positive()).min(1).readonly().default([16, 32, 32]).meta({
    flag: '--filters <list>',
    help: 'without features: filters of its convolution layers',
  }),
});
export type VisionConfig = Readonly<z.output<typeof visionSchema>>;

/** One convolution's filters W (F, C, 3, 3) and bias b (F). */
interface Convolution extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** `layer1`, `layer2`, ... */
export type VisionParameters = { readonly [layer: string]: Convolution };

const colours = 3;
const kernel = 3;
const halvingLayers = 2;
/** Side of the square of places whose strongest response becomes one feature. */
const pooledPlaces = 3;

/** Length of the feature vector that `see` returns. */
export function visionFeatureSize({ size, filters }: VisionConfig): number {
  const side = sideAfter(size, filters.length);
  const cells = Math.floor(side / poolKernel(side));
  return (filters.at(-1) ?? colours) * cells * cells;
}

/** Filters by He et al. 2015: normal with variance 2 / inputs, which keeps the scale through relu. */
export function visionShapes({ filters }: VisionConfig): ShapesOf<VisionParameters> {
  const layers = filters.map((F, index): [string, ShapesOf<Convolution>] => {
    const C = index === 0 ? colours : (filters[index - 1] ?? colours);
    const W = normal([F, C, kernel, kernel], Math.sqrt(2 / (C * kernel ** 2)));
    return [`layer${index + 1}`, { W, b: constant([F]) }];
  });
  return Object.fromEntries(layers);
}

/**
 * Pictures (N, 3, S, S) to features (N, F, P, P): convolutions with relu, then the strongest
 * response in each cell of a coarse grid, so that a thing is known wherever in its cell it lies,
 * and features still tell where things are.
 *
 * The picture and what each layer makes of it are normalised, picture by picture. Without that,
 * the brightness of the background, which no caption mentions, is the strongest signal of all.
 */
export function see(parameters: VisionParameters, pictures: Tensor): Tensor {
  const maps = seeMaps(parameters, pictures);
  return layerNorm(maxPool(maps, { kernel: poolKernel(maps.shape[2] ?? 1) }));
}

/** The maps (N, F, P, P) that `see` pools: for an attention, which chooses places itself. */
export function seeMaps(parameters: VisionParameters, pictures: Tensor): Tensor {
  return Object.values(parameters).reduce((seen, { W, b }, layer) => {
    const stride = layer < halvingLayers ? 2 : 1;
    return conv2d(layerNorm(seen), W, b, { stride, padding: 1, relu: true });
  }, pictures);
}

/** P: side of the maps that `seeMaps` returns. */
export function visionMapSize({ size, filters }: VisionConfig): number {
  return sideAfter(size, filters.length);
}

function sideAfter(size: number, layers: number): number {
  let side = size;
  for (let layer = 0; layer < Math.min(layers, halvingLayers); layer++) side = Math.ceil(side / 2);
  return side;
}

/** Maps of very small pictures are pooled whole. */
function poolKernel(side: number): number {
  return Math.min(pooledPlaces, side);
}
