/** The captioner: from images to words, as a loss to train by and step by step to decode. */
import { valueAndGradients } from '../autograd/tape.js';
import { greedyWords } from '../decoding/decode.js';
import { stepModel } from '../decoding/word-model.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { dropout } from '../layers/elementwise/dropout.js';
import { wordEmbedding } from '../layers/indexing/gather.js';
import { temporalSoftmaxLoss } from '../layers/losses/softmax.js';
import { Random } from '../random.js';
import { argmaxRows } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { recurWithAttention } from './attention.js';
import { type CaptionerConfig, type FullConfig, fullConfig } from './captioner-config.js';
import { addAttentionLosses, teacherForcing } from './captioner-losses.js';
import { type CaptionerParameters, captionerShapes } from './captioner-parameters.js';
import {
  type CaptionerState,
  type CaptionerStep,
  firstState,
  nextState,
  selectState,
} from './captioner-state.js';
import type { EncoderTail } from './encoders/squeezenet-tail.js';
import { encodedFeatures, imageState, imagesOf } from './image-state.js';
import { normalisedOutput, outputState, suppressWords, wordScores } from './output.js';
import { initialise } from './parameters.js';
import { attentionCell, recur } from './recurrent.js';

/** How a loss is computed. */
export interface LossOptions {
  /** Dropout, and places drawn at random by a hard attention. */
  readonly training?: boolean;
  /** Share of the target that is spread over all words (see `temporalSoftmaxLoss`; default 0). */
  readonly labelSmoothing?: number | undefined;
  /** (N): what each caption counts (default 1 each). */
  readonly weights?: Tensor | undefined;
  /** Which of the M images each of the N captions is about (default the n-th, for M = N). */
  readonly image?: ArrayLike<number> | undefined;
  /** As `captions`: words that go in instead; the captions' own are still the targets. */
  readonly fed?: Tensor | undefined;
  /** Draws dropout masks and the places of a hard attention, in training: see `randomAt`. */
  readonly random?: Random | undefined;
  /**
   * Of a hard attention: the mean log-probability of a word, with which its choices are compared (default
   * the batch's own). `loss` returns the next one.
   */
  readonly baseline?: number | undefined;
  /**
   * Words of probability 0; those of the others add up to 1 (default none). For captions of a decoder, which
   * never says these words. Not together with `labelSmoothing`, which spreads over all words.
   */
  readonly suppressed?: readonly number[] | undefined;
}

/**
 * The recurrent captioner of the CS231n lectures: the image's features become the first hidden
 * state, words are embedded, a recurrent cell reads them, and every hidden state scores the next
 * word.
 *
 *     h0 = features Wp + bp;   h = cell(embedding[words], h0);   scores = h Wv + bv
 *
 * With `attention` the image comes as a grid of features, and at every step the hidden state weighs its
 * places: their weighted mean, the context, goes into the cell with the word.
 *
 *     values = relu(grid We + be);   h0, c0 = tanh(mean(values) W + b);   h = cell([word, context], h)
 *
 * With `cnn`, features come from a small network that is trained along. The first state is normalised,
 * so that it cannot saturate the gates. It is the LSTM's first memory too: through the gates of an
 * untrained cell hardly any gradient would reach the filters.
 *
 *     h0 = c0 = layerNorm(cnnFeatures(pictures) Wp + bp)
 *
 * Source: CS231n, assignment 3; Vinyals et al. 2015 feed the image as a word instead; Xu et al.
 * 2015 for attention, and for c0 by the image.
 */
export class Captioner {
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
  /**
   * The end of an encoder that is trained along: `features` are then, everywhere, what goes into
   * this end. A model file has it as part of the encoder, and a captioner out of one has none.
   */
  readonly tail: EncoderTail | undefined;

