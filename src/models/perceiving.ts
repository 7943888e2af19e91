import { relu, tanh } from '../layers/activations.js';
import { affine, temporalAffine } from '../layers/affine.js';
import { meanPlaces, placesOfMaps } from '../layers/attention/places.js';
import { layerNorm } from '../layers/layer-norm.js';
import type { Tensor } from '../tensor/tensor.js';
import { named } from './attending.js';
import type { FullConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { see, seeMaps } from './vision.js';

/** What a captioner has of an image before the first word. */
export interface Perceived {
  /** (M, H): the first hidden state. */
  readonly h: Tensor;
  /** (M, H): the first memory, where the image sets it. */
  readonly c: Tensor | undefined;
  /** (M, L, E): what can be looked at, with attention. */
  readonly values: Tensor | undefined;
}

/**
 * From features or pictures to the first state: see `Captioner` for the formulas.
 * @param drop dropout, in training.
 */
export function perceive(
  config: FullConfig,
  parameters: CaptionerParameters,
  features: Tensor,
  drop: (x: Tensor) => Tensor,
): Perceived {
  const { projection, vision } = parameters;
  if (config.attention) {
    const grid = config.vision ? placesOfMaps(seeMaps(vision, features)) : features;
    return perceiveGrid(config, parameters, grid, drop);
  }
  if (config.vision) {
    const state = layerNorm(affine(see(vision, features), projection.W, projection.b));
    return { h: state, c: state, values: undefined };
  }
  const even = config.normaliseFeatures ? layerNorm(features) : features;
  return { h: affine(even, projection.W, projection.b), c: undefined, values: undefined };
}

function perceiveGrid(
  config: FullConfig,
  parameters: CaptionerParameters,
  grid: Tensor,
  drop: (x: Tensor) => Tensor,
): Perceived {
  const { projection, memory } = parameters;
  const even = config.normaliseFeatures ? layerNorm(grid) : grid;
  const { W, b } = named(parameters.values, 'W', 'b');
  const values = drop(relu(temporalAffine(even, W, b)));
  const mean = meanPlaces(values);
  const first = (weights: { W: Tensor; b: Tensor }) => tanh(affine(mean, weights.W, weights.b));
  return {
    h: first(projection),
    c: config.cell === 'lstm' ? first(named(memory, 'W', 'b')) : undefined,
    values,
  };
}
