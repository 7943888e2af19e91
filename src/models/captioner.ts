import { valueAndGradients } from '../autograd/tape.js';
import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { affine, affineForward, temporalAffine } from '../layers/affine.js';
import { dropout } from '../layers/dropout.js';
import { wordEmbedding, wordEmbeddingForward } from '../layers/embedding.js';
import { layerNorm } from '../layers/layer-norm.js';
import { lstm, lstmStepForward } from '../layers/lstm.js';
import { rnn, rnnStepForward } from '../layers/rnn.js';
import { temporalSoftmaxLoss } from '../layers/softmax.js';
import { Random } from '../random.js';
import { argmaxRows } from '../tensor/arithmetic.js';
import { randomNormal, tensor, zeros } from '../tensor/create.js';
import { dimensions } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { teacherForcing } from './teacher-forcing.js';
import {
  initialVision,
  see,
  type VisionConfig,
  type VisionParameters,
  visionFeatureSize,
} from './vision.js';

/** The recurrent cells that a captioner can be built of. */
export const cells = ['rnn', 'lstm'] as const;
export type Cell = (typeof cells)[number];

type FullConfig = Required<CaptionerConfig>;

/** What a captioner is made of; enough to build it anew. */
export interface CaptionerConfig {
  cell: Cell;
  /** D: length of an image's feature vector. */
  featureSize: number;
  /** Makes the features from pixels, trained with the rest; without it, features come in. */
  vision?: VisionConfig | undefined;
  /**
   * Bring each image's features to mean 0 and variance 1 first (default false, as in the lecture).
   * Encoders differ in scale by orders of magnitude, and large features saturate the cell.
   */
  normaliseFeatures?: boolean;
  /** W: length of a word's vector. */
  embeddingSize: number;
  /** H: length of the hidden state. */
  hiddenSize: number;
  /** V: number of words, special ones included. */
  vocabularySize: number;
  /** Share of word vectors' and hidden states' values dropped in training (default 0). */
  dropout?: number;
  /** Indices of the special words (default 0, 1, 2). */
  nullWord?: number;
  startWord?: number;
  endWord?: number;
}

/** An affine map's weights W and bias b. */
interface Affine extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/** The captioner's parameters, in the order in which data meets them. */
export interface CaptionerParameters {
  readonly [name: string]: TensorTree;
  /** Filters, when the captioner sees by itself; empty when features come in. */
  readonly vision: VisionParameters;
  /** (D, H), (H): features to the first hidden state. */
  readonly projection: Affine;
  /** (V, W). */
  readonly embedding: { readonly W: Tensor };
  /** (W, G), (H, G), (G); G is H for an RNN and 4H for an LSTM. */
  readonly cell: { readonly Wx: Tensor; readonly Wh: Tensor; readonly b: Tensor };
  /** (H, V), (V): hidden state to scores. */
  readonly vocabulary: Affine;
}

/** How the loss is computed; the last two as `temporalSoftmaxLoss` takes them. */
export interface ForwardOptions {
  /** With dropout (default false). */
  readonly training?: boolean;
  readonly labelSmoothing?: number;
  /** (N): a weight for each caption. */
  readonly weights?: Tensor | undefined;
}

/** What the recurrent cell carries from word to word; c is there for an LSTM. */
export interface CellState {
  readonly h: Tensor;
  readonly c: Tensor | undefined;
}

/**
 * The recurrent captioner of the CS231n lectures: the image's features become the first hidden
 * state, words are embedded, a recurrent cell reads them, and every hidden state scores the next
 * word.
 *
 *     h0 = features Wp + bp;   h = cell(embedding[words], h0);   scores = h Wv + bv
 *
 * With `vision`, features come from a network that is trained along, the first state is normalised
 * so that it cannot saturate the gates, and it is the LSTM's first memory too: through the gates
 * of an untrained cell hardly a gradient would find its way back to the filters.
 *
 *     h0 = c0 = layerNorm(see(pictures) Wp + bp)
 *
 * Source: CS231n, assignment 3; Vinyals et al. 2015 feed the image as a word instead; Xu et al.
 * 2015 set c0 by the image as well.
 */
export class Captioner {
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
  /** Draws the dropout masks; a checkpoint saves its state. */
  readonly random: Random;

