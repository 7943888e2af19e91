/** A model that says sentences of what it sees: a loss to train by, and step by step to decode. */
import { valueAndGradients } from '../autograd/tape.js';
import { greedyWords } from '../decoding/decode.js';
import { stepModel } from '../decoding/word-model.js';
import { scope } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { temporalSoftmaxLoss } from '../layers/losses/softmax.js';
import type { Random } from '../random.js';
import { argmaxRows } from '../tensor/arithmetic.js';
import type { Tensor } from '../tensor/tensor.js';
import type { WordsConfig } from './captioner-config.js';
import { addAttentionLosses, teacherForcing } from './captioner-losses.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import {
  type Drop,
  drawFrom,
  dropFor,
  type ForcedScores,
  forcedScores,
  noDrop,
} from './captioner-scores.js';
import {
  type CaptionerState,
  type CaptionerStep,
  firstState,
  nextState,
  type Seen,
  selectState,
} from './captioner-state.js';

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
 * A model that says sentences. What it sees becomes the first state of recurrent layers, words are
 * embedded, the layers read them, and every hidden state scores the next word. Kinds of models differ in
 * how they see: `see`.
 *
 * @template I what M images or clips come in as.
 */
export abstract class CaptionModel<I = Tensor> {
  abstract readonly config: WordsConfig;
  abstract readonly parameters: CaptionerParameters;

  /** What is known of images or clips before the first word, as a function of the parameters, made of ops. */
  protected abstract see(parameters: CaptionerParameters, inputs: I, drop: Drop): Seen;

  /** The numbers that M images or clips are given as, (M, ...). */
  abstract numbersOf(inputs: I): Tensor;

  /**
   * Loss and gradients of a batch under teacher forcing: at every step the true previous word goes
   * in, and the true next word should come out.
   *
   * captions (N, T + 1) i32, `<START>` first, padded with `<NULL>`, which counts neither in the loss nor in
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
    inputs: I,
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
      const losses = this.#losses(parameters, inputs, captions, training);
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
    inputs: I,
    captions: Tensor,
    options: LossOptions = {},
  ): Tensor {
    return this.#losses(parameters, inputs, captions, options).total;
  }

  /** The loss of the words, and with what an attention adds to it in training. */
  #losses(
    parameters: CaptionerParameters,
    inputs: I,
    captions: Tensor,
    options: LossOptions,
  ): { words: Tensor; total: Tensor; baseline: number | undefined } {
    const { training = false, labelSmoothing = 0, weights, fed = captions } = options;
    if (options.suppressed && labelSmoothing > 0) {
      throw new UsageError('labelSmoothing spreads over all words, but some are suppressed');
    }
    const { input, target, mask } = teacherForcing(captions, this.config.nullWord, fed);
    const [N = 0] = captions.shape;
    const { scores, looked } = this.#scores(parameters, inputs, input, options);
    const words = temporalSoftmaxLoss(scores, target, mask, {
      batchSize: N,
      labelSmoothing,
      ...(weights && { weights }),
    });
    const { attention } = this.config;
    if (!training || !attention || !looked) {
      return { words, total: words, baseline: options.baseline };
    }
    const forced = { scores, target, mask, ...looked };
    return { words, ...addAttentionLosses(words, attention, forced, options.baseline) };
  }

  /**
   * The likeliest next word at every step under teacher forcing, without dropout: (N T) row-major,
   * for captions (N, T + 1). Inputs and image as `loss` takes them.
   */
  predict(inputs: I, captions: Tensor, options: Pick<LossOptions, 'image'> = {}): Int32Array {
    using _work = scope();
    const { input } = teacherForcing(captions, this.config.nullWord);
    const [T = 0, N = 0] = input.shape;
    const { scores } = this.#scores(this.parameters, inputs, input, options);
    const best = argmaxRows(scores.view(T * N, this.config.vocabularySize)).dataSync();
    return Int32Array.from({ length: N * T }, (_, i) => best[(i % T) * N + Math.floor(i / T)] ?? 0);
  }

  /**
   * The model's own words: starting from `<START>`, the best-scored word is fed back in until
   * `<END>` or `maxLength` words. Greedy; one list of word indices for each image, without the
   * special words at its ends. `<NULL>`, `<START>` and the words in `avoid` (such as `<UNK>`) never come.
   */
  async sample(
    inputs: I,
    { maxLength = 30, avoid = [] }: { maxLength?: number; avoid?: readonly number[] } = {},
  ): Promise<number[][]> {
    const model = stepModel(this);
    return greedyWords(model, inputs, { never: [...model.suppressed, ...avoid], maxLength });
  }

  /** The state before the first word, a row for each image or clip; inputs as `loss` takes them. */
  start(inputs: I): CaptionerState {
    return firstState(this, this.see(this.parameters, inputs, noDrop));
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
    inputs: I,
    input: Tensor,
    { training = false, random, image, suppressed }: LossOptions,
  ): ForcedScores {
    const draw = drawFrom(random);
    const drop = training ? dropFor(this.config, draw) : noDrop;
    const seen = this.see(parameters, inputs, drop);
    const options = { drop, image, suppressed, ...(training && { draw }) };
    return forcedScores(this.config, parameters, seen, input, options);
  }
}
