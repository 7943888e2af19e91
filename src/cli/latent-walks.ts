/** Ways through a space of codes: from one to the next, and along one value after the other. */
import { UsageError } from '../errors.js';
import type { LatentSpace } from '../tasks/generation.js';

/** From each code to the next, and from the last to the first, a row each. */
export function walk(
  { codes, size }: LatentSpace,
  { stops, steps, seed }: { readonly stops: number; readonly steps: number; readonly seed: number },
): Float32Array[] {
  const drawn = inPieces(codes({ first: 0, count: stops, seed }), size);
  return drawn.map((from, n) => {
    const to = drawn[(n + 1) % drawn.length] ?? from;
    const row = new Float32Array(steps * size);
    for (let t = 0; t < steps; t++) row.set(between(from, to, t / steps), t * size);
    return row;
  });
}

/**
 * A code between two, along the arc (Shoemake 1985): normal codes of many values all lie about as far from 0, and
 * the straight line between two of them goes through pictures that are nearer to it than any that are drawn.
 */
export function between(from: Float32Array, to: Float32Array, share: number): Float32Array {
  const product = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, j) => sum + value * (y[j] ?? 0), 0);
  const lengths = Math.sqrt(product(from, from) * product(to, to));
  const cosine = lengths > 0 ? Math.min(1, Math.max(-1, product(from, to) / lengths)) : 1;
  const angle = Math.acos(cosine);
  // Of codes in one direction, or in opposite ones, there is no one arc: the straight line.
  const straight = Math.sin(angle) < 1e-6;
  const a = straight ? 1 - share : Math.sin((1 - share) * angle) / Math.sin(angle);
  const b = straight ? share : Math.sin(share * angle) / Math.sin(angle);
  return from.map((value, j) => a * value + b * (to[j] ?? 0));
}

/** The first code with one value moved, a row for each of the values. */
export function traversal(
  { codes, size }: LatentSpace,
  {
    places,
    range,
    steps,
    seed,
  }: {
    readonly places: readonly number[];
    readonly range: number;
    readonly steps: number;
    readonly seed: number;
  },
): Float32Array[] {
  const code = codes({ first: 0, count: 1, seed });
  return places.map((place) => {
    const row = new Float32Array(steps * size);
    for (let t = 0; t < steps; t++) {
      row.set(code, t * size);
      row[t * size + place] = -range + (2 * range * t) / (steps - 1);
    }
    return row;
  });
}

/** @throws UsageError for what is no list of places of a code */
export function placesIn(text: string, size: number): readonly number[] {
  if (text === 'all') return Array.from({ length: size }, (_, j) => j);
  const places = text.split(',').map((word) => (/^\d+$/.test(word.trim()) ? Number(word) : -1));
  if (places.every((place) => place >= 0 && place < size)) return places;
  throw new UsageError(
    `--traverse ${text}: say all, or places from 0 to ${size - 1} of the code, as 0,3`,
  );
}

/** Rows of values, so many each: views. */
export function inPieces(values: Float32Array, each: number): Float32Array[] {
  return Array.from({ length: values.length / each }, (_, n) =>
    values.subarray(n * each, (n + 1) * each),
  );
}
