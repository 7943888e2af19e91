/** All metrics of a set of captions at once, as coco-caption computes them. */
import { ValueError } from '../errors.js';
import { corpusBleu } from './bleu.js';
import { CIDER_OF_ONE, CiderScorer } from './cider.js';
import { type Diversity, diversity } from './diversity.js';
import type { DocumentFrequencies } from './document-frequencies.js';
import { MeteorScorer } from './meteor.js';
import { ptbTokenize } from './ptb-tokenizer.js';
import { rougeL } from './rouge.js';
import type { WordNet } from './wordnet.js';
import { splitAtSpaces, type Words } from './words.js';

/** Something for every image, by its id. */
export type ByImage<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

export interface ScoreOptions {
  /** Where CIDEr-D's weights come from (default: the references). */
  readonly documentFrequencies?: DocumentFrequencies;
  /** The captions that the model was trained on: then the share of novel ones is measured. */
  readonly training?: Iterable<string>;
  /** Whether to compute METEOR: with synonyms, or exact and stem matches only. */
  readonly meteor?: WordNet | 'without-synonyms';
  /** Scores only the images that have a candidate; otherwise every reference needs one. */
  readonly subset?: boolean;
  /** How a caption becomes words (default: `ptbTokenize`, as coco-caption). */
  readonly tokenize?: (caption: string) => string[];
}

/** The scores that a set of captions gets, and each caption of it too. */
export interface Scores {
  /** 0 to 1. Of a set from all its counts: not the mean over images. */
  readonly bleu1: number;
  readonly bleu2: number;
  readonly bleu3: number;
  readonly bleu4: number;
  /** 0 to 1. Of a set the mean over images, as all CIDErs. */
  readonly rougeL: number;
  /**
   * What coco-caption prints as CIDEr: CIDEr-D with the references' own document frequencies. Its
   * scale is 0 to 10; papers print it times 100.
   */
  readonly cider: number;
  /** The same with `documentFrequencies`; equal to `cider` without them. 0 to 10. */
  readonly ciderD: number;
  /** CIDEr as first published, without clipping and penalty on length. 0 to 10. */
  readonly ciderPlain: number;
  /** Without paraphrases: not comparable with published METEOR. 0 to 1. */
  readonly meteor?: number;
}

/** The scores of one image. */
export interface ImageScores extends Scores {
  readonly id: string;
  readonly caption: string;
}

/** What `scoreCaptions` found. */
export interface CaptionScores extends Scores {
  readonly images: number;
  readonly diversity: Diversity;
  /** What of these scores means nothing, and why: a sentence each, mostly none. */
  readonly remarks: readonly string[];
  /** In the order of the candidates. */
  readonly perImage: readonly ImageScores[];
}

/**
 * Scores captions against what people wrote, as coco-caption does: Penn Treebank tokens in lower
 * case without punctuation, then BLEU, ROUGE-L and CIDEr.
 *
 * @param candidates one caption for each image.
 * @param references for each image at least one true caption.
 * @throws ValueError naming the images when one has no candidate, no reference or an empty list of
 *   references; or when there are none at all.
 */