  /**
   * @param options.parameters use these instead of fresh ones (restoring a checkpoint).
   * @param options.random source of the initial weights and of dropout masks.
   * @throws UsageError for a size that is no positive integer, or an unknown cell.
   */
  constructor(
    config: CaptionerConfig,
    options: { random?: Random; dtype?: FloatDType; parameters?: CaptionerParameters } = {},
  ) {
    this.config = {
      dropout: 0,
      nullWord: 0,
      startWord: 1,
      endWord: 2,
      vision: undefined,
      normaliseFeatures: false,
      ...config,
    };
    check(this.config);
    this.random = options.random ?? new Random(0);
    this.parameters =
      options.parameters ?? initialParameters(this.config, this.random, options.dtype ?? 'f32');
  }

  /**
   * Loss and gradients of a batch under teacher forcing: at every step the true previous word goes
   * in, and the true next word should come out.
   *
   * features (N, D), or pictures (N, 3, S, S) with `vision`; captions (N, T + 1) i32, `<START>`
   * first, padded with `<NULL>`, which counts neither in the loss nor in the gradient. The loss is
   * summed over time and averaged over N. Belongs to the scope around the call.
   */
  loss(
    features: Tensor,
    captions: Tensor,
    options: Omit<ForwardOptions, 'training'> = {},
  ): { loss: Tensor; gradients: CaptionerParameters } {
    const { value, gradients } = valueAndGradients(
      (parameters) => this.forward(parameters, features, captions, { ...options, training: true }),
      this.parameters,
    );
    return { loss: value, gradients };
  }

  /**
   * The loss as a function of the parameters, made of ops: for `valueAndGradients`, and as it is
   * for evaluation. Dropout only with `training`.
   */
  forward(
    parameters: CaptionerParameters,
    features: Tensor,
    captions: Tensor,
    { training = false, labelSmoothing, weights }: ForwardOptions = {},
  ): Tensor {
    const { embedding, cell, vocabulary } = parameters;
    const { input, target, mask } = teacherForcing(captions, this.config.nullWord);
    const drop = (x: Tensor) => (training ? this.#drop(x) : x);

    const { h: h0, c: c0 } = this.#firstState(parameters, features);
    const { N } = dimensions('captioner', {
      h0: [h0, 'N', 'H'],
      captions: [captions, 'N', 'T'],
    });
    const words = drop(wordEmbedding(input, embedding.W));
    const timeMajor = { timeMajor: true };
    const h =
      this.config.cell === 'lstm'
        ? lstm(words, h0, cell.Wx, cell.Wh, cell.b, c0, timeMajor).h
        : rnn(words, h0, cell.Wx, cell.Wh, cell.b, timeMajor);
    const scores = temporalAffine(drop(h), vocabulary.W, vocabulary.b);
    return temporalSoftmaxLoss(scores, target, mask, { batchSize: N, labelSmoothing, weights });
  }

  /**
   * The model's own words: starting from `<START>`, the best-scored word is fed back in until
   * `<END>` or `maxLength` words. Greedy; one list of word indices for each image, without the
   * special words at its ends. `<NULL>` and `<START>` are never said, nor are the words in `avoid`
   * (such as `<UNK>`).
   */
  async sample(
    features: Tensor,
    { maxLength = 30, avoid = [] }: { maxLength?: number; avoid?: readonly number[] } = {},
  ): Promise<number[][]> {
    const [N = 0] = features.shape;
    const { nullWord, startWord, endWord } = this.config;
    const captions: number[][] = Array.from({ length: N }, () => []);
    const open = new Set(captions.keys());
    using outer = scope();
    const bias = this.#biasWithout([nullWord, startWord, ...avoid]);
    let state = this.start(features);
    let words: ArrayLike<number> = new Int32Array(N).fill(startWord);
    for (let t = 0; t < maxLength && open.size > 0; t++) {
      using step = scope();
      const next = this.step(state, words, bias);
      words = argmaxRows(next.scores).dataSync();
      for (const n of open) {
        const word = words[n] ?? endWord;
        if (word === endWord) open.delete(n);
        else captions[n]?.push(word);
      }
      release(outer, state);
      state = keepState(step, next.state);
    }
    return captions;
  }

  /** The state before the first word: h0 from features (N, D), c0 = 0; from pictures, c0 = h0. */
  start(features: Tensor): CellState {
    const { h, c } = this.#firstState(this.parameters, features);
    if (this.config.cell === 'rnn') return { h, c: undefined };
    return { h, c: c ? c.clone() : zeros(h.shape, h.dtype) };
  }

  /**
   * One word in, scores (N, V) for the next one out. No dropout, nothing recorded.
   * @param bias of the scores, (V), in place of the model's own.
   */
  step(
    state: CellState,
    words: ArrayLike<number>,
    bias: Tensor = this.parameters.vocabulary.b,
  ): { scores: Tensor; state: CellState } {
    const { embedding, cell, vocabulary } = this.parameters;
    const x = wordEmbeddingForward(
      tensor(words, { shape: [words.length], dtype: 'i32' }),
      embedding.W,
    ).out;
    const next = this.#advance(x, state, cell);
    return { scores: affineForward(next.h, vocabulary.W, bias).out, state: next };
  }

  #advance(x: Tensor, { h, c }: CellState, { Wx, Wh, b }: CaptionerParameters['cell']): CellState {
    if (!c) return { h: rnnStepForward(x, h, Wx, Wh, b).nextH, c: undefined };
    const { nextH, nextC } = lstmStepForward(x, h, c, Wx, Wh, b);
    return { h: nextH, c: nextC };
  }

