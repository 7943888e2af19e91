/** The output side of a captioner: from hidden states to the scores of words. */

import { temporalAffine, tiedScores } from '../layers/dense.js';
import { tanh } from '../layers/elementwise/activations.js';
import { add } from '../layers/elementwise/arithmetic.js';
import { scaledLayerNorm } from '../layers/normalisation/layer-norm.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import type { WordsConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { named } from './parameters.js';

/**
 * The output state (T, N, H) of hidden state h (T, N, H) and context (T, N, C), when the context goes
 * to the output: tanh(h Wh + context Wc + b). Otherwise the cell has taken the context in, and it is h.
 *
 * Source: Luong, Pham and Manning 2015, equation 5.
 */
export function outputState({ output }: CaptionerParameters, h: Tensor, context: Tensor): Tensor {
  if (!('Wc' in output)) return h;
  const { Wh, Wc, b } = named(output, 'Wh', 'Wc', 'b');
  const projected = temporalAffine(context, Wc, zeros(b.shape, b.dtype));
  return tanh(add(temporalAffine(h, Wh, b), projected));
}

/** The output h of a layer, normalised where the captioner has `layerNorm`. */
export function normalisedOutput({ norms }: CaptionerParameters, layer: string, h: Tensor): Tensor {
  const norm = norms[layer];
  if (!norm) return h;
  const { gain, bias } = named(norm, 'gain', 'bias');
  return scaledLayerNorm(h, gain, bias);
}

/**
 * Output states (T, N, H) to scores of the words (T, N, V).
 * @param bias (V), in place of the model's own.
 */
export function wordScores(
  { tiedEmbeddings, embeddingSize }: WordsConfig,
  { vocabulary, embedding }: CaptionerParameters,
  h: Tensor,
  bias: Tensor = vocabulary.b,
): Tensor {
  const { W } = vocabulary;
  if (!tiedEmbeddings) return temporalAffine(h, W, bias);
  const nothing = zeros([embeddingSize], h.dtype);
  return tiedScores(temporalAffine(h, W, nothing), embedding.W, bias);
}

/**
 * A bias of scores (V) that gives some words the probability 0, without a kernel for it. An op: the
 * gradient of the other words reaches `bias`.
 */
export function suppressWords(bias: Tensor, words: readonly number[]): Tensor {
  if (words.length === 0) return bias;
  const distance = zeros(bias.shape, bias.dtype);
  for (const word of words) {
    if (word < bias.size) distance.slice(word, word + 1).fill(-1e30);
  }
  return add(bias, distance);
}