export function scoreCaptions(
  candidates: ByImage<string>,
  references: ByImage<readonly string[]>,
  options: ScoreOptions = {},
): CaptionScores {
  const captions = [...entries(candidates)];
  const truths = new Map(entries(references));
  checkImages(captions, truths, options.subset ?? false);

  const tokenize = options.tokenize ?? ptbTokenize;
  const tokens = captions.map(([, caption]) => tokenize(caption));
  const trueTokens = captions.map(([id]) => (truths.get(id) ?? []).map(tokenize));
  const words = tokens.map(splitAtSpaces);
  const trueWords = trueTokens.map((list) => list.map(splitAtSpaces));

  const bleu = corpusBleu(words, trueWords);
  const rouge = tokens.map((candidate, image) => rougeL(candidate, trueTokens[image] ?? []));
  const scorer = new CiderScorer(trueWords);
  const cider = scorer.scores(words);
  const plain = scorer.scores(words, undefined, 'plain');
  const { documentFrequencies } = options;
  const ciderD = documentFrequencies
    ? new CiderScorer(trueWords, { documentFrequencies }).scores(words)
    : cider;
  const wordnet = options.meteor === 'without-synonyms' ? undefined : options.meteor;
  const meteor = options.meteor && new MeteorScorer(wordnet).score(tokens, trueTokens);
  const training = options.training && tokenizeAll(options.training, tokenize);

  /** The scores of an image by its place, or of all. */
  const scoresOf = (image?: number): Scores => {
    const of = (values: ArrayLike<number>) =>
      image === undefined ? mean(values) : (values[image] ?? 0);
    const ofBleu = image === undefined ? bleu.bleu : bleu.perImage[image];
    const [bleu1, bleu2, bleu3, bleu4] = ofBleu ?? [0, 0, 0, 0];
    return {
      ...{ bleu1, bleu2, bleu3, bleu4 },
      rougeL: of(rouge),
      cider: of(cider),
      ciderD: of(ciderD),
      ciderPlain: of(plain),
      ...(meteor && { meteor: image === undefined ? meteor.meteor : of(meteor.perImage) }),
    };
  };
  return {
    images: captions.length,
    ...scoresOf(),
    diversity: diversity(words, training),
    remarks: remarksOn(
      captions.map(([id]) => id),
      words,
      trueWords,
      documentFrequencies,
    ),
    perImage: captions.map(([id, caption], image) => ({ id, caption, ...scoresOf(image) })),
  };
}

function remarksOn(
  ids: readonly string[],
  candidates: readonly Words[],
  references: readonly (readonly Words[])[],
  table: DocumentFrequencies | undefined,
): string[] {
  const remarks: string[] = [];
  if (ids.length === 1) {
    const wayOut = table
      ? "CIDEr-D goes by the table's"
      : 'score more images, or give a table of document frequencies';
    remarks.push(`${CIDER_OF_ONE}; ${wayOut}`);
  }
  if (table?.images === 1) {
    remarks.push('the table of document frequencies is of one image: all its weights are 0');
  }
  const wordless = ids.filter((_, image) => candidates[image]?.length === 0);
  if (wordless.length === ids.length) remarks.push('no candidate has a word: all scores are 0');
  else if (wordless.length > 0) remarks.push(`${named(wordless)} a candidate without a word`);
  const untold = ids.filter((_, image) => references[image]?.every((words) => words.length === 0));
  if (untold.length > 0) remarks.push(`${named(untold)} only references without a word`);
  return remarks;
}

function entries<T>(byImage: ByImage<T>): Iterable<[string, T]> {
  return isMap(byImage) ? byImage.entries() : Object.entries(byImage);
}

function isMap<T>(byImage: ByImage<T>): byImage is ReadonlyMap<string, T> {
  return byImage instanceof Map;
}

function checkImages(
  captions: readonly (readonly [string, string])[],
  truths: ReadonlyMap<string, readonly string[]>,
  subset: boolean,
): void {
  const ids = new Set(captions.map(([id]) => id));
  const unknown = [...ids].filter((id) => !truths.has(id));
  if (unknown.length > 0) {
    throw new ValueError(`${named(unknown)} a candidate but no references.`);
  }
  const missing = subset ? [] : [...truths.keys()].filter((id) => !ids.has(id));
  if (missing.length > 0) {
    throw new ValueError(
      `${named(missing)} references but no candidate: caption every image, or ask for the subset that has candidates.`,
    );
  }
  const empty = [...ids].filter((id) => truths.get(id)?.length === 0);
  if (empty.length > 0) throw new ValueError(`${named(empty)} an empty list of references.`);
  if (ids.size === 0) throw new ValueError('There is no candidate to score.');
}

/** "3 images (12, 7, x.jpg) have": the first ten by name. */
function named(ids: readonly string[]): string {
  const shown = ids.slice(0, 10).join(', ') + (ids.length > 10 ? ', ...' : '');
  return ids.length === 1 ? `1 image (${shown}) has` : `${ids.length} images (${shown}) have`;
}

function* tokenizeAll(captions: Iterable<string>, tokenize: (caption: string) => string[]) {
  for (const caption of captions) yield splitAtSpaces(tokenize(caption));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return sum / values.length;
}
