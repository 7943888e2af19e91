/** The losses of the two networks of a GAN, from the discriminator's scores of real and of made pictures. */
import { full } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu } from '../elementwise/activations.js';
import { add, subtract } from '../elementwise/arithmetic.js';
import { scale } from '../elementwise/functions.js';
import { mean } from '../indexing/reductions.js';
import { binaryCrossEntropy, meanSquaredError } from './pointwise.js';

/**
 * What each of the two minimises. Scores have any shape, one number for each picture or each patch of it,
 * before any sigmoid; there may be more real ones than made ones.
 */
export interface AdversarialLosses {
  /** Of scores D(x) of real pictures and D(G(z)) of made ones. */
  readonly discriminator: (real: Tensor, fake: Tensor) => Tensor;
  /** Of scores D(G(z)). */
  readonly generator: (fake: Tensor) => Tensor;
}

/**
 * Cross-entropy of telling real pictures (1) from made ones (0):
 *
 *     loss = -mean of log σ(real) - mean of log(1 - σ(fake))
 *
 * by the logits, so that no score overflows. Source: Goodfellow et al. 2014.
 * @throws ValueError when there are no scores.
 */
export function ganDiscriminatorLoss(real: Tensor, fake: Tensor): Tensor {
  return add(calledBy(binaryCrossEntropy, real, 1), calledBy(binaryCrossEntropy, fake, 0));
}

/**
 * The generator's loss that does not saturate: loss = -mean of log σ(fake). It has a gradient where the
 * discriminator is sure, as log(1 - σ(fake)) has not. Source: Goodfellow et al. 2014.
 * @throws ValueError when there are no scores.
 */
export function ganGeneratorLoss(fake: Tensor): Tensor {
  return calledBy(binaryCrossEntropy, fake, 1);
}

/**
 * Least squares: loss = 1/2 mean of (real - 1)² + 1/2 mean of fake². Source: Mao et al. 2017.
 * @throws ValueError when there are no scores.
 */
export function lsganDiscriminatorLoss(real: Tensor, fake: Tensor): Tensor {
  const both = add(calledBy(meanSquaredError, real, 1), calledBy(meanSquaredError, fake, 0));
  return scale(both, 0.5);
}

/** Least squares: loss = 1/2 mean of (fake - 1)². @throws ValueError when there are no scores. */
export function lsganGeneratorLoss(fake: Tensor): Tensor {
  return scale(calledBy(meanSquaredError, fake, 1), 0.5);
}

/**
 * The hinge: loss = mean of max(0, 1 - real) + mean of max(0, 1 + fake). What is told apart by a margin of
 * 1 costs nothing. Source: Lim and Ye 2017; Miyato et al. 2018.
 * @throws ValueError when there are no scores.
 */
export function hingeDiscriminatorLoss(real: Tensor, fake: Tensor): Tensor {
  return add(mean(relu(subtract(1, real))), mean(relu(add(fake, 1))));
}

/** The hinge's generator: loss = -mean of fake. @throws ValueError when there are no scores. */
export function hingeGeneratorLoss(fake: Tensor): Tensor {
  return scale(mean(fake), -1);
}

/**
 * Wasserstein's: loss = mean of fake - mean of real, of a critic that is held to a slope of about 1 by
 * `gradientPenalty` or `spectralNorm`. Minus the loss estimates the distance. Source: Arjovsky et al. 2017.
 * @throws ValueError when there are no scores.
 */
export function wassersteinDiscriminatorLoss(real: Tensor, fake: Tensor): Tensor {
  return subtract(mean(fake), mean(real));
}

/** Wasserstein's generator, the same as the hinge's: loss = -mean of fake. */
export const wassersteinGeneratorLoss = hingeGeneratorLoss;

/** The losses by name, as a configuration chooses them. */
export const adversarialLosses = {
  'non-saturating': { discriminator: ganDiscriminatorLoss, generator: ganGeneratorLoss },
  'least-squares': { discriminator: lsganDiscriminatorLoss, generator: lsganGeneratorLoss },
  hinge: { discriminator: hingeDiscriminatorLoss, generator: hingeGeneratorLoss },
  wasserstein: {
    discriminator: wassersteinDiscriminatorLoss,
    generator: wassersteinGeneratorLoss,
  },
} as const satisfies Readonly<Record<string, AdversarialLosses>>;

/** The loss of calling all scores one number. */
function calledBy(
  loss: (scores: Tensor, targets: Tensor) => Tensor,
  scores: Tensor,
  target: number,
): Tensor {
  return loss(scores, full(scores.shape, target, scores.float));
}