  /**
   * @param options.parameters use these instead of fresh ones (restoring a checkpoint).
   * @param options.random source of the initial weights.
   * @throws UsageError as `fullConfig`, and for a tail where the captioner has a cnn of its own.
   */
  constructor(
    config: CaptionerConfig,
    options: {
      random?: Random;
      dtype?: FloatDType;
      parameters?: CaptionerParameters;
      tail?: EncoderTail | undefined;
    } = {},
  ) {
    this.config = fullConfig(config);
    const { tail } = options;
    if (tail && this.config.cnn) {
      throw new UsageError('a captioner that sees pictures itself has no encoder to train along');
    }
    const own =
      options.parameters ??
      initialise<CaptionerParameters>(
        captionerShapes(this.config),
        options.random ?? new Random(0),
        options.dtype,
      );
    this.parameters = tail ? { ...own, encoder: tail.parameters } : own;
    this.tail = tail;
  }

  /** The features of some images, (M, D) or a grid (M, L, D), where an encoder's end is trained along. */
  features(inputs: Tensor): Tensor {
    return encodedFeatures(this.tail, this.config, this.parameters, inputs);
  }

  /**
   * Loss and gradients of a batch under teacher forcing: at every step the true previous word goes
   * in, and the true next word should come out.
   *
   * features (M, D), with attention (M, L, D), with `cnn` pictures (M, 3, S, S); captions
   * (N, T + 1) i32, `<START>` first, padded with `<NULL>`, which counts neither in the loss nor in
   * the gradient. The loss is summed over time and averaged over N. Belongs to the scope around the
   * call.
   *
   * Nothing is changed, and all that is drawn comes from `random`. `baseline` is the one for the next step.
   *
   * `crossEntropy` is the words' part of the loss, without what an attention adds (penalty, reward):
   * the value of the reward does not tell how good the captioner is, only its gradient counts.
   * @throws UsageError when `random` is missing and dropout or a hard attention needs it
   */
  loss(
    features: Tensor,
    captions: Tensor,
    options: Omit<LossOptions, 'training'> = {},
  ): {
    loss: Tensor;
    crossEntropy: number;
    baseline: number | undefined;
    gradients: CaptionerParameters;
  } {
    let crossEntropy = Number.NaN;
    let baseline: number | undefined;
    const { value, gradients } = valueAndGradients((parameters) => {
      const training = { ...options, training: true };
      const losses = this.#losses(parameters, features, captions, training);
      crossEntropy = losses.words.item();
      baseline = losses.baseline;
      return losses.total;
    }, this.parameters);
    return { loss: value, crossEntropy, baseline, gradients };
  }

  /**
   * The loss as a function of the parameters, made of ops: for `valueAndGradients`, and as it is
   * for evaluation. What an attention adds to it (penalty, reward) only with `training`.
   */
  forward(
    parameters: CaptionerParameters,
    features: Tensor,
    captions: Tensor,
    options: LossOptions = {},
  ): Tensor {
    return this.#losses(parameters, features, captions, options).total;
  }

