import type { Random } from '../random.js';
import type { Candidates } from './scored-step.js';

/** How a word is drawn. */
export interface SamplingSettings {
  /** Divides the log-probabilities: below 1 the likely words become likelier. */
  readonly temperature: number;
  /** Share of the probability, most probable words first, that is drawn from; 1 is all of it. */
  readonly topP: number;
}

/**
 * The probabilities that candidates are drawn with; they sum to 1, or are all 0 when no candidate
 * is allowed.
 *
 *     q[i] is proportional to p[i]^(1 / temperature) on the nucleus, and 0 outside
 *
 * The nucleus is the smallest set of most probable candidates (the first of equals) whose
 * probability, after the temperature, is at least `topP`. Source: Holtzman et al. 2020, "The
 * curious case of neural text degeneration".
 */
export function samplingProbabilities(
  { logProbabilities }: Candidates,
  { temperature, topP }: SamplingSettings,
): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logProbabilities.length; i++) {
    largest = Math.max(largest, logProbabilities[i] ?? largest);
  }
  const weights = new Float64Array(logProbabilities.length);
  if (largest === Number.NEGATIVE_INFINITY) return weights;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = Math.exp(((logProbabilities[i] ?? largest) - largest) / temperature);
  }
  normalise(weights);
  if (topP < 1) {
    const inside = nucleus(weights, topP);
    for (let i = 0; i < weights.length; i++) if (!inside.has(i)) weights[i] = 0;
    normalise(weights);
  }
  return weights;
}

/** One of the candidates' words; undefined when none is allowed. */
export function draw(
  candidates: Candidates,
  settings: SamplingSettings,
  random: Random,
): number | undefined {
  const probabilities = samplingProbabilities(candidates, settings);
  let left = random.uniform();
  let chosen: number | undefined;
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i] ?? 0;
    if (probability === 0) continue;
    // Rounding may leave the sum just below 1: the last possible word takes what remains.
    chosen = candidates.words[i];
    left -= probability;
    if (left < 0) break;
  }
  return chosen;
}

function nucleus(probabilities: Float64Array, topP: number): Set<number> {
  // Words below this have, all together, no more than what the nucleus leaves out: so only the
  // others need to be sorted.
  const negligible = (1 - topP) / probabilities.length;
  const order = [...probabilities.keys()].filter((i) => (probabilities[i] ?? 0) > negligible);
  order.sort((i, j) => (probabilities[j] ?? 0) - (probabilities[i] ?? 0));
  const inside = new Set<number>();
  let sum = 0;
  for (const i of order) {
    if (sum >= topP) break;
    inside.add(i);
    sum += probabilities[i] ?? 0;
  }
  return inside;
}

function normalise(weights: Float64Array): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] ?? 0) / sum;
}