  #firstState({ vision, projection }: CaptionerParameters, features: Tensor): CellState {
    const { config } = this;
    if (config.vision) {
      const seen = affine(see(vision, features), projection.W, projection.b);
      const state = layerNorm(seen);
      return { h: state, c: state };
    }
    const even = config.normaliseFeatures ? layerNorm(features) : features;
    return { h: affine(even, projection.W, projection.b), c: undefined };
  }

  /** The scores' bias with some words out of reach: no kernel needs to know about them. */
  #biasWithout(words: readonly number[]): Tensor {
    const bias = this.parameters.vocabulary.b.clone();
    for (const word of words) {
      if (word < this.config.vocabularySize) bias.slice(word, word + 1).fill(-1e30);
    }
    return bias;
  }

  #drop(x: Tensor): Tensor {
    const rate = this.config.dropout;
    return rate > 0 ? dropout(x, { rate, seed: this.random.uint32() }) : x;
  }
}

function keepState(from: ReturnType<typeof scope>, state: CellState): CellState {
  from.keep(state.c ? [state.h, state.c] : [state.h]);
  return state;
}

function release(owner: ReturnType<typeof scope>, { h, c }: CellState): void {
  owner.release(c ? [h, c] : [h]);
}

/**
 * Initial values: weights normal with variance 1 / inputs (so that activations keep their scale),
 * word vectors small, biases 0 except the LSTM's forget gate at 1 (Jozefowicz et al. 2015: it
 * should remember at first). Small output weights make the first loss the log of the vocabulary.
 *
 * A captioner that sees by itself learns the language first and the filters only through it: with
 * word vectors of variance 1 and a memory that hardly forgets, that takes fewer steps.
 */
function initialParameters(
  { cell, vision, featureSize: D, embeddingSize: W, hiddenSize: H, vocabularySize: V }: FullConfig,
  random: Random,
  dtype: FloatDType,
): CaptionerParameters {
  const weights = (inputs: number, outputs: number, gain = 1) =>
    randomNormal(random, [inputs, outputs], gain / Math.sqrt(inputs), dtype);
  const G = cell === 'lstm' ? 4 * H : H;
  const b = zeros([G], dtype);
  const [wordScale, forgetBias] = vision ? [1, 3] : [0.1, 1];
  if (cell === 'lstm') b.slice(H, 2 * H).fill(forgetBias);
  return {
    vision: vision ? initialVision(vision, random, dtype) : {},
    projection: { W: weights(D, H), b: zeros([H], dtype) },
    embedding: { W: randomNormal(random, [V, W], wordScale, dtype) },
    cell: { Wx: weights(W, G), Wh: weights(H, G), b },
    vocabulary: { W: weights(H, V, 0.3), b: zeros([V], dtype) },
  };
}

function check(config: FullConfig): void {
  if (!cells.includes(config.cell)) {
    throw new UsageError(`cell must be one of ${cells.join(', ')}, not ${config.cell}`);
  }
  for (const name of ['featureSize', 'embeddingSize', 'hiddenSize', 'vocabularySize'] as const) {
    if (!Number.isInteger(config[name]) || config[name] < 1) {
      throw new UsageError(`${name} must be a positive integer, not ${config[name]}`);
    }
  }
  if (config.vision && visionFeatureSize(config.vision) !== config.featureSize) {
    throw new UsageError(
      `the vision network makes ${visionFeatureSize(config.vision)} features but featureSize is ${config.featureSize}`,
    );
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) {
    throw new UsageError(`dropout must lie in [0, 1), not ${config.dropout}`);
  }
}
