import { ValueError } from '../errors.js';
import { isFunctionWord } from './function-words.js';
import { align, countChunks, type MeteorWord, type WordMatch } from './meteor-alignment.js';
import { meteorWords } from './meteor-words.js';
import { stem } from './stem.js';
import type { WordNet } from './wordnet.js';
import type { Words } from './words.js';

/** METEOR 1.5, English, tuned to rankings: what coco-caption's `-l en` means. */
const ALPHA = 0.85;
const BETA = 0.2;
const GAMMA = 0.6;
const DELTA = 0.75;
/** Weights of exact, stem and synonym matches. */
const STAGE_WEIGHTS = [1, 0.6, 0.8] as const;

/** METEOR of a corpus, 0 to 1. */
export interface MeteorReport {
  /** Computed from the sums over all images, as METEOR's own: not the mean over images. */
  readonly meteor: number;
  readonly perImage: readonly number[];
}

/** What METEOR sums over a corpus. Of pairs, the first is the candidate's, the second the reference's. */
interface Statistics {
  readonly lengths: Pair;
  readonly functionWords: Pair;
  readonly matches: number;
  /** Matches by their weight: that of the stage times DELTA or, for function words, 1 - DELTA. */
  readonly weighted: Pair;
  readonly chunks: number;
}
type Pair = readonly [candidate: number, reference: number];

const NOTHING: Statistics = {
  lengths: [0, 0],
  functionWords: [0, 0],
  matches: 0,
  weighted: [0, 0],
  chunks: 0,
};

/**
 * METEOR with exact, stem and (with a WordNet) synonym matches:
 *
 *     P, R  = weighted matches / weighted length, a function word weighing 0.25, another one 0.75,
 *             a match 1 (exact), 0.6 (stem) or 0.8 (synonym) times that
 *     Fmean = 1 / (0.15 / P + 0.85 / R)
 *     score = Fmean (1 - 0.6 (chunks / matches)^0.2)
 *
 * Of several references the best counts. METEOR 1.5 also matches paraphrases from a table of its
 * own, which is NOT used here, so these values are lower than published ones and must not be
 * compared with them. They do rank captions of one another.
 * Source: Denkowski and Lavie 2014.
 */
export class MeteorScorer {
  readonly #wordnet: WordNet | undefined;
  readonly #known = new Map<string, MeteorWord>();

  /** @param wordnet without it, synonyms do not match. */
  constructor(wordnet?: WordNet) {
    this.#wordnet = wordnet;
  }

  /**
   * Scores tokenised captions (`ptbTokenize`) against the references of the same image.
   * @throws ValueError when the lists differ in length or an image has no reference.
   */
  score(candidates: readonly Words[], references: readonly (readonly Words[])[]): MeteorReport {
    if (candidates.length !== references.length) {
      throw new ValueError(
        `METEOR needs references for each candidate: there are ${candidates.length} candidates but ${references.length} lists of references.`,
      );
    }
    let corpus = NOTHING;
    const perImage = candidates.map((candidate, index) => {
      const words = this.#prepare(candidate);
      let best: { score: number; statistics: Statistics } | undefined;
      for (const reference of references[index] ?? []) {
        const statistics = compare(words, this.#prepare(reference));
        const score = scoreOf(statistics);
        if (best === undefined || score > best.score) best = { score, statistics };
      }
      if (best === undefined) throw new ValueError(`METEOR: image ${index} has no reference.`);
      corpus = sum(corpus, best.statistics);
      return best.score;
    });
    return { meteor: scoreOf(corpus), perImage };
  }

  #prepare(tokens: Words): readonly MeteorWord[] {
    return meteorWords(tokens).map((text) => {
      const known = this.#known.get(text);
      if (known !== undefined) return known;
      const synsets = this.#wordnet?.synsets(text) ?? new Set<number>();
      const word = { text, stem: stem(text), synsets, isFunctionWord: isFunctionWord(text) };
      this.#known.set(text, word);
      return word;
    });
  }
}

function compare(candidate: readonly MeteorWord[], reference: readonly MeteorWord[]): Statistics {
  const matches = align(candidate, reference);
  const weight = (word: MeteorWord | undefined, stage: number) =>
    (STAGE_WEIGHTS[stage] ?? 0) * (word?.isFunctionWord ? 1 - DELTA : DELTA);
  let [own, theirs] = [0, 0];
  for (const match of matches) {
    own += weight(candidate[match.candidate], match.stage);
    theirs += weight(reference[match.reference], match.stage);
  }
  const functionWords = (words: readonly MeteorWord[]) =>
    words.filter((word) => word.isFunctionWord).length;
  return {
    lengths: [candidate.length, reference.length],
    functionWords: [functionWords(candidate), functionWords(reference)],
    matches: matches.length,
    weighted: [own, theirs],
    chunks: fragments(matches, candidate.length, reference.length),
  };
}

/** The chunks, but none where every word matches in order: then nothing is fragmented. */
function fragments(matches: readonly WordMatch[], candidate: number, reference: number): number {
  const chunks = countChunks(matches);
  const all = matches.length === candidate && matches.length === reference;
  return all && chunks === 1 ? 0 : chunks;
}

function scoreOf({ lengths, functionWords, matches, weighted, chunks }: Statistics): number {
  if (matches === 0) return 0;
  const weightedLength = (side: 0 | 1) =>
    DELTA * (lengths[side] - functionWords[side]) + (1 - DELTA) * functionWords[side];
  const precision = weighted[0] / weightedLength(0);
  const recall = weighted[1] / weightedLength(1);
  const mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  return mean * (1 - GAMMA * (chunks / matches) ** BETA);
}

function sum(a: Statistics, b: Statistics): Statistics {
  const pair = (x: Pair, y: Pair): Pair => [x[0] + y[0], x[1] + y[1]];
  return {
    lengths: pair(a.lengths, b.lengths),
    functionWords: pair(a.functionWords, b.functionWords),
    matches: a.matches + b.matches,
    weighted: pair(a.weighted, b.weighted),
    chunks: a.chunks + b.chunks,
  };
}
