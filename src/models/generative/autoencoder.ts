/** The autoencoder: a picture goes through a few numbers and comes back; plain, denoising or sparse. */
import { z } from 'zod';
import { firstIssue } from '../../data/formats/schema-errors.js';
import { binarisations } from '../../data/labels/binarised-pictures.js';
import { UsageError } from '../../errors.js';
import { relu, sigmoid } from '../../layers/elementwise/activations.js';
import { add, subtract } from '../../layers/elementwise/arithmetic.js';
import { abs, scale, square } from '../../layers/elementwise/functions.js';
import { sum } from '../../layers/indexing/reductions.js';
import { bernoulliLogLikelihood } from '../../layers/losses/likelihoods.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ShapesOf } from '../parameters.js';
import {
  type Coder,
  coderSchema,
  decodePictures,
  decoderShapes,
  encodePictures,
  encoderShapes,
  type LayersParameters,
  planCoder,
} from './coder.js';

/** What follows the code. */
const codeActivations = {
  none: (code: Tensor) => code,
  relu: (code: Tensor) => relu(code),
  sigmoid: (code: Tensor) => sigmoid(code),
};

/** What an autoencoder is, as a model file holds it. */
export const autoencoderSchema = coderSchema.omit({ classes: true }).extend({
  code: z
    .enum(['none', 'relu', 'sigmoid'])
    .default('none')
    .meta({ flag: '--code <activation>', help: 'what follows the code: relu lets values be 0' }),
  error: z
    .enum(['squared', 'cross-entropy'])
    .default('squared')
    .meta({ flag: '--error <kind>', help: 'of pixels: squared, or of their chance to be white' }),
  binarise: z.enum(binarisations).default('none').meta({
    flag: '--binarise <how>',
    help: 'pixels to 0 and 1: from half of white on, drawn once or in each epoch',
  }),
});
export type AutoencoderConfig = z.output<typeof autoencoderSchema>;
export type AutoencoderOptions = z.input<typeof autoencoderSchema>;

/** A configuration with every field. @throws UsageError naming the field that is wrong */
export function fullAutoencoder(options: AutoencoderOptions): AutoencoderConfig {
  const result = autoencoderSchema.safeParse(options);
  if (result.success) return result.data;
  throw new UsageError(`autoencoder: ${firstIssue(result.error, options)}`);
}

/** An autoencoder's parameters. */
export type AutoencoderParameters = {
  readonly encoder: LayersParameters;
  readonly decoder: LayersParameters;
};

/** An autoencoder with all its shapes known. */
export interface AutoencoderPlan {
  readonly config: AutoencoderConfig;
  readonly coder: Coder;
}

export function planAutoencoder(config: AutoencoderConfig): AutoencoderPlan {
  return { config, coder: planCoder({ ...config, classes: 0 }, config.latent) };
}

/** Fresh parameters. */
export function autoencoderShapes({ coder }: AutoencoderPlan): ShapesOf<AutoencoderParameters> {
  return { encoder: encoderShapes(coder), decoder: decoderShapes(coder) };
}

/** The codes (N, latent) of pictures x (N, C, H, W). */
export function autoencode(
  { config, coder }: AutoencoderPlan,
  { encoder }: Pick<AutoencoderParameters, 'encoder'>,
  x: Tensor,
): Tensor {
  return codeActivations[config.code](encodePictures(coder, encoder, x));
}

/** Scores (N, C, H, W) of pixels of codes: what comes back, or with cross-entropy its logits. */
export function autodecode(
  { coder }: AutoencoderPlan,
  { decoder }: Pick<AutoencoderParameters, 'decoder'>,
  code: Tensor,
): Tensor {
  return decodePictures(coder, decoder, code);
}

/** The pictures that scores stand for. */
export function autodecoded({ config }: AutoencoderPlan, scores: Tensor): Tensor {
  return config.error === 'squared' ? scores : sigmoid(scores);
}

/**
 * What training makes small, the mean over the batch of sums over pixels and values of the code:
 *
 *     loss = 1/N Σ_n error(x, back) + sparsity Σ_j |code_j|
 *
 * @param seen (N, C, H, W) what the encoder is given: x, or x with noise.
 */
export function autoencoderLoss(
  plan: AutoencoderPlan,
  parameters: AutoencoderParameters,
  x: Tensor,
  seen: Tensor,
  sparsity = 0,
): Tensor {
  const [N = 1] = x.shape;
  const code = autoencode(plan, parameters, seen);
  const scores = autodecode(plan, parameters, code);
  const error =
    plan.config.error === 'squared'
      ? sum(square(subtract(scores, x)))
      : scale(sum(bernoulliLogLikelihood(scores, x)), -1);
  const loss = sparsity > 0 ? add(error, scale(sum(abs(code)), sparsity)) : error;
  return scale(loss, 1 / N);
}
