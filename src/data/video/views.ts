/** Which steps of a clip a network is shown: a window of neighbours, some spread evenly, or all of them. */
import { z } from 'zod';
import type { Random } from '../../random.js';

/** Ways to take steps of a clip: see `viewInTraining` and `viewsToJudge`. */
export const takes = ['window', 'even', 'whole'] as const;
export type Take = (typeof takes)[number];

const positive = z.int().positive();

/** How steps are taken, as a model file holds it. */
export const viewSchema = z.object({
  take: z.enum(takes).meta({
    flag: '--take <kind>',
    help: 'neighbouring frames, frames spread evenly over the clip, or all of them',
  }),
  /** T; of `whole` the most that are taken: a longer clip is thinned out evenly. */
  frames: positive.max(100_000).meta({
    flag: '--frames <count>',
    help: 'that are seen at once; of whole clips: the most',
  }),
});
export type ViewOptions = z.output<typeof viewSchema>;

/** Numbers of the steps that are seen, in order; one may come more than once. */
export type View = Int32Array;

/**
 * The steps of a clip of `length` that are seen in one epoch of training:
 *
 *     window   T neighbours from a random place on; of a shorter clip all, and its last one again and again
 *     even     one at random of each of T parts of equal length
 *     whole    all; of a clip of more than T steps, as even
 *
 * @param trim of the clip, from 0 to below 1: so much is left out at most, at its begin and its end together, before
 *   steps are taken of the rest.
 */
export function viewInTraining(view: ViewOptions, length: number, random: Random, trim = 0): View {
  if (trim === 0) return takenOf(view, length, random);
  const out = Math.min(length - 1, Math.round(trim * random.uniform() * length));
  const begin = random.integer(out + 1);
  return takenOf(view, length - out, random).map((step) => begin + step);
}

function takenOf({ take, frames }: ViewOptions, length: number, random: Random): View {
  if (take === 'window')
    return windowFrom(random.integer(Math.max(1, length - frames + 1)), frames, length);
  const T = take === 'whole' ? Math.min(frames, length) : frames;
  return evenly(T, length, () => random.uniform());
}

/** By how many views a clip is judged. */
export interface JudgedBy {
  /** Steps from the begin of one window to that of the next (default: half a window). */
  readonly hop?: number | undefined;
  /** Views of steps that are spread evenly, each of other steps (default: 1). */
  readonly views?: number | undefined;
}

/**
 * The views by which a clip is judged; a network's answers to all of them are averaged.
 *
 *     window   windows at 0, hop, 2 hop, ... and one at the end
 *     even     V views: of each of T parts the step at (v + 0.5) / V of it, v = 0 .. V - 1
 *     whole    all; of a clip of more than T steps, as even
 */
export function viewsToJudge(
  { take, frames }: ViewOptions,
  length: number,
  { hop = Math.max(1, frames >> 1), views = 1 }: JudgedBy = {},
): View[] {
  if (take === 'whole' && length <= frames) return [evenly(length, length, () => 0.5)];
  if (take !== 'window') {
    return Array.from({ length: views }, (_, v) => evenly(frames, length, () => (v + 0.5) / views));
  }
  const last = Math.max(0, length - frames);
  const starts = Array.from({ length: Math.floor(last / hop) + 1 }, (_, i) => i * hop);
  if (starts.at(-1) !== last) starts.push(last);
  return starts.map((start) => windowFrom(start, frames, length));
}

function windowFrom(start: number, T: number, length: number): View {
  return Int32Array.from({ length: T }, (_, t) => Math.min(start + t, length - 1));
}

/** One step of each of T parts; `share`, from 0 to 1, says where in its part. */
function evenly(T: number, length: number, share: () => number): View {
  return Int32Array.from({ length: T }, (_, t) =>
    Math.min(length - 1, Math.floor(((t + share()) * length) / T)),
  );
}
