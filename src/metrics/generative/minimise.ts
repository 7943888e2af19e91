/** L-BFGS: the minimum of a smooth convex function of many numbers. */

/** A function at a point, and its partial derivatives there. */
export interface ValueAndSlopes {
  readonly value: number;
  readonly slopes: Float64Array;
}

/** Where `minimise` came to. */
export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  /** The largest partial derivative, as a size. */
  readonly slope: number;
  readonly iterations: number;
  /** Whether that is within the tolerance. */
  readonly converged: boolean;
}

/** Pairs of steps and changes of slopes that are remembered. */
const MEMORY = 20;
/** Share of the promised decrease that a step must bring, and how often it is halved for it. */
const [DECREASE, HALVINGS] = [1e-4, 40] as const;

/**
 * Minimises a smooth convex function from a point on, without chance: L-BFGS with 20 pairs, steps halved
 * until they bring enough (Armijo). Ends at the tolerance, after `maxIterations`, or where rounding lets no
 * step bring anything.
 * Source: Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 and 7.5.
 */
export function minimise(
  f: (at: Float64Array) => ValueAndSlopes,
  from: Float64Array,
  { tolerance, maxIterations }: { readonly tolerance: number; readonly maxIterations: number },
): Minimum {
  const pairs: { s: Float64Array; y: Float64Array; sy: number }[] = [];
  let at = from;
  let { value, slopes } = f(at);
  let iterations = 0;
  for (; iterations < maxIterations && largest(slopes) > tolerance; iterations++) {
    const direction = newtonLike(slopes, pairs);
    const promised = dot(slopes, direction);
    const next = stepAlong(f, at, value, direction, promised);
    if (!next) break;
    const s = next.at.map((v, i) => v - (at[i] ?? 0));
    const y = next.slopes.map((v, i) => v - (slopes[i] ?? 0));
    const sy = dot(s, y);
    if (sy > 0) pairs.push({ s, y, sy });
    if (pairs.length > MEMORY) pairs.shift();
    ({ at, value, slopes } = next);
  }
  const slope = largest(slopes);
  return { at, value, slope, iterations, converged: slope <= tolerance };
}

/** The first of 1, 1/2, 1/4, ... steps that brings its share of what the slope promises. */
function stepAlong(
  f: (at: Float64Array) => ValueAndSlopes,
  at: Float64Array,
  value: number,
  direction: Float64Array,
  promised: number,
): (ValueAndSlopes & { readonly at: Float64Array }) | undefined {
  for (let halvings = 0, step = 1; halvings < HALVINGS; halvings++, step /= 2) {
    const there = at.map((v, i) => v + step * (direction[i] ?? 0));
    const found = f(there);
    if (found.value <= value + DECREASE * step * promised) return { ...found, at: there };
  }
  return undefined;
}

/** -H slopes, H the inverse of the second derivatives as the pairs tell it: the two loops. */
function newtonLike(
  slopes: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; sy: number }[],
): Float64Array {
  const direction = slopes.map((slope) => -slope);
  const shares: number[] = [];
  for (const { s, y, sy } of [...pairs].reverse()) {
    const share = dot(s, direction) / sy;
    shares.push(share);
    addTo(direction, y, -share);
  }
  const last = pairs.at(-1);
  // Without a pair the first step has length 1, or less where the slope is less.
  const scale = last
    ? last.sy / dot(last.y, last.y)
    : 1 / Math.max(1, Math.sqrt(dot(slopes, slopes)));
  for (let i = 0; i < direction.length; i++) direction[i] = scale * (direction[i] ?? 0);
  for (const { s, y, sy } of pairs) {
    addTo(direction, s, (shares.pop() ?? 0) - dot(y, direction) / sy);
  }
  return direction;
}

function addTo(sum: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + factor * (x[i] ?? 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
