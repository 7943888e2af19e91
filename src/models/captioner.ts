import { valueAndGradients } from '../autograd/tape.js';
import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { ShapeError } from '../errors.js';
import { temporalAffine, tiedScores } from '../layers/affine.js';
import { dropout } from '../layers/dropout.js';
import { wordEmbedding } from '../layers/embedding.js';
import { scaledLayerNorm } from '../layers/layer-norm.js';
import { temporalSoftmaxLoss } from '../layers/softmax.js';
import { Random } from '../random.js';
import { argmaxRows } from '../tensor/arithmetic.js';
import { tensor, zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { attend, attendStep, attentionKeys, named } from './attending.js';
import { addAttentionLosses } from './attention-losses.js';
import { type CaptionerConfig, type FullConfig, fullConfig } from './captioner-config.js';
import { type CaptionerParameters, initialParameters } from './captioner-parameters.js';
import { perceive } from './perceiving.js';
import { type CellState, cellState, memoryOf, recur, recurStep } from './recurrent.js';
import { attentionCell, toSay } from './saying.js';
import { selectRows } from './select-rows.js';
import { teacherForcing } from './teacher-forcing.js';

/** What a captioner carries from word to word. */
export interface CaptionerState extends TensorTree {
  /** `layer1` and so on. */
  readonly layers: { readonly [layer: string]: CellState };
  /**
   * With attention, what it looks at: values (M, L, E), keys (M, L, A), and image (N) i32, which of
   * the M images each row is about. The same at every step but for `image`.
   */
  readonly scene: TensorTree;
}

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
  /** As `captions`: words that go in instead of theirs, which still should come out. */
  readonly fed?: Tensor | undefined;
}

/**
 * The recurrent captioner of the CS231n lectures: the image's features become the first hidden
 * state, words are embedded, a recurrent cell reads them, and every hidden state scores the next
 * word.
 *
 *     h0 = features Wp + bp;   h = cell(embedding[words], h0);   scores = h Wv + bv
 *
 * With `attention` the image comes as a grid of features, and at every step the hidden state looks
 * at it: what it sees goes into the cell with the word.
 *
 *     values = relu(grid We + be);   h0, c0 = tanh(mean(values) W + b);   h = cell([word, seen], h)
 *
 * With `vision`, features come from a network that is trained along, the first state is normalised
 * so that it cannot saturate the gates, and it is the LSTM's first memory too: through the gates
 * of an untrained cell hardly a gradient would find its way back to the filters.
 *
 *     h0 = c0 = layerNorm(see(pictures) Wp + bp)
 *
 * Source: CS231n, assignment 3; Vinyals et al. 2015 feed the image as a word instead; Xu et al.
 * 2015 for attention, and for c0 by the image.
 */
export class Captioner {
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
  /** Draws the dropout masks and the places of a hard attention; a checkpoint saves its state. */
  readonly random: Random;
  /**
   * Of a hard attention: the moving average of what a word's log-probability is in training, which
   * its choices are measured against. A checkpoint saves it.
   */
  baseline: number | undefined;

  /**
   * @param options.parameters use these instead of fresh ones (restoring a checkpoint).
   * @param options.random source of the initial weights and of dropout masks.
   * @throws UsageError as `fullConfig`.
   */
  constructor(
    config: CaptionerConfig,
    options: {
      random?: Random;
      dtype?: FloatDType;
      parameters?: CaptionerParameters;
      baseline?: number | undefined;
    } = {},
  ) {
    this.config = fullConfig(config);
    this.random = options.random ?? new Random(0);
    this.parameters =
      options.parameters ?? initialParameters(this.config, this.random, options.dtype ?? 'f32');
    this.baseline = options.baseline;
  }

