import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import type { Random } from '../random.js';
import { full, randomNormal, zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { contextSize, initialLook } from './attending.js';
import type { FullConfig } from './captioner-config.js';
import { initialVision, type VisionParameters } from './vision.js';

/** An affine map's weights W and bias b. */
export interface Affine extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** (W, G), (H, G), (G); G is H for an RNN, 4H for an LSTM, and 3H for a GRU, which has bh (H) too. */
export interface CellParameters extends TensorTree {
  readonly Wx: Tensor;
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor;
}

/** The captioner's parameters, in the order in which data meets them. */
export interface CaptionerParameters {
  readonly [name: string]: TensorTree;
  /** Filters, when the captioner sees by itself; empty when features come in. */
  readonly vision: VisionParameters;
  /** With attention: W (D, E), b (E), the features of a place to its value; otherwise empty. */
  readonly values: TensorTree;
  /** (D, H), (H): features to the first hidden state; with attention (E, H). */
  readonly projection: Affine;
  /** With attention and an LSTM: W (E, H), b (H), to the first memory; otherwise empty. */
  readonly memory: TensorTree;
  /** (V, W). */
  readonly embedding: { readonly W: Tensor };
  /** What the kind of attention needs; empty without. */
  readonly attention: TensorTree;
  /** The first layer; with attention Wz (C, G) as well, C being E or the k² E of a glimpse. */
  readonly cell: CellParameters;
  /** The other layers, `layer2` and so on. */
  readonly layers: { readonly [layer: string]: CellParameters };
  /** With `layerNorm`: gain (H) and bias (H) of `layer1` and so on. */
  readonly norms: { readonly [layer: string]: TensorTree };
  /**
   * (H, V), (V): hidden state to scores. With tied embeddings W is (H, W), to a vector that is
   * compared with those of the words.
   */
  readonly vocabulary: Affine;
}

/** G / H. */
export const gatesOf = { rnn: 1, lstm: 4, gru: 3 } as const;

/**
 * Initial values: weights normal with variance 1 / inputs (so that activations keep their scale),
 * word vectors small, biases 0 except the LSTM's forget gate at 1 (Jozefowicz et al. 2015: it
 * should remember at first). Small output weights make the first loss the log of the vocabulary.
 *
 * A captioner that sees by itself learns the language first and the filters only through it: with
 * word vectors of variance 1 and a memory that hardly forgets, that takes fewer steps.
 */
export function initialParameters(
  config: FullConfig,
  random: Random,
  dtype: FloatDType,
): CaptionerParameters {
  const { cell, vision, attention, layers } = config;
  const { featureSize: D, embeddingSize: W, hiddenSize: H, vocabularySize: V } = config;
  const weights = (inputs: number, outputs: number, gain = 1) =>
    randomNormal(random, [inputs, outputs], gain / Math.sqrt(inputs), dtype);
  const affine = (inputs: number, outputs: number, gain = 1): Affine => ({
    W: weights(inputs, outputs, gain),
    b: zeros([outputs], dtype),
  });
  const G = gatesOf[cell] * H;
  const forgetBias = vision && !attention ? 3 : 1;
  const recurrent = (inputs: number): CellParameters => {
    const b = zeros([G], dtype);
    if (cell === 'lstm') b.slice(H, 2 * H).fill(forgetBias);
    const parameters = { Wx: weights(inputs, G), Wh: weights(H, G), b };
    return cell === 'gru' ? { ...parameters, bh: zeros([H], dtype) } : parameters;
  };
  const each = <T>(first: number, make: () => T) =>
    Object.fromEntries(
      Array.from({ length: layers - first + 1 }, (_, index) => [`layer${first + index}`, make()]),
    );
  const E = attention?.valueSize ?? D;
  // Relu follows: He et al. 2015.
  const values = attention ? affine(D, E, Math.SQRT2) : {};
  const seen = vision ? initialVision(vision, random, dtype) : {};
  const projection = affine(E, H);
  const tied = config.tiedEmbeddings;
  // The scores of tied words are products of vectors of length W: their scale makes the first loss.
  const wordScale = tied ? 1 / Math.sqrt(W) : vision ? 1 : 0.1;
  const embedding = { W: randomNormal(random, [V, W], wordScale, dtype) };
  return {
    vision: seen,
    values,
    projection,
    memory: attention && cell === 'lstm' ? affine(E, H) : {},
    embedding,
    attention: attention ? initialLook(attention, H, random, dtype) : {},
    cell: attention ? { ...recurrent(W), Wz: weights(contextSize(attention), G) } : recurrent(W),
    layers: each(2, () => recurrent(H)),
    norms: config.layerNorm
      ? each(1, () => ({ gain: full([H], 1, dtype), bias: zeros([H], dtype) }))
      : {},
    vocabulary: tied ? { W: weights(H, W), b: zeros([V], dtype) } : affine(H, V, 0.3),
  };
}
