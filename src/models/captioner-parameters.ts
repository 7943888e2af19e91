/** The captioner's parameters: their shapes and their first values. */
import type { TensorTree } from '../autograd/tree.js';
import { elementCount } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { attentionShapes, contextSize } from './attention.js';
import type { WordsConfig } from './captioner-config.js';
import { type CnnParameters, cnnShapes } from './cnn.js';
import { constant, given, normal, Parameter, type ShapesOf } from './parameters.js';
import type { StackParameters } from './stack.js';

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
  readonly [name: string]: TensorTree | undefined;
  /** Filters, when the captioner sees pictures itself; empty when features come in. */
  readonly cnn: CnnParameters;
  /**
   * With attention: W (D, E), b (E), the features of a place to its value, and with `positions`
   * P (L, E), what each place adds; otherwise empty.
   */
  readonly values: TensorTree;
  /**
   * W (D, H), b (H): features to the first hidden state, or of each frame to what the reader sees; with
   * attention (E, H), or empty when that state is zero.
   */
  readonly projection: TensorTree;
  /** With attention and an LSTM: W (E, H), b (H), to the first memory; otherwise empty. */
  readonly memory: TensorTree;
  /** (V, W). */
  readonly embedding: { readonly W: Tensor };
  /** What the kind of attention needs; empty without. */
  readonly attention: TensorTree;
  /**
   * With `context` to the output: Wh (H, H), Wc (C, H), b (H), hidden state and context to the output
   * state; otherwise empty.
   */
  readonly output: TensorTree;
  /** The layer that reads the frames of a clip, of a captioner that has such: see `readClips`. */
  readonly reader?: CellParameters;
  /**
   * The first layer; with attention Wz (C, G) as well, unless its context goes to the output. With a reader
   * Wx is (W + H, G): rows for a word, then for what the reader gives.
   */
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
  /** The end of the encoder, where that is trained along: see `EncoderTail`. */
  readonly encoder?: StackParameters;
}

/** G / H. */
export const gatesOf = { rnn: 1, lstm: 4, gru: 3 } as const;

/**
 * Shapes and initial values: weights normal with variance 1 / inputs (so that activations keep their scale),
 * word vectors small, biases 0 except the LSTM's forget gate at 1 (Jozefowicz et al. 2015: it
 * should remember at first). Small output weights make the first loss the log of the vocabulary.
 *
 * A captioner that sees pictures itself learns the language first and the filters only through it: with
 * word vectors of variance 1 and a memory that hardly forgets, that takes fewer steps.
 * @param options.reader with a layer that reads the frames of clips.
 */
export function captionerShapes(
  config: WordsConfig,
  { reader = false }: { readonly reader?: boolean } = {},
): ShapesOf<CaptionerParameters> {
  const { cell, cnn, attention, layers, tiedEmbeddings: tied } = config;
  const { featureSize: D, embeddingSize: W, hiddenSize: H, vocabularySize: V } = config;
  const weights = (inputs: number, outputs: number, gain = 1) =>
    normal([inputs, outputs], gain / Math.sqrt(inputs));
  const affine = (inputs: number, outputs: number, gain = 1): ShapesOf<Affine> => ({
    W: weights(inputs, outputs, gain),
    b: constant([outputs]),
  });
  const G = gatesOf[cell] * H;
  const forgetBias = cnn && !attention ? 3 : 1;
  const recurrent = (inputs: number) => ({
    Wx: weights(inputs, G),
    Wh: weights(H, G),
    b: cell === 'lstm' ? forgetful(H, forgetBias) : constant([G]),
    ...(cell === 'gru' && { bh: constant([H]) }),
  });
  const each = <T>(first: number, make: () => T) =>
    Object.fromEntries(
      Array.from({ length: layers - first + 1 }, (_, index) => [`layer${first + index}`, make()]),
    );
  const E = attention?.valueSize ?? D;
  const startsAtZero = attention?.initialState === 'zero';
  // The scores of tied words are products of vectors of length W: their scale makes the first loss.
  const wordScale = tied ? 1 / Math.sqrt(W) : cnn ? 1 : 0.1;
  return {
    cnn: cnn ? cnnShapes(cnn) : {},
    values: {
      // Relu follows: He et al. 2015.
      ...(attention && affine(D, E, Math.SQRT2)),
      ...(attention?.positions && { P: waves(attention.locations, E) }),
    },
    projection: startsAtZero ? {} : affine(E, H),
    memory: attention && !startsAtZero && cell === 'lstm' ? affine(E, H) : {},
    embedding: { W: normal([V, W], wordScale) },
    attention: attention ? attentionShapes(attention, H) : {},
    output:
      attention?.context === 'output'
        ? { Wh: weights(H, H), Wc: weights(contextSize(attention), H), b: constant([H]) }
        : {},
    ...(reader && { reader: recurrent(H) }),
    cell: {
      ...recurrent(reader ? W + H : W),
      ...(attention &&
        attention.context !== 'output' && { Wz: weights(contextSize(attention), G) }),
    },
    layers: each(2, () => recurrent(H)),
    norms: config.layerNorm ? each(1, () => ({ gain: constant([H], 1), bias: constant([H]) })) : {},
    vocabulary: tied ? { W: weights(H, W), b: constant([V]) } : affine(H, V, 0.3),
  };
}

/** The bias of an LSTM's gates (4H), i f o g: zeros but for the forget gate's. */
export function forgetful(H: number, value: number): Parameter {
  return given([4 * H], () =>
    Float64Array.from({ length: 4 * H }, (_, i) => (i >= H && i < 2 * H ? value : 0)),
  );
}

/**
 * Vectors of the places of a grid, (L, E), that are alike where places are near: each component is a wave
 * over the picture, or over time as well, of variance 1, with a random direction, length and phase.
 *
 * Source: random Fourier features, Tancik et al. 2020, section 4.
 */
function waves(locations: readonly number[], E: number): Parameter {
  const L = elementCount(locations);
  /** Columns, rows, and frames where there are some: how many, and how far apart neighbours are numbered. */
  const axes = locations
    .map((extent, axis) => ({ extent, step: elementCount(locations.slice(axis + 1)) }))
    .reverse();
  return new Parameter([L, E], (tensor, random) => {
    const values = new Float64Array(L * E);
    for (let e = 0; e < E; e++) {
      const direction = axes.map(() => random.normal());
      const phase = 2 * Math.PI * random.uniform();
      for (let place = 0; place < L; place++) {
        const along = axes.reduce((sum, { extent, step }, axis) => {
          const position = (2 * (Math.floor(place / step) % extent) + 1) / extent - 1;
          return sum + (direction[axis] ?? 0) * position;
        }, 0);
        values[place * E + e] = Math.SQRT2 * Math.sin((Math.PI / 2) * along + phase);
      }
    }
    tensor.assign(values);
  });
}