  /**
   * Loss and gradients of a batch under teacher forcing: at every step the true previous word goes
   * in, and the true next word should come out.
   *
   * features (M, D), with attention (M, L, D), with `vision` pictures (M, 3, S, S); captions
   * (N, T + 1) i32, `<START>` first, padded with `<NULL>`, which counts neither in the loss nor in
   * the gradient. The loss is summed over time and averaged over N. Belongs to the scope around the
   * call.
   */
  loss(
    features: Tensor,
    captions: Tensor,
    options: Omit<LossOptions, 'training'> = {},
  ): { loss: Tensor; gradients: CaptionerParameters } {
    const { value, gradients } = valueAndGradients(
      (parameters) => this.forward(parameters, features, captions, { ...options, training: true }),
      this.parameters,
    );
    return { loss: value, gradients };
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
    const { training = false, labelSmoothing = 0, weights, fed = captions } = options;
    const { input, target, mask } = teacherForcing(captions, this.config.nullWord, fed);
    const [N = 0] = captions.shape;
    const { scores, looked, uniform } = this.#scores(parameters, features, input, options);
    const loss = temporalSoftmaxLoss(scores, target, mask, {
      batchSize: N,
      labelSmoothing,
      ...(weights && { weights }),
    });
    const { attention } = this.config;
    if (!training || !attention || !looked) return loss;
    const spoken = { scores, target, mask, looked, uniform };
    const { total, baseline } = addAttentionLosses(loss, attention, spoken, this.baseline);
    this.baseline = baseline;
    return total;
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
      step.keep(next.state.layers);
      outer.release(state.layers);
      state = next.state;
    }
    return captions;
  }

  /** The state before the first word, a row for each image; features as `loss` takes them. */
  start(features: Tensor): CaptionerState {
    const { cell, attention, layers } = this.config;
    const { h, c, values } = perceive(this.config, this.parameters, features, (x) => x);
    // An image may set h and c alike; a state's tensors are given back one by one.
    const states: Record<string, CellState> = {
      layer1: cellState(cell, h, c === h ? h.clone() : c),
    };
    for (let layer = 2; layer <= layers; layer++) {
      states[`layer${layer}`] = cellState(cell, zeros(h.shape, h.dtype), undefined);
    }
    if (!attention || !values) return { layers: states, scene: {} };
    const keys = attentionKeys(attention.kind, values, this.parameters.attention);
    const image = everyImage(values);
    return { layers: states, scene: { values, image, ...(keys && { keys }) } };
  }

  /**
   * One word in, scores (N, V) for the next one out, and with attention where it looked, (N, L). No
   * dropout, nothing recorded.
   * @param bias of the scores, (V), in place of the model's own.
   */
  step(
    { layers, scene }: CaptionerState,
    words: ArrayLike<number>,
    bias: Tensor = this.parameters.vocabulary.b,
  ): { scores: Tensor; state: CaptionerState; attention?: Tensor } {
    const { parameters } = this;
    const N = words.length;
    const index = tensor(words, { shape: [1, N], dtype: 'i32' });
    let x = wordEmbedding(index, parameters.embedding.W);
    const next: Record<string, CellState> = {};
    let attention: Tensor | undefined;
    for (const [name, state] of Object.entries(layers)) {
      if (name === 'layer1' && this.config.attention) {
        const seen = this.#lookStep(x, state, scene);
        attention = seen.looked;
        next[name] = cellState(this.config.cell, seen.h, seen.c);
        x = toSay(parameters, seen.h.view(1, ...seen.h.shape), seen.context);
      } else {
        const weights = name === 'layer1' ? parameters.cell : parameters.layers[name];
        if (!weights) throw new ShapeError(`the state has a ${name} but the captioner has none`);
        next[name] = recurStep(this.config.cell, x.view(N, x.size / N), state, weights);
        const { h } = next[name];
        x = h.view(1, ...h.shape);
      }
      x = this.#normed(parameters, name, x);
    }
    const scores = this.#wordScores(parameters, x, bias);
    return {
      scores: scores.view(N, this.config.vocabularySize),
      state: { layers: next, scene },
      ...(attention && { attention }),
    };
  }

  /** The state of these rows, in this order; a row may come more than once. What is looked at is shared. */
  select({ layers, scene }: CaptionerState, rows: ArrayLike<number>): CaptionerState {
    const { image } = scene;
    if (!(image instanceof Tensor)) return { layers: selectRows(layers, rows), scene };
    const images = image.dataSync();
    const chosen = Int32Array.from(rows, (row) => images[row] ?? 0);
    return {
      layers: selectRows(layers, rows),
      scene: { ...scene, image: tensor(chosen, { dtype: 'i32' }) },
    };
  }

  /** Scores (T, N, V) of the next words under teacher forcing, and where it looked. */
  #scores(
    parameters: CaptionerParameters,
    features: Tensor,
    input: Tensor,
    { training = false, image }: LossOptions,
  ): { scores: Tensor; looked: Tensor | undefined; uniform: Float64Array | undefined } {
    const { cell, attention, hiddenSize, dropout: rate } = this.config;
    const drop = (x: Tensor) => (training && rate > 0 ? this.#drop(x) : x);
    const dropValues = (x: Tensor) => (training && rate > 0 ? this.#drop(x, false) : x);
    const { h: h0, c: c0, values } = perceive(this.config, parameters, features, dropValues);
    const [T = 0, N = 0] = input.shape;
    const about = imagesOf(image, h0, N);
    const ofRows = (x: Tensor) => (image ? wordEmbedding(about, x) : x);
    const x = drop(wordEmbedding(input, parameters.embedding.W));
    const [h, c] = [ofRows(h0), c0 && ofRows(c0)];
    let looked: Tensor | undefined;
    let uniform: Float64Array | undefined;
    let out: Tensor;
    if (attention && values) {
      if (training && attention.kind === 'hard') uniform = this.#uniform(T * N);
      const { attention: look } = parameters;
      const scene = { x, values, image: about, h, c, cell: attentionCell(parameters), look };
      const attended = attend(attention, cell, scene, uniform);
      out = toSay(parameters, attended.h, attended.context);
      looked = attended.looked;
    } else {
      out = recur(cell, x, h, c, parameters.cell);
    }
    out = this.#normed(parameters, 'layer1', out);
    for (const [name, weights] of Object.entries(parameters.layers)) {
      const nothing = zeros([N, hiddenSize], out.dtype);
      out = this.#normed(parameters, name, recur(cell, drop(out), nothing, undefined, weights));
    }
    const scores = this.#wordScores(parameters, drop(out), parameters.vocabulary.b);
    return { scores, looked, uniform };
  }

  #lookStep(x: Tensor, state: CellState, scene: TensorTree) {
    const { cell, attention } = this.config;
    if (!attention) throw new ShapeError('the captioner has no attention');
    const { values, image } = named(scene, 'values', 'image');
    const keys = scene.keys instanceof Tensor ? scene.keys : undefined;
    const weights = attentionCell(this.parameters);
    const { attention: look } = this.parameters;
    const { h } = state;
    const attending = { x, values, image, h, c: memoryOf(state), cell: weights, look };
    return attendStep(attention, cell, attending, keys);
  }

  /** What a layer hands on: normalised, with `layerNorm`. */
  #normed({ norms }: CaptionerParameters, layer: string, h: Tensor): Tensor {
    const norm = norms[layer];
    if (!norm) return h;
    const { gain, bias } = named(norm, 'gain', 'bias');
    return scaledLayerNorm(h, gain, bias);
  }

  /** h (T, N, H) to scores (T, N, V). */
  #wordScores({ vocabulary, embedding }: CaptionerParameters, h: Tensor, bias: Tensor): Tensor {
    const { W } = vocabulary;
    if (!this.config.tiedEmbeddings) return temporalAffine(h, W, bias);
    const nothing = zeros([this.config.embeddingSize], h.dtype);
    return tiedScores(temporalAffine(h, W, nothing), embedding.W, bias);
  }

  /** The scores' bias with some words out of reach: no kernel needs to know about them. */
  #biasWithout(words: readonly number[]): Tensor {
    const bias = this.parameters.vocabulary.b.clone();
    for (const word of words) {
      if (word < this.config.vocabularySize) bias.slice(word, word + 1).fill(-1e30);
    }
    return bias;
  }

  #drop(x: Tensor, locked = this.config.dropoutKind === 'variational'): Tensor {
    return dropout(x, { rate: this.config.dropout, seed: this.random.uint32(), locked });
  }

  #uniform(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.random.uniform());
  }
}

/** Which image each of N rows is about. @throws ShapeError when that is not said and not clear. */
function imagesOf(image: ArrayLike<number> | undefined, h: Tensor, N: number): Tensor {
  if (image) {
    if (image.length === N) return tensor(image, { shape: [N], dtype: 'i32' });
    throw new ShapeError(
      `captioner: image says for ${image.length} captions what they are about, not for ${N}`,
    );
  }
  if (h.shape[0] === N) return everyImage(h);
  throw new ShapeError(
    `captioner: ${N} captions but ${h.shape[0]} images, whose first state is h0 ${showShape(h.shape)}: say by the option image which is about which`,
  );
}

function everyImage({ shape: [M = 0] }: Tensor): Tensor {
  return tensor(
    Int32Array.from({ length: M }, (_, m) => m),
    { dtype: 'i32' },
  );
}
