/** Decodes captions with any decoder, and scores captions that are given. */
import type { TensorTree } from '../autograd/tree.js';
import { scope } from '../engine/engine.js';
import { ValueError } from '../errors.js';
import { Random } from '../random.js';
import { BeamSearch } from './beam.js';
import type { Constraints } from './constraints.js';
import { type Hypothesis, hypothesisOf } from './hypothesis.js';
import { constraintsOf, type Decoding, type DecodingOptions, parseDecoding } from './options.js';
import { runSearch, type Search } from './search.js';
import { givenWords, greedySearch, samplingSearch } from './word-by-word.js';
import type { StepModel, WordModel } from './word-model.js';

/**
 * Captions for images: for each its hypotheses, best first (draws in the order of drawing).
 *
 * All images go through the model together, one product for all rows of a step: give some hundred
 * at a time. The log-probabilities returned are the model's own, whatever the options did to the
 * choice of words.
 *
 * @param random for `sample`, instead of one made from `seed`: pass the same one to call after
 * call, and captions do not depend on how images are divided into batches.
 * @throws UsageError for options that are wrong or do not go together.
 * @throws ValueError when the model's scores are not finite.
 */
export async function decode<S extends TensorTree, I>(
  model: WordModel<S, I>,
  inputs: I,
  options: DecodingOptions = {},
  random?: Random,
): Promise<Hypothesis[][]> {
  const decoding = parseDecoding(options);
  const constraints = constraintsOf(decoding, model);
  const search = searchFor(decoding, model.imageCount(inputs), constraints, random);
  const found = runSearch(model, inputs, search, constraints);
  return found.map((paths) => paths.map((path) => hypothesisOf(path, model.endWord)));
}

/**
 * As `decode`, for more images than should go through the model together.
 *
 * @param count how many images there are.
 * @param inputsOf the inputs of some of them, made inside the scope of a batch; it may read them first.
 * @param options.batchSize images decoded together (default 100).
 */
export async function decodeAll<S extends TensorTree, I>(
  model: WordModel<S, I>,
  count: number,
  inputsOf: (images: readonly number[]) => I | Promise<I>,
  { batchSize = 100, ...options }: DecodingOptions & { batchSize?: number } = {},
): Promise<Hypothesis[][]> {
  const random = new Random(parseDecoding(options).seed);
  const found: Hypothesis[][] = [];
  for (let start = 0; start < count; start += batchSize) {
    using _batch = scope();
    const size = Math.min(batchSize, count - start);
    const images = Array.from({ length: size }, (_, index) => start + index);
    found.push(...(await decode(model, await inputsOf(images), options, random)));
  }
  return found;
}

/**
 * The words of the greedy caption of each image, for a model that needs no vocabulary.
 *
 * @param options.never words that are never chosen.
 * @param options.maxLength most words of a caption.
 * @throws ValueError when the model's scores are not finite.
 */
export function greedyWords<S extends TensorTree, I>(
  model: StepModel<S, I>,
  inputs: I,
  { never, maxLength }: Pick<Constraints, 'never' | 'maxLength'>,
): number[][] {
  const { endWord } = model;
  const constraints: Constraints = {
    endWord,
    never,
    badEndings: new Set(),
    blockRepetition: false,
    blockNgrams: 0,
    maxLength,
  };
  const search = greedySearch(model.imageCount(inputs), constraints);
  const found = runSearch(model, inputs, search, constraints);
  return found.map(([path]) => (path ? [...hypothesisOf(path, endWord).words] : []));
}

/**
 * The log-probabilities of captions that are given, one for each image: teacher forcing with the
 * same steps that decoders take. `<END>` is scored after those that are finished.
 *
 * @throws ValueError when the numbers of images and captions differ, or a word is not in the
 * vocabulary or is `<END>`.
 */
export async function rescore<S extends TensorTree, I>(
  model: WordModel<S, I>,
  inputs: I,
  captions: readonly Pick<Hypothesis, 'words' | 'finished'>[],
): Promise<Hypothesis[]> {
  const images = model.imageCount(inputs);
  if (images !== captions.length) {
    throw new ValueError(`there are ${images} images but ${captions.length} captions to rescore`);
  }
  for (const { words } of captions) {
    for (const word of words) model.vocabulary.word(word);
    if (words.includes(model.endWord)) {
      throw new ValueError(`the words of a caption must not hold <END> (${model.endWord})`);
    }
  }
  const longest = captions.reduce((most, { words }) => Math.max(most, words.length), 0);
  const search = givenWords(captions, model.endWord);
  const found = runSearch(model, inputs, search, { maxLength: longest + 1 });
  return found.flat().map((path) => hypothesisOf(path, model.endWord));
}

function searchFor(
  decoding: Decoding,
  images: number,
  constraints: Constraints,
  random = new Random(decoding.seed),
): Search {
  switch (decoding.decoder) {
    case 'greedy':
      return greedySearch(images, constraints);
    case 'beam':
      return new BeamSearch(images, constraints, decoding);
    case 'sample':
      return samplingSearch(images, constraints, { ...decoding, draws: decoding.nBest }, random);
  }
}
