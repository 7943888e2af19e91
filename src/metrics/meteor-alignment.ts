/** The alignment of two captions that METEOR scores. */

/** How two words match, best first: the same word, the same stem, the same meaning. */
export const STAGES = ['exact', 'stem', 'synonym'] as const;

/** A word as METEOR compares it. */
export interface MeteorWord {
  readonly text: string;
  readonly stem: string;
  readonly synsets: ReadonlySet<number>;
  readonly isFunctionWord: boolean;
}

/** A word of the candidate matched with one of the reference. */
export interface WordMatch {
  readonly candidate: number;
  readonly reference: number;
  /** Index into STAGES. */
  readonly stage: number;
}

/** A partial alignment of the reference's words, from the left. */
interface Path {
  /** The path that this one makes longer by a match; none at the start. */
  readonly before: Path | undefined;
  readonly match: WordMatch | undefined;
  /** Sum of the matches' search weights. */
  readonly weight: number;
  readonly chunks: number;
  readonly distance: number;
}

const BEAM = 40;
/** From this many pairs of words on, 200 words each, only one path is followed. */
const MOST_PAIRS = 40_000;
/** What a match counts in the search (not in the score). */
const SEARCH_WEIGHTS = [1, 0.5, 0.5] as const;

/**
 * The one-to-one alignment that METEOR scores: most matched words, an inexact one counting half;
 * then fewest chunks; then the shortest way between the positions of matched words. Words that can
 * match in one way only always do. The search is a beam of 40, as METEOR's own; pairs of captions of more
 * than 200 words each (or 100 and 400) are aligned word by word (`alignLong`), so that time grows with
 * the length and not with its square.
 * Source: Denkowski and Lavie 2011.
 */
export function align(
  candidate: readonly MeteorWord[],
  reference: readonly MeteorWord[],
): readonly WordMatch[] {
  if (candidate.length * reference.length > MOST_PAIRS) return alignLong(candidate, reference);
  const possible = reference.map((word, j) =>
    candidate.flatMap((other, i): WordMatch[] => {
      const stage = stageOf(other, word);
      return stage < 0 ? [] : [{ candidate: i, reference: j, stage }];
    }),
  );
  const rivals = new Map<number, number>();
  for (const { candidate: i } of possible.flat()) rivals.set(i, (rivals.get(i) ?? 0) + 1);
  const isDefinite = (matches: readonly WordMatch[]) =>
    matches.length === 1 && rivals.get(matches[0]?.candidate ?? -1) === 1;

  const start = { before: undefined, match: undefined, weight: 0, chunks: 0, distance: 0 };
  let paths: Path[] = [start];
  for (const matches of possible) {
    if (matches.length === 0) continue;
    const longer = paths.flatMap((path) => {
      const used = new Set(matchesOf(path).map((match) => match.candidate));
      const free = matches.filter((match) => !used.has(match.candidate));
      const extended = free.map((match) => extend(path, match));
      return isDefinite(matches) ? extended : [...extended, path];
    });
    paths = longer.sort(better).slice(0, BEAM);
  }
  return paths[0] ? matchesOf(paths[0]) : [];
}

/**
 * The alignment of long captions: each word of the reference takes the first free word that matches
 * it best, or the one behind the last match where that matches as well.
 */
function alignLong(
  candidate: readonly MeteorWord[],
  reference: readonly MeteorWord[],
): readonly WordMatch[] {
  const places = new PlacesOfWords(candidate);
  const used = new Set<number>();
  const matches: WordMatch[] = [];
  for (const [j, word] of reference.entries()) {
    const next = matches.at(-1);
    const behind = next?.reference === j - 1 ? candidate[next.candidate + 1] : undefined;
    let found: WordMatch | undefined;
    if (next && behind && !used.has(next.candidate + 1)) {
      const stage = stageOf(behind, word);
      if (stage >= 0) found = { candidate: next.candidate + 1, reference: j, stage };
    }
    if (found?.stage !== 0) {
      const [i, stage] = places.firstFree(word, used);
      const isBetter = weightOf(stage) > weightOf(found?.stage ?? -1);
      if (i !== undefined && isBetter) found = { candidate: i, reference: j, stage };
    }
    if (found === undefined) continue;
    used.add(found.candidate);
    matches.push(found);
  }
  return matches;
}

/** Where words stand in a caption, by what they can be matched by. */
class PlacesOfWords {
  readonly #byStage: readonly Map<string | number, Queue>[];

  constructor(words: readonly MeteorWord[]) {
    this.#byStage = STAGES.map(() => new Map());
    for (const [place, word] of words.entries()) {
      for (const [stage, keys] of keysOf(word).entries()) {
        for (const key of keys) {
          const queue = this.#byStage[stage]?.get(key);
          if (queue) queue.places.push(place);
          else this.#byStage[stage]?.set(key, { places: [place], next: 0 });
        }
      }
    }
  }

  /** The first place that is not used, by the best stage that has one; stage -1 if there is none. */
  firstFree(
    word: MeteorWord,
    used: ReadonlySet<number>,
  ): [place: number | undefined, stage: number] {
    for (const [stage, keys] of keysOf(word).entries()) {
      let first: number | undefined;
      for (const key of keys) {
        const queue = this.#byStage[stage]?.get(key);
        if (queue === undefined) continue;
        while (used.has(queue.places[queue.next] ?? -1)) queue.next++;
        const place = queue.places[queue.next];
        if (place !== undefined && (first === undefined || place < first)) first = place;
      }
      if (first !== undefined) return [first, stage];
    }
    return [undefined, -1];
  }
}

/** Places in order; those before `next` are used. */
interface Queue {
  readonly places: number[];
  next: number;
}

/** By stage, what two words must share to match. */
function keysOf(word: MeteorWord): readonly Iterable<string | number>[] {
  return [[word.text], [word.stem], word.synsets];
}

/** What a match of this stage counts in the search; nothing for -1, no match. */
function weightOf(stage: number): number {
  return SEARCH_WEIGHTS[stage] ?? 0;
}

function stageOf(a: MeteorWord, b: MeteorWord): number {
  if (a.text === b.text) return 0;
  if (a.stem === b.stem) return 1;
  for (const synset of a.synsets) if (b.synsets.has(synset)) return 2;
  return -1;
}

function extend(path: Path, match: WordMatch): Path {
  const isNewChunk = !continues(path.match, match);
  return {
    before: path,
    match,
    weight: path.weight + weightOf(match.stage),
    chunks: path.chunks + (isNewChunk ? 1 : 0),
    distance: path.distance + Math.abs(match.candidate - match.reference),
  };
}

function continues(last: WordMatch | undefined, next: WordMatch): boolean {
  return (
    last !== undefined &&
    last.candidate + 1 === next.candidate &&
    last.reference + 1 === next.reference
  );
}

/** The matches of a path from its start on. */
function matchesOf(path: Path): readonly WordMatch[] {
  const matches: WordMatch[] = [];
  for (let at: Path | undefined = path; at?.match; at = at.before) matches.push(at.match);
  return matches.reverse();
}

function better(a: Path, b: Path): number {
  return b.weight - a.weight || a.chunks - b.chunks || a.distance - b.distance;
}

/** Runs of matches that are neighbours in both captions: few when the order of words agrees. */
export function countChunks(matches: readonly WordMatch[]): number {
  return matches.filter((match, index) => !continues(matches[index - 1], match)).length;
}
