/** From an image to a captioner's first state: features, values for attention, and hidden state. */
import type { TensorTree } from '../autograd/tree.js';
import { ShapeError } from '../errors.js';
import { affine, temporalAffine } from '../layers/dense.js';
import { relu, tanh } from '../layers/elementwise/activations.js';
import { add } from '../layers/elementwise/arithmetic.js';
import { placesOfMaps } from '../layers/indexing/axes.js';
import { mean } from '../layers/indexing/reductions.js';
import { layerNorm } from '../layers/normalisation/layer-norm.js';
import { globalAveragePool } from '../layers/pooling/average-pool.js';
import { tensor, zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { named } from './attention.js';
import type { FullConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { cnnFeatures, cnnMaps } from './cnn.js';
import type { EncoderTail } from './encoders/squeezenet-tail.js';

/** What a captioner makes of images before the first word. */
export interface ImageState {
  /** (M, H): the first hidden state. */
  readonly h: Tensor;
  /** (M, H): the first memory, where the image sets it. */
  readonly c: Tensor | undefined;
  /** (M, L, E): the values of the places, with attention. */
  readonly values: Tensor | undefined;
}

/**
 * The features that `imageState` takes: `inputs` themselves, (M, D) or a grid (M, L, D), or what the
 * tail of an encoder that is trained along makes of them.
 */
export function encodedFeatures(
  tail: EncoderTail | undefined,
  { attention }: FullConfig,
  { encoder }: CaptionerParameters,
  inputs: Tensor,
): Tensor {
  if (!tail) return inputs;
  const maps = tail.maps(encoder ?? tail.parameters, inputs);
  return attention ? placesOfMaps(maps) : globalAveragePool(maps);
}

/**
 * From features or pictures to the first state: see `Captioner` for the formulas.
 * @param drop dropout, in training.
 */
export function imageState(
  config: FullConfig,
  parameters: CaptionerParameters,
  features: Tensor,
  drop: (x: Tensor) => Tensor,
): ImageState {
  const { cnn } = parameters;
  if (config.attention) {
    const grid = config.cnn ? placesOfMaps(cnnMaps(cnn, features)) : features;
    return gridState(config, parameters, grid, drop);
  }
  const projection = named(parameters.projection, 'W', 'b');
  if (config.cnn) {
    const state = layerNorm(affine(cnnFeatures(cnn, features), projection.W, projection.b));
    return { h: state, c: state, values: undefined };
  }
  const x = config.normaliseFeatures ? layerNorm(features) : features;
  return { h: affine(x, projection.W, projection.b), c: undefined, values: undefined };
}

function gridState(
  config: FullConfig,
  parameters: CaptionerParameters,
  grid: Tensor,
  drop: (x: Tensor) => Tensor,
): ImageState {
  const x = config.normaliseFeatures ? layerNorm(grid) : grid;
  const { W, b } = named(parameters.values, 'W', 'b');
  const values = drop(relu(withPositions(temporalAffine(x, W, b), parameters.values)));
  if (config.attention?.initialState === 'zero') {
    const [M = 0] = values.shape;
    return { h: zeros([M, config.hiddenSize], values.dtype), c: undefined, values };
  }
  const average = mean(values, { axes: 1 });
  const first = (tree: TensorTree) => {
    const weights = named(tree, 'W', 'b');
    return tanh(affine(average, weights.W, weights.b));
  };
  return {
    h: first(parameters.projection),
    c: config.cell === 'lstm' ? first(parameters.memory) : undefined,
    values,
  };
}

/** Adds to the places (M, L, E) the vectors of their positions, if the captioner has such. */
function withPositions(places: Tensor, { P }: TensorTree): Tensor {
  return P instanceof Tensor ? add(places, P) : places;
}

/** Which image each of N rows is about. @throws ShapeError when that is not given and not clear. */
export function imagesOf(image: ArrayLike<number> | undefined, h: Tensor, N: number): Tensor {
  if (image) {
    if (image.length === N) return tensor(image, { shape: [N], dtype: 'i32' });
    throw new ShapeError(
      `captioner: the option image has ${image.length} entries, but there are ${N} captions`,
    );
  }
  if (h.shape[0] === N) return everyImage(h);
  throw new ShapeError(
    `captioner: ${N} captions but ${h.shape[0]} images, whose first state is h0 ${showShape(h.shape)}: the option image says which caption is about which`,
  );
}

/** The images of M rows (M, ...), each about its own: 0 to M - 1. */
export function everyImage({ shape: [M = 0] }: Tensor): Tensor {
  return tensor(
    Int32Array.from({ length: M }, (_, m) => m),
    { dtype: 'i32' },
  );
}
