/** The words that a captioner learns: its vocabulary, the encoded captions, and notes on both. */

import type { EncodedCaption } from '../../data/captions/batches.js';
import type { Captioned, CaptionSet } from '../../data/captions/captioned-images.js';
import { counted, firstFew, isOrAre } from '../../data/formats/notes.js';
import { percent } from '../../data/text/printable.js';
import { isUnspaced, tokenize } from '../../data/text/tokenize.js';
import { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError, ValueError } from '../../errors.js';
import type { CaptionRecipe } from './recipe.js';

/** A set of images or clips with captions. */
export type CaptionedSet = Pick<CaptionSet<Captioned>, 'name' | 'splits' | 'vocabulary'> & {
  /** What is captioned, for messages (default: images). */
  readonly things?: string;
};

/** The words that a captioner learns: those of the training captions. */
export function vocabularyOf(images: readonly Captioned[], minimumCount: number): Vocabulary {
  const captions = images.flatMap(({ captions, words }) => words ?? captions.map(tokenize));
  const unspaced = images.some(({ captions, words }) => !words && captions.some(isUnspaced));
  return Vocabulary.build(captions, { minimumCount, unspaced });
}

/**
 * All captions of all images as word indices; longer ones are cut to `maxWords` words.
 * @throws ValueError when there is none.
 */
export function encodeCaptions(
  images: readonly Captioned[],
  vocabulary: Vocabulary,
  maxWords: number,
): EncodedCaption[] {
  const wordsOf = (caption: string) => vocabulary.tokenize(caption);
  const encoded = images.flatMap(({ captions, words = captions.map(wordsOf) }, imageIndex) =>
    words.map((tokens) => ({ imageIndex, words: vocabulary.encode(tokens.slice(0, maxWords)) })),
  );
  if (encoded.length === 0)
    throw new ValueError('there are no captions to learn from or measure on');
  return encoded;
}

