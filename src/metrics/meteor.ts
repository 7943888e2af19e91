/** METEOR 1.5 for English: its words, and its score from their alignment. */
import { ValueError } from '../errors.js';
import { align, countChunks, type MeteorWord, type WordMatch } from './meteor-alignment.js';
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

const LETTER = String.raw`\p{Script=Latin}\p{Script=Cyrillic}`;
const OTHER_SIGN = new RegExp(String.raw`([^${LETTER}0-9\s.'\x60,\-‘’])`, 'gu');
const INNER_HYPHEN = new RegExp(`(?<=[${LETTER}0-9.])-(?=[${LETTER}0-9])`, 'gu');
const CLITIC = new RegExp(`(?<=[${LETTER}])'(?=[${LETTER}])|(?<=[0-9])'(?=s)`, 'gu');

/**
 * The words that METEOR compares: its `-norm` step, applied to what the Penn Treebank tokenizer
 * left. Hyphens inside words become spaces ("t-shirt": two words), signs stand alone, an
 * apostrophe between letters begins a word ("n't": `n`, `'t`), dots in acronyms go (`u.s.`: `us`),
 * other final dots stand alone at the end.
 */
export function meteorWords(tokens: Words): Words {
  const words = tokens
    .join(' ')
    .toLowerCase()
    .replace(OTHER_SIGN, ' $1 ')
    .replace(/(?<!\d),|,(?!\d)/g, ' , ')
    .replace(/[`‘’]/g, "'")
    .replace(INNER_HYPHEN, ' ')
    .replace(CLITIC, " '")
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.flatMap((word, index) => {
    if (word.length < 2 || !word.endsWith('.')) return [word];
    const lastInnerDot = word.lastIndexOf('.', word.length - 2);
    if (/\p{L}/u.test(word.slice(0, Math.max(0, lastInnerDot)))) return [word.replaceAll('.', '')];
    return /^\p{Ll}/u.test(words[index + 1] ?? '') ? [word] : [word.slice(0, -1), '.'];
  });
}

/**
 * English words so frequent that METEOR lets them count less than content words. METEOR takes all
 * above one in a thousand in news text; this is a list of our own to that rule, so its values
 * differ in a few words.
 */
const LIST = `
  a about after all also an and any are as at be been before being but by can could did do does down
  during each even first for from had has have he her him his how i if in into is it its just like
  many may more most much my new no not now of off on one only or other our out over own said same
  she should so some such than that the their them then there these they this those through to too
  two under up very was we well were what when where which while who will with would you your
  's 't 're 've 'll 'd 'm n't ' " - -- . , ; : ! ? ( ) [ ] & / %
`;

/** Whether METEOR discounts this word, which is in small letters. */
export function isFunctionWord(word: string): boolean {
  return WORDS.has(word);
}

const WORDS: ReadonlySet<string> = new Set(LIST.trim().split(/\s+/));
