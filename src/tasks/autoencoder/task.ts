/** Training an autoencoder: noisy pictures in, pictures without it out, and what is measured of both. */
import { valueAndGradients } from '../../autograd/tape.js';
import type { BinarisedPictures } from '../../data/labels/binarised-pictures.js';
import type { LabelledDataset } from '../../data/labels/labelled-pictures.js';
import { addNoise, type PictureNoise } from '../../data/labels/picture-noise.js';
import { scope } from '../../engine/engine.js';
import {
  autodecode,
  autodecoded,
  autoencode,
  autoencoderLoss,
} from '../../models/generative/autoencoder.js';
import { randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Measures, ParameterGroup, Step } from '../../training/task.js';
import { PictureTask } from '../picture-task.js';
import type { AutoencoderModel } from './kind.js';
import type { AutoencoderRecipe } from './recipe.js';

/** Noise, and where its chance comes from. */
export interface NoiseOptions {
  readonly noise: PictureNoise;
  readonly noiseLevel: number;
  readonly seed: number;
}

/** Pictures (N, C, H, W) of some places with noise: a function of seed, epoch and place. */
export function withNoise(
  x: Tensor,
  { noise, noiseLevel, seed }: NoiseOptions,
  indices: ArrayLike<number>,
  epoch = 0,
): Tensor {
  if (noise === 'none') return x;
  const values = Float32Array.from(x.dataSync());
  const each = values.length / indices.length;
  for (let n = 0; n < indices.length; n++) {
    const one = values.subarray(n * each, (n + 1) * each);
    addNoise(one, noise, noiseLevel, randomAt(seed, 'noise', epoch, indices[n]));
  }
  return tensor(values, { shape: x.shape });
}

/** How pictures come back. */
export interface ReturnReport {
  readonly pictures: number;
  /** The mean over pictures of the error that was trained, a sum over pixels. */
  readonly error: number;
  /** The mean over all values of pixels of (x - back)². */
  readonly squaredError: number;
  /** The share of the values of codes that are 0, or nearer to it than a hundredth. */
  readonly inactive: number;
}

/** How all of some pictures come back, with noise on what goes in. */
export function measureReturn(
  { plan, parameters }: AutoencoderModel,
  pictures: BinarisedPictures,
  options: NoiseOptions & { readonly batchSize?: number },
): ReturnReport {
  const { batchSize = 256 } = options;
  let [error, squares, inactive, codes, values] = [0, 0, 0, 0, 0];
  for (let first = 0; first < pictures.size; first += batchSize) {
    using _batch = scope();
    const N = Math.min(batchSize, pictures.size - first);
    const indices = Int32Array.from({ length: N }, (_, n) => first + n);
    const { x } = pictures.batch(indices);
    const seen = withNoise(x, options, indices);
    error += autoencoderLoss(plan, parameters, x, seen).item() * N;
    const code = autoencode(plan, parameters, seen);
    const back = autodecoded(plan, autodecode(plan, parameters, code)).dataSync();
    for (const [i, value] of x.dataSync().entries()) squares += (value - (back[i] ?? 0)) ** 2;
    for (const value of code.dataSync()) if (Math.abs(value) < 0.01) inactive++;
    codes += code.size;
    values += x.size;
  }
  return {
    pictures: pictures.size,
    error: error / pictures.size,
    squaredError: squares / values,
    inactive: inactive / codes,
  };
}

/** An autoencoder, its data and its recipe as a task. */
export class AutoencoderTask extends PictureTask<AutoencoderRecipe> {
  readonly model: AutoencoderModel;
  readonly groups: readonly ParameterGroup[];

  /** @throws UsageError as `PictureTask` */
  constructor(
    model: AutoencoderModel,
    recipe: AutoencoderRecipe,
    dataset: Pick<LabelledDataset, 'splits'>,
  ) {
    super(recipe, dataset, model.plan.config);
    this.model = model;
    this.groups = [{ name: 'network', parameters: model.parameters, share: 1 }];
  }

  protected async *step(indices: Int32Array, epoch: number): ReturnType<Step> {
    const { plan, parameters } = this.model;
    const { x } = this.train.batch(indices, epoch);
    // From 1 on: epoch 0 is what is measured on.
    const seen = withNoise(x, this.recipe, indices, epoch + 1);
    const { value, gradients } = valueAndGradients(
      (p) => autoencoderLoss(plan, p, x, seen, this.recipe.sparsity),
      parameters,
    );
    yield { network: gradients };
    const count = indices.length;
    return { loss: { total: value.item() * count, count } };
  }

  async measure(): Promise<Measures> {
    const { error, squaredError, inactive } = measureReturn(this.model, this.dev, this.recipe);
    return { loss: error, squaredError, inactive };
  }
}