  /** The loss of the words, and with what an attention adds to it in training. */
  #losses(
    parameters: CaptionerParameters,
    features: Tensor,
    captions: Tensor,
    options: LossOptions,
  ): { words: Tensor; total: Tensor; baseline: number | undefined } {
    const { training = false, labelSmoothing = 0, weights, fed = captions } = options;
    if (options.suppressed && labelSmoothing > 0) {
      throw new UsageError('labelSmoothing spreads over all words, but some are suppressed');
    }
    const { input, target, mask } = teacherForcing(captions, this.config.nullWord, fed);
    const [N = 0] = captions.shape;
    const { scores, attended, uniform } = this.#scores(parameters, features, input, options);
    const words = temporalSoftmaxLoss(scores, target, mask, {
      batchSize: N,
      labelSmoothing,
      ...(weights && { weights }),
    });
    const { attention } = this.config;
    if (!training || !attention || !attended) {
      return { words, total: words, baseline: options.baseline };
    }
    const forced = { scores, target, mask, attention: attended, uniform };
    return { words, ...addAttentionLosses(words, attention, forced, options.baseline) };
  }

  /**
   * The likeliest next word at every step under teacher forcing, without dropout: (N T) row-major,
   * for captions (N, T + 1). Features and image as `loss` takes them.
   */
  predict(
    features: Tensor,
    captions: Tensor,
    options: Pick<LossOptions, 'image'> = {},
  ): Int32Array {
    using _work = scope();
    const { input } = teacherForcing(captions, this.config.nullWord);
    const [T = 0, N = 0] = input.shape;
    const { scores } = this.#scores(this.parameters, features, input, options);
    const best = argmaxRows(scores.view(T * N, this.config.vocabularySize)).dataSync();
    return Int32Array.from({ length: N * T }, (_, i) => best[(i % T) * N + Math.floor(i / T)] ?? 0);
  }

  /**
   * The model's own words: starting from `<START>`, the best-scored word is fed back in until
   * `<END>` or `maxLength` words. Greedy; one list of word indices for each image, without the
   * special words at its ends. `<NULL>`, `<START>` and the words in `avoid` (such as `<UNK>`) never come.
   */
  async sample(
    features: Tensor,
    { maxLength = 30, avoid = [] }: { maxLength?: number; avoid?: readonly number[] } = {},
  ): Promise<number[][]> {
    const model = stepModel(this);
    return greedyWords(model, features, { never: [...model.suppressed, ...avoid], maxLength });
  }

  /** The state before the first word, a row for each image; features as `loss` takes them. */
  start(features: Tensor): CaptionerState {
    return firstState(this, this.features(features));
  }

  /**
   * One word in, scores (N, V) for the next one out, and with attention its weights (N, L). No dropout,
   * nothing recorded.
   * @param bias of the scores, (V), in place of the model's own.
   */
  step(
    state: CaptionerState,
    words: ArrayLike<number>,
    bias: Tensor = this.parameters.vocabulary.b,
  ): CaptionerStep {
    return nextState(this, state, words, bias);
  }

  /** The state of these rows, in this order; a row may come more than once. The grid is shared. */
  select(state: CaptionerState, rows: ArrayLike<number>): CaptionerState {
    return selectState(state, rows);
  }

  /** Scores (T, N, V) of the next words under teacher forcing, and the attention for them. */
  #scores(
    parameters: CaptionerParameters,
    features: Tensor,
    input: Tensor,
    { training = false, image, suppressed = [], random }: LossOptions,
  ): { scores: Tensor; attended: Tensor | undefined; uniform: Float64Array | undefined } {
    const { cell, attention, hiddenSize, dropout: rate } = this.config;
    const draw = () => {
      if (random) return random;
      throw new UsageError(
        'dropout and hard attention draw in training: give the option random, such as randomAt(seed, "loss", epoch, batch), or a dropout of 0',
      );
    };
    const dropped = (x: Tensor, locked: boolean) =>
      training && rate > 0 ? dropout(x, { rate, seed: draw().uint32(), locked }) : x;
    const drop = (x: Tensor) => dropped(x, this.config.dropoutKind === 'variational');
    const dropValues = (x: Tensor) => dropped(x, false);
    const encoded = encodedFeatures(this.tail, this.config, parameters, features);
    const { h: h0, c: c0, values } = imageState(this.config, parameters, encoded, dropValues);
    const [T = 0, N = 0] = input.shape;
    const about = imagesOf(image, h0, N);
    const ofRows = (x: Tensor) => (image ? wordEmbedding(about, x) : x);
    const x = drop(wordEmbedding(input, parameters.embedding.W));
    const [h, c] = [ofRows(h0), c0 && ofRows(c0)];
    let attended: Tensor | undefined;
    let uniform: Float64Array | undefined;
    let out: Tensor;
    if (attention && values) {
      if (training && attention.kind === 'hard') {
        const source = draw();
        uniform = Float64Array.from({ length: T * N }, () => source.uniform());
      }
      const weights = { cell: attentionCell(parameters), attention: parameters.attention };
      const inputs = { x, values, image: about, h, c, ...weights };
      const layer = recurWithAttention(attention, cell, inputs, uniform);
      out = outputState(parameters, layer.h, layer.context);
      attended = layer.attention;
    } else {
      out = recur(cell, x, h, c, parameters.cell);
    }
    out = normalisedOutput(parameters, 'layer1', out);
    for (const [name, weights] of Object.entries(parameters.layers)) {
      const nothing = zeros([N, hiddenSize], out.dtype);
      out = normalisedOutput(parameters, name, recur(cell, drop(out), nothing, undefined, weights));
    }
    const bias = suppressWords(parameters.vocabulary.b, suppressed);
    const scores = wordScores(this.config, parameters, drop(out), bias);
    return { scores, attended, uniform };
  }
}
