import type { TensorTree } from '../autograd/tree.js';
import type { Vocabulary } from '../data/vocabulary.js';
import { ValueError } from '../errors.js';
import type { Captioner } from '../models/captioner.js';
import type { CaptionerState } from '../models/captioner-state.js';
import type { Tensor } from '../tensor/tensor.js';

/** What a model makes of one word for each row. */
export interface WordStep<S extends TensorTree> {
  /** (rows, V): unnormalised log-probabilities of the next word. */
  readonly scores: Tensor;
  readonly state: S;
  /** (rows, ...): what the model looked at, in whatever form it has; handed on with each word. */
  readonly attention?: Tensor | undefined;
}

/**
 * What decoders need of a model: captions are made a word at a time, many rows at once. A row is
 * one caption in the making; an image has one row for each hypothesis about it.
 *
 * @template S the state between two words: a tree of tensors. It is kept alive until the next step
 * has been selected from, so parts that stay the same (an image's grid of features) may be passed
 * on as they are.
 * @template I what images come in as.
 */
export interface WordModel<S extends TensorTree = TensorTree, I = Tensor> {
  readonly vocabulary: Vocabulary;
  /** The word that is fed in before the first one. */
  readonly startWord: number;
  /** The word that ends a caption. */
  readonly endWord: number;
  /** Words that belong into no caption: padding and the start. */
  readonly unsayable: readonly number[];
  /** How many images `inputs` holds. */
  imageCount(inputs: I): number;
  /** The state before the first word: a row for each image. Belongs to the scope around the call. */
  start(inputs: I): S;
  /** Feeds a word into each row. Belongs to the scope around the call. */
  step(state: S, words: ArrayLike<number>): WordStep<S>;
  /** The state of these rows, in this order; a row may come more than once, or not at all. */
  select(state: S, rows: ArrayLike<number>): S;
}

/**
 * A captioner as decoders see it. Its inputs are features (N, D), or pictures for one that sees by
 * itself.
 * @throws ValueError when the vocabulary is not of the captioner's size.
 */
export function captionerModel(
  captioner: Captioner,
  vocabulary: Vocabulary,
): WordModel<CaptionerState> {
  const { nullWord, startWord, endWord, vocabularySize } = captioner.config;
  if (vocabulary.size !== vocabularySize) {
    throw new ValueError(
      `the captioner scores ${vocabularySize} words but the vocabulary has ${vocabulary.size}`,
    );
  }
  return {
    vocabulary,
    startWord,
    endWord,
    unsayable: [nullWord, startWord].filter((word) => word !== endWord),
    imageCount: ({ shape: [N = 0] }) => N,
    start: (inputs) => captioner.start(inputs),
    step: (state, words) => captioner.step(state, words),
    select: (state, rows) => captioner.select(state, rows),
  };
}
