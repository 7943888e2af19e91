/** Decoders whose captions do not compete: greedy, sampling, and words that are given. */
import { Random } from '../random.js';
import { blockedWords, type Constraints } from './constraints.js';
import type { Path } from './hypothesis.js';
import { draw, type SamplingSettings } from './sampling.js';
import type { Candidates, ScoredStep } from './scored-step.js';
import type { Continuation, Search } from './search.js';

/** The next word for a caption, by its number, in a row; undefined when there is none. */
type Choose = (row: number, caption: number) => Choice | undefined;

/** A word and, where it is known already, its log-probability. */
interface Choice {
  readonly word: number;
  readonly logProbability?: number | undefined;
}

/** Where a caption goes on. */
interface Place {
  readonly caption: number;
  readonly row: number;
}

/**
 * Captions that are decoded independently: each takes one word after the other until `<END>`.
 * `chooser` says, once a step, how their words are chosen.
 */
class WordByWord implements Search {
  readonly #chooser: (step: ScoredStep, paths: readonly Path[]) => Choose;
  readonly #endWord: number;
  readonly #each: number;
  readonly #done: (Path | undefined)[];
  /** The captions that go on, each with its row. */
  #open: Place[];

  /** @param options.each captions for an image; they start from the same row. */
  constructor(
    chooser: (step: ScoredStep, paths: readonly Path[]) => Choose,
    { images, endWord, each = 1 }: { images: number; endWord: number; each?: number },
  ) {
    this.#chooser = chooser;
    this.#endWord = endWord;
    this.#each = each;
    this.#done = new Array(images * each);
    this.#open = Array.from({ length: images * each }, (_, caption) => ({
      caption,
      row: Math.floor(caption / each),
    }));
  }

  choose(step: ScoredStep, paths: readonly Path[]): Continuation[] {
    const chosen = this.#chooser(step, paths);
    const next: Continuation[] = [];
    const open: Place[] = [];
    for (const { caption, row } of this.#open) {
      const path = paths[row];
      if (!path) continue;
      const choice = chosen(row, caption);
      const longer = choice ? step.extend(path, row, choice.word, choice.logProbability) : path;
      if (!choice || choice.word === this.#endWord) {
        this.#done[caption] = longer;
      } else {
        open.push({ caption, row: next.length });
        next.push({ path: longer, row });
      }
    }
    this.#open = open;
    return next;
  }

  finish(paths: readonly Path[]): Path[][] {
    for (const { caption, row } of this.#open) this.#done[caption] = paths[row];
    const images = this.#done.length / this.#each;
    return Array.from({ length: images }, (_, image) =>
      this.#done
        .slice(image * this.#each, (image + 1) * this.#each)
        .filter((path) => path !== undefined),
    );
  }
}

/** The most probable word each time, the first of equals. */
export function greedySearch(images: number, constraints: Constraints): Search {
  return new WordByWord(
    (step, paths) => {
      const best = step.best(
        1,
        paths.map((path) => blockedWords(path, constraints)),
      );
      return (row) => candidate(best[row], 0);
    },
    { images, endWord: constraints.endWord },
  );
}

/**
 * Words drawn at random, `draws` captions for each image. Every caption has a generator of its
 * own, seeded from `random` in the order of the images: so it does not matter in which batches
 * images come, as long as one `random` goes through all of them.
 *
 * With `topK`, only the so many most probable words are drawn from (Fan et al. 2018), before
 * temperature and nucleus come in.
 */
export function samplingSearch(
  images: number,
  constraints: Constraints,
  settings: SamplingSettings & { readonly topK?: number | undefined; readonly draws: number },
  random: Random,
): Search {
  const { topK, draws } = settings;
  const generators = Array.from({ length: images * draws }, () => new Random(random.uint32()));
  return new WordByWord(
    (step, paths) => {
      const blocked = paths.map((path) => blockedWords(path, constraints));
      const best = topK === undefined ? undefined : step.best(topK, blocked);
      return (row, caption) => {
        const generator = generators[caption] ?? random;
        const candidates = best?.[row] ?? step.all(row, blocked[row] ?? new Set());
        return candidate(candidates, draw(candidates, settings, generator));
      };
    },
    { images, endWord: constraints.endWord, each: draws },
  );
}

/** The candidate at a place, if there is one. */
function candidate(from: Candidates | undefined, place: number | undefined): Choice | undefined {
  const word = place === undefined ? undefined : from?.words[place];
  return word === undefined
    ? undefined
    : { word, logProbability: from?.logProbabilities[place ?? 0] };
}

/** The words that are given, and then `<END>` for those that are finished. */
export function givenWords(
  captions: readonly { readonly words: readonly number[]; readonly finished: boolean }[],
  endWord: number,
): Search {
  return new WordByWord(
    (_step, paths) => (row, caption) => {
      const given = captions[caption];
      const word = given?.words[paths[row]?.length ?? 0] ?? (given?.finished ? endWord : undefined);
      return word === undefined ? undefined : { word };
    },
    { images: captions.length, endWord },
  );
}
