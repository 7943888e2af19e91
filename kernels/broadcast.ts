import { sumRows } from './reduce';
import { rowSum } from './shared/rows';
import { at, lanes, maxLanes, put } from './shared/simd';

// Operations of two arrays that are laid over each other, and the sums that undo it.

// What is computed of two elements: a constant wherever it is handed on.
const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;
const DIVIDE = 3;
const MAXIMUM = 4;
/** 1 where x > y, 1/2 where they are equal, else 0: the share of a maximum that is x's. */
const SHARE = 5;
/** x with the sign of y, 0 where y is 0: what comes back through an absolute value. */
const BY_SIGN = 6;

// @ts-ignore: decorator
@inline
function combined<T>(operation: i32, a: v128, b: v128): v128 {
  if (operation == ADD) return v128.add<T>(a, b);
  if (operation == SUBTRACT) return v128.sub<T>(a, b);
  if (operation == MULTIPLY) return v128.mul<T>(a, b);
  if (operation == DIVIDE) return v128.div<T>(a, b);
  // NaN on either side stays NaN, as in numpy's maximum.
  if (operation == MAXIMUM) return v128.max<T>(a, b);
  const half = v128.splat<T>(<T>0.5);
  if (operation == SHARE) {
    return v128.add<T>(v128.and(half, v128.gt<T>(a, b)), v128.and(half, v128.ge<T>(a, b)));
  }
  const zero = v128.splat<T>(0);
  const below = v128.and(v128.neg<T>(a), v128.lt<T>(b, zero));
  return v128.or(v128.and(a, v128.gt<T>(b, zero)), below);
}

// One operation and one way of its rows: both are constants where this is called, so that the loops hold
// no choices. A row that does not move is one element.
// @ts-ignore: decorator
@inline
function overRows<T>(
  operation: i32, moveX: bool, moveY: bool,
  x: usize, xA: i32, xB: i32, y: usize, yA: i32, yB: i32, z: usize, A: i32, B: i32, n: i32,
): void {
  const whole = n - (n % lanes<T>());
  let to = z;
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) {
      const p = x + <usize>(a * xA + b * xB) * sizeof<T>();
      const q = y + <usize>(a * yA + b * yB) * sizeof<T>();
      const firstX = v128.splat<T>(load<T>(p));
      const firstY = v128.splat<T>(load<T>(q));
      for (let i = 0; i < whole; i += lanes<T>()) {
        const o = <usize>i * sizeof<T>();
        const u = moveX ? v128.load(p + o) : firstX;
        const v = moveY ? v128.load(q + o) : firstY;
        v128.store(to + o, combined<T>(operation, u, v));
      }
      for (let i = whole; i < n; i++) {
        const o = <usize>i * sizeof<T>();
        const u = moveX ? at<T>(p + o, true) : firstX;
        const v = moveY ? at<T>(q + o, true) : firstY;
        put<T>(to + o, combined<T>(operation, u, v), true);
      }
      to += <usize>n * sizeof<T>();
    }
  }
}

// @ts-ignore: decorator
@inline
function byMoves<T>(
  operation: i32, x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  if (xStep && yStep) overRows<T>(operation, true, true, x, xA, xB, y, yA, yB, z, A, B, n);
  else if (xStep) overRows<T>(operation, true, false, x, xA, xB, y, yA, yB, z, A, B, n);
  else if (yStep) overRows<T>(operation, false, true, x, xA, xB, y, yA, yB, z, A, B, n);
  else overRows<T>(operation, false, false, x, xA, xB, y, yA, yB, z, A, B, n);
}

// z[a, b, i] = x[a xA + b xB + i xStep] (operation) y[a yA + b yB + i yStep], z row-major (A, B, n), the
// steps 0 or 1.

