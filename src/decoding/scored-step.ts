/** The scores of one step as log-probabilities. */
import { ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { dimensions } from '../tensor/shape.js';
import { empty, type HostArray, type Tensor } from '../tensor/tensor.js';
import type { Path } from './hypothesis.js';

/** Words that a caption could go on with, and their log-probabilities; -infinity: it may not. */
export interface Candidates {
  readonly words: ArrayLike<number>;
  readonly logProbabilities: ArrayLike<number>;
}

/**
 * The scores of one step as log-probabilities:
 *
 *     log p[r, w] = scores[r, w] - log sum over v of exp scores[r, v]
 *
 * Subtracted in float64. Nothing of the scores is copied to the host but what is asked for.
 */
export class ScoredStep {
  /** V. */
  readonly vocabularySize: number;
  readonly #rows: number;
  readonly #scores: Tensor;
  readonly #attention: Tensor | undefined;
  readonly #logSums: HostArray;
  #hostScores: HostArray | undefined;
  #everyWord: Int32Array | undefined;
  #hostAttention: HostArray | undefined;

  /** @throws ValueError when a row of the scores has no probabilities (NaN or infinite scores). */
  constructor({ scores, attention }: { scores: Tensor; attention?: Tensor | undefined }) {
    const { N, V } = dimensions('decode', { scores: [scores, 'N', 'V'] });
    const logSums = empty('f64', [N]);
    kernelsFor(scores).logSumExpRows(scores, logSums, N, V);
    this.vocabularySize = V;
    this.#rows = N;
    this.#scores = scores;
    this.#attention = attention;
    this.#logSums = logSums.dataSync();
    const bad = this.#logSums.findIndex((sum) => !Number.isFinite(sum));
    if (bad >= 0) {
      throw new ValueError(
        `the model's scores of row ${bad} hold NaN or infinity: it cannot be decoded`,
      );
    }
  }

  /** log p[row, word]. */
  logProbability(row: number, word: number): number {
    return this.#score(row, word) - this.#logSum(row);
  }

  /** For each row its `k` most probable words that are not blocked, falling, the first of equals. */
  best(k: number, blocked: readonly ReadonlySet<number>[]): Candidates[] {
    // Blocked words may take the first places: so many more are looked at.
    const most = blocked.reduce((most, { size }) => Math.max(most, size), 0);
    const taken = Math.min(k + most, this.vocabularySize);
    const values = empty(this.#scores.float, [this.#rows, taken]);
    const places = empty('i32', [this.#rows, taken]);
    kernelsFor(this.#scores).topRows(
      this.#scores,
      values,
      places,
      this.#rows,
      this.vocabularySize,
      taken,
    );
    const [scores, words] = [values.dataSync(), places.dataSync()];
    return blocked.map((never, row) => {
      const best = { words: [] as number[], logProbabilities: [] as number[] };
      for (let i = row * taken; i < (row + 1) * taken && best.words.length < k; i++) {
        const [word = -1, score = 0] = [words[i], scores[i]];
        if (word < 0 || never.has(word)) continue;
        best.words.push(word);
        best.logProbabilities.push(score - this.#logSum(row));
      }
      return best;
    });
  }

  /** Every word of a row in the order of the vocabulary, the blocked ones at -infinity. */
  all(row: number, blocked: ReadonlySet<number>): Candidates {
    this.#hostScores ??= this.#scores.dataSync();
    this.#everyWord ??= Int32Array.from({ length: this.vocabularySize }, (_, word) => word);
    const start = row * this.vocabularySize;
    const logSum = this.#logSum(row);
    const scores = this.#hostScores.subarray(start, start + this.vocabularySize);
    const logProbabilities = new Float64Array(scores);
    for (let word = 0; word < logProbabilities.length; word++) {
      logProbabilities[word] = (logProbabilities[word] ?? Number.NaN) - logSum;
    }
    for (const word of blocked) logProbabilities[word] = Number.NEGATIVE_INFINITY;
    return { words: this.#everyWord, logProbabilities };
  }

  /** A path, which went on in `row`, with one word more. */
  extend(previous: Path, row: number, word: number, logProbability?: number): Path {
    const gained = logProbability ?? this.logProbability(row, word);
    return {
      previous,
      word,
      logProbability: gained,
      total: previous.total + gained,
      length: previous.length + 1,
      attention: this.#attentionOf(row),
    };
  }

  #score(row: number, word: number): number {
    this.#hostScores ??= this.#scores.dataSync();
    return this.#hostScores[row * this.vocabularySize + word] ?? Number.NaN;
  }

  #logSum(row: number): number {
    return this.#logSums[row] ?? Number.NaN;
  }

  #attentionOf(row: number): HostArray | undefined {
    if (!this.#attention) return undefined;
    this.#hostAttention ??= this.#attention.dataSync();
    const each = this.#hostAttention.length / this.#rows;
    return this.#hostAttention.slice(row * each, (row + 1) * each);
  }
}
