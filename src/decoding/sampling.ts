/** Draws words at random, with a temperature and from the nucleus. */
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
    cutToNucleus(weights, topP);
    normalise(weights);
  }
  return weights;
}

/** The place of one of the candidates; undefined when none is allowed. */
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
    chosen = i;
    left -= probability;
    if (left < 0) break;
  }
  return chosen;
}

/** Sets to 0 what is outside the nucleus. */
function cutToNucleus(probabilities: Float64Array, topP: number): void {
  // Words below this have, all together, no more than what the nucleus leaves out: in a trained
  // model most are, and need not be sorted.
  const negligible = (1 - topP) / probabilities.length;
  const falling = probabilities.filter((probability) => probability > negligible);
  falling.sort().reverse();
  let inside = 0;
  for (let sum = 0; sum < topP && inside < falling.length; inside++) sum += falling[inside] ?? 0;
  const smallest = falling[inside - 1] ?? 0;
  // Of those that are as probable as the last one inside, the first ones are in.
  let places = inside - falling.indexOf(smallest);
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i] ?? 0;
    if (probability > smallest || (probability === smallest && places-- > 0)) continue;
    probabilities[i] = 0;
  }
}

function normalise(weights: Float64Array): void {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] ?? 0;
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] ?? 0) / sum;
}
