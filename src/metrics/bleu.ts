/** BLEU-1 to BLEU-4 of a corpus and of each image. */
import { ValueError } from '../errors.js';
import type { Words } from './words.js';
import { type NgramCounts, NgramTable, ORDERS } from './words.js';

/** BLEU-1, BLEU-2, BLEU-3 and BLEU-4, each on the scale from 0 to 1. */
export type BleuScores = [b1: number, b2: number, b3: number, b4: number];

/** BLEU of a whole corpus, each score on the scale from 0 to 1 (papers often print 100 times that). */
export interface BleuReport {
  /** BLEU-1, BLEU-2, BLEU-3 and BLEU-4 of the corpus: not the mean over images. */
  readonly bleu: BleuScores;
  /** The same formula for every image alone. */
  readonly perImage: readonly BleuScores[];
  /** Words of all candidates. */
  readonly candidateLength: number;
  /** Words of the references that are closest in length, one for each candidate. */
  readonly referenceLength: number;
}

/** What BLEU sums over the corpus; matches and n-grams by order. */
interface Statistics {
  readonly matches: number[];
  readonly ngrams: number[];
  candidateLength: number;
  referenceLength: number;
}

/** Keep empty candidates and missing matches away from 0/0; the values are coco-caption's. */
const TINY = 1e-15;
const SMALL = 1e-9;

/**
 * Corpus BLEU as coco-caption computes it. With the n-grams of all candidates counted together, a
 * match clipped to the most often that any one reference of that image has it:
 *
 *     p_n    = (matches_n + 1e-15) / (ngrams_n + 1e-9)
 *     BLEU-k = penalty (p_1 ... p_k)^(1/k)
 *     ratio  = (candidateLength + 1e-15) / (referenceLength + 1e-9)
 *     penalty = exp(1 - 1 / ratio) where ratio < 1, else 1
 *
 * The reference length of a candidate is that of the reference closest in length, the shorter one
 * of two equally close. Scores lie on the scale from 0 to 1.
 * Source: Papineni et al. 2002; Chen et al. 2015 (Microsoft COCO Captions).
 *
 * @param candidates the model's captions, tokenised; a list may be empty.
 * @param references for each candidate, in the same order, at least one true caption.
 * @throws ValueError when there is no candidate, the lists differ in length, or one image has no
 *   reference.
 */
export function corpusBleu(
  candidates: readonly Words[],
  references: readonly (readonly Words[])[],
): BleuReport {
  if (candidates.length === 0) throw new ValueError('BLEU needs at least one candidate.');
  if (candidates.length !== references.length) {
    throw new ValueError(
      `BLEU needs references for each candidate: there are ${candidates.length} candidates but ${references.length} lists of references.`,
    );
  }
  const table = new NgramTable();
  const corpus = statistics();
  const perImage = candidates.map((candidate, index) => {
    const truths = (references[index] ?? []).map((reference) => table.learn(reference));
    if (truths.length === 0) throw new ValueError(`Candidate ${index} has no reference.`);
    const image = compare(table.learn(candidate), truths);
    corpus.candidateLength += image.candidateLength;
    corpus.referenceLength += image.referenceLength;
    for (let n = 0; n < ORDERS; n++) {
      corpus.matches[n] = (corpus.matches[n] ?? 0) + (image.matches[n] ?? 0);
      corpus.ngrams[n] = (corpus.ngrams[n] ?? 0) + (image.ngrams[n] ?? 0);
    }
    return scores(image);
  });
  const { candidateLength, referenceLength } = corpus;
  return { bleu: scores(corpus), perImage, candidateLength, referenceLength };
}

function statistics(): Statistics {
  return { matches: [], ngrams: [], candidateLength: 0, referenceLength: 0 };
}

function compare(candidate: NgramCounts, references: readonly NgramCounts[]): Statistics {
  const result = statistics();
  result.candidateLength = candidate.words;
  result.referenceLength = closestLength(candidate.words, references);
  for (const [n, counts] of candidate.counts.entries()) {
    let matches = 0;
    for (const [ngram, count] of counts) {
      let most = 0;
      for (const reference of references) {
        most = Math.max(most, reference.counts[n]?.get(ngram) ?? 0);
      }
      matches += Math.min(count, most);
    }
    result.matches.push(matches);
    result.ngrams.push(Math.max(0, candidate.words - n));
  }
  return result;
}

function closestLength(length: number, references: readonly NgramCounts[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (const { words } of references) {
    const closer = Math.abs(words - length) - Math.abs(best - length);
    if (closer < 0 || (closer === 0 && words < best)) best = words;
  }
  return best;
}

function scores({ matches, ngrams, candidateLength, referenceLength }: Statistics): BleuScores {
  const ratio = (candidateLength + TINY) / (referenceLength + SMALL);
  const penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const score = (n: number): number => {
    product *= ((matches[n - 1] ?? 0) + TINY) / ((ngrams[n - 1] ?? 0) + SMALL);
    return product ** (1 / n) * penalty;
  };
  return [score(1), score(2), score(3), score(4)];
}
