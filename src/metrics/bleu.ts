import { ValueError } from '../errors.js';

/** BLEU of a whole corpus, each score on the scale from 0 to 1 (papers often print 100 times that). */
export interface BleuReport {
  /** BLEU-1, BLEU-2, BLEU-3 and BLEU-4. */
  readonly bleu: [b1: number, b2: number, b3: number, b4: number];
  /** Words of all candidates. */
  readonly candidateLength: number;
  /** Words of the references that are closest in length, one for each candidate. */
  readonly referenceLength: number;
}

type Words = readonly string[];

/** n-grams of one order n, over the corpus. */
interface Counts {
  readonly n: number;
  matches: number;
  ngrams: number;
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
  const orders = [noCounts(1), noCounts(2), noCounts(3), noCounts(4)] as const;
  let candidateLength = 0;
  let referenceLength = 0;
  for (const [index, candidate] of candidates.entries()) {
    const truths = references[index] ?? [];
    candidateLength += candidate.length;
    referenceLength += closestLength(candidate.length, truths, index);
    for (const order of orders) {
      order.matches += clippedMatches(candidate, truths, order.n);
      order.ngrams += Math.max(0, candidate.length - order.n + 1);
    }
  }
  const ratio = (candidateLength + TINY) / (referenceLength + SMALL);
  const penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const score = ({ n, matches, ngrams }: Counts): number => {
    product *= (matches + TINY) / (ngrams + SMALL);
    return product ** (1 / n) * penalty;
  };
  const [one, two, three, four] = orders;
  const bleu: BleuReport['bleu'] = [score(one), score(two), score(three), score(four)];
  return { bleu, candidateLength, referenceLength };
}

function noCounts(n: number): Counts {
  return { n, matches: 0, ngrams: 0 };
}

function closestLength(length: number, references: readonly Words[], index: number): number {
  const [first, ...others] = references.map((reference) => reference.length);
  if (first === undefined) throw new ValueError(`Candidate ${index} has no reference.`);
  return others.reduce((best, other) => {
    const closer = Math.abs(other - length) - Math.abs(best - length);
    return closer < 0 || (closer === 0 && other < best) ? other : best;
  }, first);
}

/** How many of the candidate's n-grams are in a reference, none more often than in any one of them. */
function clippedMatches(candidate: Words, references: readonly Words[], n: number): number {
  const found = references.map((reference) => countNgrams(reference, n));
  let matches = 0;
  for (const [ngram, count] of countNgrams(candidate, n)) {
    matches += Math.min(count, Math.max(...found.map((counts) => counts.get(ngram) ?? 0)));
  }
  return matches;
}

function countNgrams(words: Words, n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    // As JSON, so that words with any character in them stay apart.
    const ngram = JSON.stringify(words.slice(i, i + n));
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}
