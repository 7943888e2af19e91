/** How sequences become numbers of about unit size, by what the training sequences are like. */
import { z } from 'zod';
import type { Sequence } from './clip.js';

/** Found on the training sequences, and kept in the model file. */
export const sequenceScaleSchema = z.object({
  /** The D numbers are points of so many coordinates, such as joints of a body: each clip is centred on the mean of its own. */
  points: z.int().min(1).max(16).optional(),
  /** (D): of centred sequences. */
  mean: z.array(z.number()),
  /** Of all numbers together, above 0. */
  deviation: z.number().positive(),
});
export type SequenceScale = z.output<typeof sequenceScaleSchema>;

/**
 * The scale of some sequences of D numbers a step; of constant ones the deviation is 1.
 * @param sequences are gone through twice: they need not all be in memory.
 */
export function sequenceScaleOf(
  sequences: Iterable<Sequence>,
  points: number | undefined,
): SequenceScale {
  let sums = new Float64Array(0);
  let [steps, squares] = [0, 0];
  for (const sequence of sequences) {
    const { D } = sequence;
    if (sums.length === 0) sums = new Float64Array(D);
    const values = centredValues(sequence, points);
    for (const [i, value] of values.entries()) sums[i % D] = (sums[i % D] ?? 0) + value;
    steps += values.length / D;
  }
  const D = sums.length;
  const mean = Array.from(sums, (sum) => sum / Math.max(1, steps));
  for (const sequence of sequences) {
    const values = centredValues(sequence, points);
    for (const [i, value] of values.entries()) squares += (value - (mean[i % D] ?? 0)) ** 2;
  }
  const deviation = Math.sqrt(squares / Math.max(1, steps * D));
  return { ...(points !== undefined && { points }), mean, deviation: deviation || 1 };
}

/** The values with the mean of each coordinate, over all points and steps of the clip, taken away; without points as they are. */
export function centredValues({ values }: Sequence, points: number | undefined): Float32Array {
  if (points === undefined) return values;
  const sums = new Float64Array(points);
  for (const [i, value] of values.entries()) sums[i % points] = (sums[i % points] ?? 0) + value;
  const count = values.length / points;
  return values.map((value, i) => value - (sums[i % points] ?? 0) / count);
}
