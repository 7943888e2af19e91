/** What decoders need of a model: a state, a step for one word in each row, and a choice of rows. */
import { mapTree, type TensorTree } from '../autograd/tree.js';
import type { Vocabulary } from '../data/text/vocabulary.js';
import { ShapeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { elementCount, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** What a model makes of one word for each row. */
export interface WordStep<S extends TensorTree> {
  /** (rows, V): unnormalised log-probabilities of the next word. */
  readonly scores: Tensor;
  readonly state: S;
  /** (rows, ...): what the model looked at, in any form; it is returned with each word. */
  readonly attention?: Tensor | undefined;
}

/**
 * A model that makes captions a word at a time, many rows at once. A row is one unfinished caption;
 * an image has one row for each hypothesis about it.
 *
 * @template S the state between two words: a tree of tensors. It is kept alive until the next step
 * has been selected from, so parts that stay the same (an image's grid of features) may be passed
 * on as they are.
 * @template I what images come in as.
 */
export interface StepModel<S extends TensorTree = TensorTree, I = Tensor> {
  /** The word that is fed in before the first one. */
  readonly startWord: number;
  /** The word that ends a caption. */
  readonly endWord: number;
  /** How many images `inputs` holds. */
  imageCount(inputs: I): number;
  /** The state before the first word: a row for each image. Belongs to the scope around the call. */
  start(inputs: I): S;
  /** Feeds a word into each row. Belongs to the scope around the call. */
  step(state: S, words: ArrayLike<number>): WordStep<S>;
  /** The state of these rows, in this order; a row may come more than once, or not at all. */
  select(state: S, rows: ArrayLike<number>): S;
}

/** A model whose words are those of a vocabulary. */
export interface WordModel<S extends TensorTree = TensorTree, I = Tensor> extends StepModel<S, I> {
  readonly vocabulary: Vocabulary;
  /** Words that no caption contains: padding and the start. */
  readonly suppressed: readonly number[];
}

/** What `captionerModel` needs of a captioner, such as `Captioner`. */
export interface StepwiseCaptioner<S extends TensorTree, I = Tensor> {
  readonly config: {
    readonly nullWord: number;
    readonly startWord: number;
    readonly endWord: number;
    readonly vocabularySize: number;
  };
  /** The numbers that images are given as, (M, ...). */
  numbersOf(inputs: I): Tensor;
  start(inputs: I): S;
  step(state: S, words: ArrayLike<number>): WordStep<S>;
  select(state: S, rows: ArrayLike<number>): S;
}

/**
 * A captioner as decoders see it. Its inputs are features (N, D), or pictures for one with a network
 * of its own for them.
 * @throws ValueError when the vocabulary is not of the captioner's size.
 */
export function captionerModel<S extends TensorTree, I = Tensor>(
  captioner: StepwiseCaptioner<S, I>,
  vocabulary: Vocabulary,
): WordModel<S, I> {
  const { vocabularySize } = captioner.config;
  if (vocabulary.size !== vocabularySize) {
    throw new ValueError(
      `the captioner scores ${vocabularySize} words but the vocabulary has ${vocabulary.size}`,
    );
  }
  return { vocabulary, ...stepModel(captioner) };
}

/** The same where words are indices only. */
export function stepModel<S extends TensorTree, I = Tensor>(
  captioner: StepwiseCaptioner<S, I>,
): StepModel<S, I> & Pick<WordModel, 'suppressed'> {
  const { nullWord, startWord, endWord } = captioner.config;
  return {
    startWord,
    endWord,
    suppressed: [nullWord, startWord].filter((word) => word !== endWord),
    imageCount: (inputs) => captioner.numbersOf(inputs).shape[0] ?? 0,
    start: (inputs) => captioner.start(inputs),
    step: (state, words) => captioner.step(state, words),
    select: (state, rows) => captioner.select(state, rows),
  };
}

/**
 * Rows of every tensor of a tree: out[i, ...] = x[rows[i], ...]. The `select` of a model whose
 * state has a row for each caption throughout.
 * @throws ValueError for a row that is not there.
 */
export function selectRows<S extends TensorTree>(state: S, rows: ArrayLike<number>): S {
  const index = tensor(rows, { shape: [rows.length], dtype: 'i32' });
  return mapTree(state, (x, path) => {
    const [count = 0, ...rest] = x.shape;
    if (x.shape.length === 0) throw new ShapeError(`${path} ${showShape(x.shape)} has no rows`);
    const out = empty(x.dtype, [rows.length, ...rest]);
    const bad = kernelsFor(x).gather(index, x, out, 1, rows.length, count, elementCount(rest));
    if (bad >= 0) throw new ValueError(`${path} has rows 0 to ${count - 1}, not ${rows[bad]}`);
    return out;
  });
}
