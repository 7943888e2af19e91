import type { TensorTree } from '../autograd/tree.js';
import { temporalAffine, tiedScores } from '../layers/dense.js';
import { tanh } from '../layers/elementwise/activations.js';
import { add } from '../layers/elementwise/arithmetic.js';
import { scaledLayerNorm } from '../layers/normalisation/layer-norm.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { named } from './attending.js';
import type { FullConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';

/**
 * What is said from the hidden state h (T, N, H) and what is seen (T, N, C), when the context goes
 * to the output: tanh(h Wh + context Wc + b). Otherwise the state knows what was seen, and is it.
 *
 * Source: Luong, Pham and Manning 2015, equation 5.
 */
export function toSay({ saying }: CaptionerParameters, h: Tensor, context: Tensor): Tensor {
  if (!('Wc' in saying)) return h;
  const { Wh, Wc, b } = named(saying, 'Wh', 'Wc', 'b');
  const seen = temporalAffine(context, Wc, zeros(b.shape, b.dtype));
  return tanh(add(temporalAffine(h, Wh, b), seen));
}

/**
 * The weights of a cell that looks. One whose context goes to the output takes none of it in: its Wz
 * is zero, and no parameter.
 */
export function attentionCell({ cell, saying }: CaptionerParameters): TensorTree & {
  readonly Wx: Tensor;
  readonly Wz: Tensor;
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor;
} {
  if (!('Wc' in saying)) return { ...cell, ...named(cell, 'Wz') };
  const { Wc } = named(saying, 'Wc');
  return { ...cell, Wz: zeros([Wc.shape[0] ?? 0, cell.b.size], cell.b.dtype) };
}

/** What a layer hands on: normalised, with `layerNorm`. */
export function normed({ norms }: CaptionerParameters, layer: string, h: Tensor): Tensor {
  const norm = norms[layer];
  if (!norm) return h;
  const { gain, bias } = named(norm, 'gain', 'bias');
  return scaledLayerNorm(h, gain, bias);
}

/**
 * What is said (T, N, H) to scores of the words (T, N, V).
 * @param bias (V), in place of the model's own.
 */
export function wordScores(
  { tiedEmbeddings, embeddingSize }: FullConfig,
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
 * A bias of scores (V) that puts some words out of reach: no kernel needs to know about them. An op:
 * the others' gradient goes on to `bias`.
 */
export function biasWithout(bias: Tensor, words: readonly number[]): Tensor {
  if (words.length === 0) return bias;
  const distance = zeros(bias.shape, bias.dtype);
  for (const word of words) {
    if (word < bias.size) distance.slice(word, word + 1).fill(-1e30);
  }
  return add(bias, distance);
}
