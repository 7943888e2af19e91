/** Which frames of a clip are taken: all, so many evenly over it, or so many a second. */
import { z } from 'zod';
import { ValueError } from '../../errors.js';

/** Which frames of a clip are taken; without either, all that it has. */
export const samplingSchema = z.object({
  /**
   * T frames, those at (i + 0.5) / T of the clip's N frames: floor((i + 0.5) N / T), i = 0 .. T - 1. Of a
   * clip with fewer frames some are taken several times.
   */
  frames: z
    .int()
    .min(1)
    .optional()
    .meta({ flag: '--frames <count>', help: 'so many frames of each clip, evenly over it' }),
  /** The frames shown at k / rate seconds, k = 0, 1, ...; a frame that stays longer is taken several times. */
  rate: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .meta({ flag: '--frame-rate <number>', help: 'so many frames a second of each clip' }),
});

export type Sampling = Readonly<z.infer<typeof samplingSchema>>;

/** @throws ValueError naming what cannot be meant */
export function checkSampling({ frames, rate }: Sampling): void {
  if (frames !== undefined && !(Number.isInteger(frames) && frames >= 1)) {
    throw new ValueError(`${frames} frames cannot be taken of a clip: say a whole number from 1.`);
  }
  if (rate !== undefined && !(rate > 0 && rate <= 1000)) {
    throw new ValueError(
      `A clip cannot be read at ${rate} frames a second: say a rate above 0, at most 1000.`,
    );
  }
  if (frames !== undefined && rate !== undefined) {
    throw new ValueError(
      `Frames are taken evenly (${frames} of them) or by rate (${rate} a second), not both: leave one out.`,
    );
  }
}

/** `16 frames evenly`, `2 frames a second`, `all frames`. */
export function describeSampling({ frames, rate }: Sampling): string {
  if (frames !== undefined) return frames === 1 ? '1 frame' : `${frames} frames evenly`;
  return rate === undefined ? 'all frames' : `${rate} frame${rate === 1 ? '' : 's'} a second`;
}

/** Of a clip with N frames the places of T, evenly over it. */
export function evenPlaces(N: number, T: number): number[] {
  return Array.from({ length: T }, (_, i) => Math.floor(((2 * i + 1) * N) / (2 * T)));
}

/** A frame that is taken: its place among the clip's frames, and when it is shown, in seconds. */
export interface TakenFrame {
  readonly place: number;
  readonly time: number;
}

/** Seconds by which times may differ that mean the same. */
const SAME_TIME = 1e-6;

/**
 * The frames that are taken of a clip whose times are known.
 * @param times in ascending order.
 * @param end when the last frame ends.
 */
export function takenFrames(
  times: ArrayLike<number>,
  end: number,
  { frames, rate }: Sampling,
): TakenFrame[] {
  const N = times.length;
  const at = (place: number): TakenFrame => ({ place, time: times[place] ?? 0 });
  if (N === 0) return [];
  if (frames !== undefined) return evenPlaces(N, frames).map(at);
  if (rate === undefined) return Array.from({ length: N }, (_, place) => at(place));
  const taken: TakenFrame[] = [];
  let place = 0;
  for (let k = 0; k / rate < end - SAME_TIME; k++) {
    while ((times[place + 1] ?? Number.POSITIVE_INFINITY) <= k / rate + SAME_TIME) place++;
    taken.push({ place, time: k / rate });
  }
  return taken;
}