/** A digest of captions and their order (FNV-1a, 32 bits): a resumed run must have the same. */
export function fingerprint(captions: readonly EncodedCaption[]): string {
  let hash = 0x811c9dc5;
  for (const { imageIndex, words } of captions) {
    for (const value of [imageIndex, words.length, ...words]) {
      hash = Math.imul(hash ^ value, 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** The words that a run learns, and what a person should know of them before it begins. */
export interface TrainingWords {
  readonly vocabulary: Vocabulary;
  /** How often a word occurs that is in it. */
  readonly minimumCount: number;
  /** What will make captions poor, and the way out; a sentence each. */
  readonly notes: readonly string[];
}

/** A larger share of unknown words is worth a note. */
const MUCH = 0.1;
/** Fewer training captions than this are few, unless they have so many for each of their words. */
const FEW_CAPTIONS = 1000;
const CAPTIONS_A_WORD = 5;

/**
 * How often a word has to occur, where nothing else is asked for: once for every thousand training
 * captions, but not more than 5 times. In a small set every word counts.
 */
export function minimumCountFor(captions: number): number {
  return Math.min(5, Math.max(1, Math.floor(captions / 1000)));
}

/** @throws UsageError for a dataset without images to learn from or to measure on. */
export function requireTrainAndDev({ name, splits, things = 'images' }: CaptionedSet): void {
  for (const split of ['train', 'dev'] as const) {
    if (splits[split].length > 0) continue;
    throw new UsageError(`${name} has no ${split} ${things}: training needs both train and dev`);
  }
}

/**
 * The vocabulary of a run, and notes on it: how many words it does not know, whether there are too few
 * captions to learn from.
 *
 * @param known the vocabulary of a model that the run begins with: it learns no other words.
 * @throws UsageError as `requireTrainAndDev`, and when not one word of the training captions is in the vocabulary.
 */
export function trainingWords(
  dataset: CaptionedSet,
  { minimumCount: asked, maxWords }: Pick<CaptionRecipe, 'minimumCount' | 'maxWords'>,
  known?: Vocabulary,
): TrainingWords {
  requireTrainAndDev(dataset);
  const { name, splits, vocabulary: own } = dataset;
  const count = splits.train.reduce((sum, { captions }) => sum + captions.length, 0);
  const minimumCount = asked ?? minimumCountFor(count);
  const vocabulary = known ?? own ?? vocabularyOf(splits.train, minimumCount);
  const captions = wordsOf(splits.train, vocabulary);
  const unknown = unknownWords(captions, vocabulary);
  if (unknown.share === 1) {
    throw new UsageError(
      `${name}: ${nothingToLearn(captions.length, unknown, minimumCount, known)}`,
    );
  }
  const share = percent(unknown.share, 0);
  const notes: string[] = [];
  if (known && unknown.words.size > 0) {
    notes.push(
      `the model that training begins with does not know ${unknown.words.size} of the ${unknown.of} different words (${firstFew([...unknown.words])}): ${share} of what the captions say becomes <UNK>, and it will never say these words`,
    );
  } else if (unknown.share > MUCH) {
    notes.push(
      `${share} of what the training captions say are words that occur less than ${minimumCount} times, ${unknown.words.size} of ${unknown.of} different ones: they become <UNK>; --minimum-count 1 keeps them all`,
    );
  }
  const learned = vocabulary.size - 4;
  if (!known && captions.length < FEW_CAPTIONS && captions.length < CAPTIONS_A_WORD * learned) {
    notes.push(
      `${counted(captions.length, 'training caption')} ${isOrAre(captions.length)} too few to learn ${counted(learned, 'word')} from: expect the same few words of every photo. Thousands of captions are needed, or a model to begin with that was trained on them: --from <model>, see docs/datasets.md`,
    );
  }
  const dev = unknownWords(wordsOf(splits.dev, vocabulary), vocabulary).share;
  if (dev > MUCH) {
    notes.push(
      `${percent(dev, 0)} of what the dev captions say are words that are not learned: loss and scores on dev say little`,
    );
  }
  const silent = captions.filter((words) => words.length === 0).length;
  if (silent > 0)
    notes.push(`${silent} of ${captions.length} training captions have no words in them`);
  const cut = captions.filter((words) => words.length > maxWords).length;
  if (cut > MUCH * captions.length) {
    notes.push(
      `${percent(cut / captions.length, 0)} of the training captions are cut after ${maxWords} words: --max-words`,
    );
  }
  return { vocabulary, minimumCount, notes };
}

function wordsOf(images: readonly Captioned[], vocabulary: Vocabulary): (readonly string[])[] {
  const split = (caption: string) => vocabulary.tokenize(caption);
  return images.flatMap(({ captions, words }) => words ?? captions.map(split));
}

interface UnknownWords {
  /** Those that are not in the vocabulary. */
  readonly words: ReadonlySet<string>;
  /** How many different words there are. */
  readonly of: number;
  /** Their share of all words in the captions, from 0 to 1. */
  readonly share: number;
}

function unknownWords(
  captions: readonly (readonly string[])[],
  vocabulary: Vocabulary,
): UnknownWords {
  const [words, all] = [new Set<string>(), new Set<string>()];
  let [total, unknown] = [0, 0];
  for (const word of captions.flat()) {
    all.add(word);
    total++;
    if (vocabulary.has(word)) continue;
    words.add(word);
    unknown++;
  }
  return { words, of: all.size, share: total === 0 ? 1 : unknown / total };
}

function nothingToLearn(
  captions: number,
  { of }: UnknownWords,
  minimumCount: number,
  known: Vocabulary | undefined,
): string {
  if (of === 0) return `none of the ${captions} training captions has a word in it`;
  if (known) {
    return `the model that training begins with knows none of the ${of} words of the captions: are they in another language? Without --from a model learns them anew`;
  }
  return `no word of the ${captions} training captions occurs ${minimumCount} times (--minimum-count), so there is nothing to learn: --minimum-count 1 keeps all ${of} words`;
}
