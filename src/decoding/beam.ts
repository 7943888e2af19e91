/** Beam search, and diverse beam search. */
import { blockedWords, type Constraints } from './constraints.js';
import type { Path } from './hypothesis.js';
import { type LengthPenalty, penalisedScore } from './hypothesis.js';
import type { Candidates, ScoredStep } from './scored-step.js';
import type { Continuation, Search } from './search.js';

/** How wide a beam is and how it is ranked. */
export interface BeamSettings {
  /** B: hypotheses for each image, in all groups together. */
  readonly beam: number;
  /** How many of them are wanted. */
  readonly nBest: number;
  readonly lengthPenalty: LengthPenalty;
  /** G: divides B. */
  readonly diverseGroups: number;
  /** λ: what a word costs for each time that an earlier group chose it in the same step. */
  readonly diversity: number;
}

/** A part of an image's beam. */
interface Group {
  /** Rows of the paths that go on, best first. */
  open: number[];
  /** Finished paths, also those that have lost their place. */
  readonly closed: Path[];
}

interface Extension {
  readonly row: number;
  readonly word: number;
  readonly logProbability: number;
  /** What decides in this step. */
  readonly score: number;
}

/**
 * Beam search: the B best beginnings of each image are kept and extended by every word, and of the
 * extensions the B best are kept again.
 *
 * A hypothesis that took `<END>` keeps its place in the beam for as long as no B others are better,
 * and the search for an image ends when only finished ones are left. It stays found even when it
 * lost its place, so a caption whose later words are improbable does not push it out. A path that reaches
 * the longest length competes as it is. All are ranked with the length penalty at the length that
 * they have; of equals the earlier one and then the first word wins. B = 1 is the greedy search,
 * whatever the penalty. The search stops early only when nothing open can get among the `nBest`.
 *
 * With groups it is diverse beam search (Vijayakumar et al. 2016, "Diverse beam search"), with
 * Hamming diversity: B / G hypotheses a group, and groups choose one after the other, where a word
 * (`<END>` too) costs λ for each time that an earlier group took it in this step. The cost steers
 * the choice of this step only and is no part of any log-probability.
 */
export class BeamSearch implements Search {
  readonly #constraints: Constraints;
  readonly #settings: BeamSettings;
  readonly #images: Group[][];

  constructor(images: number, constraints: Constraints, settings: BeamSettings) {
    this.#constraints = constraints;
    this.#settings = settings;
    this.#images = Array.from({ length: images }, (_, image) =>
      Array.from({ length: settings.diverseGroups }, () => ({ open: [image], closed: [] })),
    );
  }

  choose(step: ScoredStep, paths: readonly Path[]): Continuation[] {
    const blocked = paths.map((path) => blockedWords(path, this.#constraints));
    // B is enough for groups, too: B / G words for one, and as many that each other could spoil.
    const best = step.best(this.#settings.beam, blocked);
    const next: Continuation[] = [];
    for (const groups of this.#images) {
      const timesChosen = new Map<number, number>();
      const continued = groups.map((group) => {
        this.#closeStuck(group, paths, best);
        const extensions = this.#extensions(group, paths, best, timesChosen);
        for (const { word } of extensions) timesChosen.set(word, (timesChosen.get(word) ?? 0) + 1);
        return this.#advance(group, extensions, step, paths);
      });
      const settled = this.#isSettled(groups, continued.flat());
      for (const [index, group] of groups.entries()) {
        group.open = settled ? [] : (continued[index] ?? []).map((one) => next.push(one) - 1);
      }
    }
    return next;
  }

  finish(paths: readonly Path[]): Path[][] {
    return this.#images.map((groups) => {
      const found = groups.flatMap(({ open, closed }) => [
        ...closed,
        ...open.flatMap((row) => paths[row] ?? []),
      ]);
      return found.sort((a, b) => this.#score(b) - this.#score(a)).slice(0, this.#settings.nBest);
    });
  }

  /** Sets aside captions for which every word is blocked: they stay as they are. */
  #closeStuck(group: Group, paths: readonly Path[], best: readonly Candidates[]): void {
    const isStuck = (row: number) => best[row]?.words.length === 0;
    group.closed.push(...group.open.filter(isStuck).flatMap((row) => paths[row] ?? []));
    group.open = group.open.filter((row) => !isStuck(row));
  }

  /** The extensions of a group's open paths that get a place beside what is finished. */
  #extensions(
    { open, closed }: Group,
    paths: readonly Path[],
    best: readonly Candidates[],
    timesChosen: ReadonlyMap<number, number>,
  ): Extension[] {
    const { beam, diverseGroups, diversity, lengthPenalty } = this.#settings;
    const all: Extension[] = [];
    for (const row of open) {
      const { total, length } = paths[row] ?? { total: 0, length: 0 };
      const { words, logProbabilities } = best[row] ?? { words: [], logProbabilities: [] };
      for (let i = 0; i < words.length; i++) {
        const [word = 0, logProbability = 0] = [words[i], logProbabilities[i]];
        const cost = diversity * (timesChosen.get(word) ?? 0);
        const score = penalisedScore(total + logProbability - cost, length + 1, lengthPenalty);
        all.push({ row, word, logProbability, score });
      }
    }
    all.sort((a, b) => b.score - a.score);
    const finished = closed.map((path) => this.#score(path));
    const places = beam / diverseGroups;
    return all.slice(0, places).filter(({ score }, better) => {
      return better + finished.filter((other) => other >= score).length < places;
    });
  }

  /** Sets aside what is finished and returns what goes on. */
  #advance(
    { closed }: Group,
    extensions: readonly Extension[],
    step: ScoredStep,
    paths: readonly Path[],
  ): Continuation[] {
    const continued: Continuation[] = [];
    for (const { row, word, logProbability } of extensions) {
      const previous = paths[row];
      if (!previous) continue;
      const path = step.extend(previous, row, word, logProbability);
      if (word === this.#constraints.endWord) closed.push(path);
      else continued.push({ path, row });
    }
    return continued;
  }

  /**
   * Whether nothing open can get among the n best any more. A total only falls, and a penalty
   * divides it by no more than that of the longest length.
   */
  #isSettled(groups: readonly Group[], open: readonly Continuation[]): boolean {
    const { nBest, lengthPenalty } = this.#settings;
    const scores = groups.flatMap(({ closed }) => closed.map((path) => this.#score(path)));
    const worst = scores.sort((a, b) => b - a)[nBest - 1];
    if (worst === undefined) return false;
    const length = this.#constraints.maxLength;
    return open.every(({ path }) => penalisedScore(path.total, length, lengthPenalty) <= worst);
  }

  #score({ total, length }: Path): number {
    return penalisedScore(total, length, this.#settings.lengthPenalty);
  }
}