// divides A: x xA, y yA, z B*n
export function broadcastAdd<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(ADD, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastSubtract<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(SUBTRACT, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastMultiply<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(MULTIPLY, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastDivide<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(DIVIDE, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastMaximum<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(MAXIMUM, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastShare<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(SHARE, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// divides A: x xA, y yA, z B*n
export function broadcastBySign<T>(
  x: usize, xA: i32, xB: i32, xStep: i32, y: usize, yA: i32, yB: i32, yStep: i32, z: usize,
  A: i32, B: i32, n: i32,
): void {
  byMoves<T>(BY_SIGN, x, xA, xB, xStep, y, yA, yB, yStep, z, A, B, n);
}

// y[a, i] = sum over r of x[a, r, i]: (A, R, n) to (A, n).
// divides A: x R*n, y n
export function sumAxis<T>(x: usize, y: usize, A: i32, R: i32, n: i32): void {
  for (let a = 0; a < A; a++) {
    const from = x + <usize>a * <usize>R * <usize>n * sizeof<T>();
    const to = y + <usize>a * <usize>n * sizeof<T>();
    if (n == 1) store<T>(to, longSum<T>(from, R));
    else sumRows<T>(from, to, R, n);
  }
}

// y[a, i] = the largest of x[a, r, i] over r, NaN where there is one: (A, R, n) to (A, n), R from 1 on.
// divides A: x R*n, y n
export function maxAxis<T>(x: usize, y: usize, A: i32, R: i32, n: i32): void {
  const row = <usize>n * sizeof<T>();
  for (let a = 0; a < A; a++) {
    const from = x + <usize>a * <usize>R * row;
    const to = y + <usize>a * row;
    if (n == 1) {
      store<T>(to, rowMax<T>(from, R));
      continue;
    }
    memory.copy(to, from, row);
    const whole = n - (n % lanes<T>());
    for (let r = 1; r < R; r++) {
      const next = from + <usize>r * row;
      for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
        const o = <usize>i * sizeof<T>();
        const single = i >= whole;
        put<T>(to + o, v128.max<T>(at<T>(to + o, single), at<T>(next + o, single)), single);
      }
    }
  }
}

function rowMax<T>(x: usize, n: i32): T {
  const whole = n - (n % lanes<T>());
  let largest = load<T>(x);
  if (whole > 0) {
    let most = v128.load(x);
    for (let i = lanes<T>(); i < whole; i += lanes<T>()) {
      most = v128.max<T>(most, v128.load(x + <usize>i * sizeof<T>()));
    }
    largest = maxLanes<T>(most);
  }
  for (let i = whole; i < n; i++) largest = max<T>(largest, load<T>(x + <usize>i * sizeof<T>()));
  return largest;
}

// A row's sum by pieces, which add up in f64: a long f32 sum loses digits.
function longSum<T>(x: usize, n: i32): T {
  const piece = 256;
  let total: f64 = 0;
  for (let i = 0; i < n; i += piece) {
    total += <f64>rowSum<T>(x + <usize>i * sizeof<T>(), min<i32>(piece, n - i));
  }
  return <T>total;
}

// A square as wide as a vector, whose rows lie so many bytes apart in x and in y.
// @ts-ignore: decorator
@inline
function transposeSquare<T>(x: usize, xRow: usize, y: usize, yRow: usize): void {
  const r0 = v128.load(x);
  const r1 = v128.load(x + xRow);
  if (sizeof<T>() == 8) {
    v128.store(y, v128.shuffle<i64>(r0, r1, 0, 2));
    v128.store(y + yRow, v128.shuffle<i64>(r0, r1, 1, 3));
    return;
  }
  const r2 = v128.load(x + 2 * xRow);
  const r3 = v128.load(x + 3 * xRow);
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(y + yRow, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(y + 2 * yRow, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(y + 3 * yRow, v128.shuffle<i64>(high01, high23, 1, 3));
}

// y[a yA + b yB + i] = x[a xA + b + i xn], in tiles: whichever axis is adjacent in x or in y, what a cache
// line brings is used before it goes.
export function permute<T>(
  x: usize, xA: i32, xn: i32, y: usize, yA: i32, yB: i32, A: i32, B: i32, n: i32,
): void {
  const tile = 16;
  const xRow = <usize>xn * sizeof<T>();
  const yRow = <usize>yB * sizeof<T>();
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b += tile) {
      for (let i = 0; i < n; i += tile) {
        const from = x + (<usize>a * <usize>xA + <usize>b) * sizeof<T>() + <usize>i * xRow;
        const to = y + (<usize>a * <usize>yA + <usize>i) * sizeof<T>() + <usize>b * yRow;
        permuteTile<T>(from, xRow, to, yRow, min<i32>(tile, B - b), min<i32>(tile, n - i));
      }
    }
  }
}

// y[b, i] = x[i, b]: squares, and what is left over at two sides.
function permuteTile<T>(x: usize, xRow: usize, y: usize, yRow: usize, B: i32, n: i32): void {
  const wholeB = B - (B % lanes<T>());
  const whole = n - (n % lanes<T>());
  for (let b = 0; b < wholeB; b += lanes<T>()) {
    for (let i = 0; i < whole; i += lanes<T>()) {
      const p = x + <usize>i * xRow + <usize>b * sizeof<T>();
      transposeSquare<T>(p, xRow, y + <usize>b * yRow + <usize>i * sizeof<T>(), yRow);
    }
  }
  for (let b = 0; b < B; b++) {
    for (let i = b < wholeB ? whole : 0; i < n; i++) {
      const value = load<T>(x + <usize>i * xRow + <usize>b * sizeof<T>());
      store<T>(y + <usize>b * yRow + <usize>i * sizeof<T>(), value);
    }
  }
}
