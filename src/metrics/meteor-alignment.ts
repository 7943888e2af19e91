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
  readonly matches: readonly WordMatch[];
  readonly used: ReadonlySet<number>;
  /** Sum of the matches' search weights. */
  readonly weight: number;
  readonly chunks: number;
  readonly distance: number;
}

const BEAM = 40;
/** What a match counts in the search (not in the score). */
const SEARCH_WEIGHTS = [1, 0.5, 0.5] as const;

/**
 * The one-to-one alignment that METEOR scores: most matched words, an inexact one counting half;
 * then fewest chunks; then the shortest way between the positions of matched words. Words that can
 * match in one way only always do. The search is a beam of 40, as METEOR's own.
 * Source: Denkowski and Lavie 2011.
 */
export function align(
  candidate: readonly MeteorWord[],
  reference: readonly MeteorWord[],
): readonly WordMatch[] {
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

  let paths: Path[] = [{ matches: [], used: new Set(), weight: 0, chunks: 0, distance: 0 }];
  for (const matches of possible) {
    if (matches.length === 0) continue;
    const longer = paths.flatMap((path) => {
      const free = matches.filter((match) => !path.used.has(match.candidate));
      const extended = free.map((match) => extend(path, match));
      return isDefinite(matches) ? extended : [...extended, path];
    });
    paths = longer.sort(better).slice(0, BEAM);
  }
  return paths[0]?.matches ?? [];
}

function stageOf(a: MeteorWord, b: MeteorWord): number {
  if (a.text === b.text) return 0;
  if (a.stem === b.stem) return 1;
  for (const synset of a.synsets) if (b.synsets.has(synset)) return 2;
  return -1;
}

function extend(path: Path, match: WordMatch): Path {
  const isNewChunk = !continues(path.matches.at(-1), match);
  return {
    matches: [...path.matches, match],
    used: new Set(path.used).add(match.candidate),
    weight: path.weight + (SEARCH_WEIGHTS[match.stage] ?? 0),
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

function better(a: Path, b: Path): number {
  return b.weight - a.weight || a.chunks - b.chunks || a.distance - b.distance;
}

/** Runs of matches that are neighbours in both captions: few when the order of words agrees. */
export function countChunks(matches: readonly WordMatch[]): number {
  return matches.filter((match, index) => !continues(matches[index - 1], match)).length;
}
