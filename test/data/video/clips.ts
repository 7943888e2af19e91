/** Small clips for tests: the pixels say which frame they are of. */
import type { Clip } from '@/data/video/clip.js';

/** A clip in which frame t has the value 5 t everywhere. */
export function countingClip(
  T: number,
  {
    width = 8,
    height = 6,
    channels = 3 as 1 | 3,
    times = Array.from({ length: T }, (_, t) => t / 10),
  } = {},
): Clip {
  const size = width * height * channels;
  const values = Uint8Array.from({ length: T * size }, (_, i) => 5 * Math.floor(i / size));
  return { width, height, channels, values, times: Float64Array.from(times) };
}

/** Which frames a counting clip has, by their first values. */
export function framesOf({ values, times }: Clip): number[] {
  const size = values.length / times.length;
  return Array.from(times, (_, t) => Math.round((values[t * size] ?? 0) / 5));
}
