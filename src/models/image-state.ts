/** From an image to a captioner's first state: features, values for attention, and hidden state. */

import type { TensorTree } from '../autograd/tree.js';
import { affine, temporalAffine } from '../layers/dense.js';
import { relu, tanh } from '../layers/elementwise/activations.js';
import { add } from '../layers/elementwise/arithmetic.js';
import { flatten, placesOfMaps } from '../layers/indexing/axes.js';
import { mean } from '../layers/indexing/reductions.js';
import { layerNorm } from '../layers/normalisation/layer-norm.js';
import { globalAveragePool } from '../layers/pooling/average-pool.js';
import { meanOverTime } from '../layers/sequences.js';
import { zeros } from '../tensor/create.js';
import { empty, Tensor } from '../tensor/tensor.js';
import type { WordsConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import type { Drop } from './captioner-scores.js';
import type { Seen } from './captioner-state.js';
import { type CnnConfig, type CnnParameters, cnnFeatures, cnnMaps } from './cnn.js';
import type { EncoderTail } from './encoders/squeezenet-tail.js';
import { named } from './parameters.js';

/**
 * The features that `imageState` takes: `inputs` themselves, (M, D) or a grid (M, L, D), or what the
 * tail of an encoder that is trained along makes of them.
 */
export function encodedFeatures(
  tail: EncoderTail | undefined,
  { attention }: WordsConfig,
  { encoder }: CaptionerParameters,
  inputs: Tensor,
): Tensor {
  if (!tail) return inputs;
  const maps = tail.maps(encoder ?? tail.parameters, inputs);
  return attention ? placesOfMaps(maps) : globalAveragePool(maps);
}

/**
 * The features of pictures (M, 3, S, S) by a captioner's own cnn: (M, F P P), and with attention the grid
 * (M, L, F).
 */
export function ownFeatures(
  cnn: CnnParameters,
  pictures: Tensor,
  { grid, strides }: { readonly grid: boolean } & Pick<CnnConfig, 'strides'>,
): Tensor {
  return grid
    ? placesOfMaps(cnnMaps(cnn, pictures, strides))
    : flatten(cnnFeatures(cnn, pictures, strides));
}

/**
 * From features (M, D), or a grid (M, L, D), to the first state: see `Captioner` for the formulas.
 * @param there (M): how many of a grid's places there are, the first ones; all by default.
 */
export function imageState(
  config: WordsConfig,
  parameters: CaptionerParameters,
  features: Tensor,
  drop: Drop,
  there?: readonly number[],
): Seen {
  if (config.attention) return gridState(config, parameters, features, drop, there);
  const h = projected(config, parameters, features);
  return { states: [config.cnn ? { h, c: h } : { h }] };
}

/** Features (N, D) in the length of a hidden state (N, H), and in a scale that suits the gates. */
export function projected(
  { cnn, normaliseFeatures }: WordsConfig,
  { projection }: CaptionerParameters,
  features: Tensor,
): Tensor {
  const { W, b } = named(projection, 'W', 'b');
  if (cnn) return layerNorm(affine(features, W, b));
  return affine(normaliseFeatures ? layerNorm(features) : features, W, b);
}

function gridState(
  config: WordsConfig,
  parameters: CaptionerParameters,
  grid: Tensor,
  drop: Drop,
  there: readonly number[] | undefined,
): Seen {
  const x = config.normaliseFeatures ? layerNorm(grid) : grid;
  const { W, b } = named(parameters.values, 'W', 'b');
  const values = drop.values(relu(withPositions(temporalAffine(x, W, b), parameters.values)));
  const places = { values, mask: there && maskOf(there, values) };
  if (config.attention?.initialState === 'zero') {
    const [M = 0] = values.shape;
    return { states: [{ h: zeros([M, config.hiddenSize], values.dtype) }], places };
  }
  const average = there ? meanOverTime(values, there) : mean(values, { axes: 1 });
  const first = (tree: TensorTree) => {
    const weights = named(tree, 'W', 'b');
    return tanh(affine(average, weights.W, weights.b));
  };
  const h = first(parameters.projection);
  return { states: [config.cell === 'lstm' ? { h, c: first(parameters.memory) } : { h }], places };
}

/** (M, L) u8: 1 for the places of values (M, L, E) that are there. */
function maskOf(there: readonly number[], { shape: [M = 0, L = 0] }: Tensor): Tensor {
  return empty('u8', [M, L]).assign(
    there.flatMap((count) => Array.from({ length: L }, (_, place) => (place < count ? 1 : 0))),
  );
}

/** Adds to the places (M, L, E) the vectors of their positions, if the captioner has such. */
function withPositions(places: Tensor, { P }: TensorTree): Tensor {
  return P instanceof Tensor ? add(places, P) : places;
}
