import { exp } from './shared/math';
import { firstLane, lanes, maxLanes, sumLanes } from './shared/simd';

// y[r] = log of the sum of exp(x[r, :]), an f64 for either element type: what is subtracted from a
// score to make it a log-probability. Not finite where the row has a NaN, an inf, or nothing but
// -inf.
// divides rows: x n, y f64
export function logSumExpRows<T>(x: usize, y: usize, rows: i32, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>n * sizeof<T>();
    const largest = largestOf<T>(row, n);
    const shift = v128.splat<T>(largest);
    let sums = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const v = v128.load(row + <usize>j * sizeof<T>());
      sums = v128.add<T>(sums, exp<T>(v128.sub<T>(v, shift)));
    }
    let total = sumLanes<T>(sums);
    for (let j = whole; j < n; j++) {
      const v = load<T>(row + <usize>j * sizeof<T>());
      total += firstLane<T>(exp<T>(v128.splat<T>(v - largest)));
    }
    store<f64>(y + <usize>r * 8, Math.log(<f64>total) + <f64>largest);
  }
}

// NaN may get lost here: the exponentials bring it back.
function largestOf<T>(row: usize, n: i32): T {
  const whole = n - (n % lanes<T>());
  let largest = load<T>(row);
  if (whole > 0) {
    let m = v128.load(row);
    for (let j = lanes<T>(); j < whole; j += lanes<T>()) {
      m = v128.pmax<T>(m, v128.load(row + <usize>j * sizeof<T>()));
    }
    largest = maxLanes<T>(m);
  }
  for (let j = whole; j < n; j++) largest = max<T>(largest, load<T>(row + <usize>j * sizeof<T>()));
  return largest;
}

// The k largest of each row, falling, the first of equals first: values[r, i] = x[r, places[r, i]].
// NaN and -inf are never among them; where that leaves fewer than k, the rest are -inf at place -1.
//
// Only what beats the smallest of the k so far is looked at one by one: about k log(n / k) elements
// of a row in random order.
// divides rows: x n, values k, places k*i32
export function topRows<T>(x: usize, values: usize, places: usize, rows: i32, n: i32, k: i32): void {
  const whole = n - (n % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>n * sizeof<T>();
    const kept = values + <usize>r * <usize>k * sizeof<T>();
    const at = places + <usize>r * <usize>k * 4;
    for (let i = 0; i < k; i++) {
      store<T>(kept + <usize>i * sizeof<T>(), <T>-Infinity);
      store<i32>(at + <usize>i * 4, -1);
    }
    const last = kept + <usize>(k - 1) * sizeof<T>();
    let smallest = v128.splat<T>(load<T>(last));
    for (let j = 0; j < whole; j += lanes<T>()) {
      const v = v128.load(row + <usize>j * sizeof<T>());
      if (!v128.any_true(v128.gt<T>(v, smallest))) continue;
      for (let lane = 0; lane < lanes<T>(); lane++) keepLargest<T>(row, j + lane, kept, at, k);
      smallest = v128.splat<T>(load<T>(last));
    }
    for (let j = whole; j < n; j++) keepLargest<T>(row, j, kept, at, k);
  }
}

// Puts element j in its place among the k kept ones, if it has one.
function keepLargest<T>(row: usize, j: i32, kept: usize, at: usize, k: i32): void {
  const value = load<T>(row + <usize>j * sizeof<T>());
  let i = k - 1;
  if (!(value > load<T>(kept + <usize>i * sizeof<T>()))) return;
  for (; i > 0; i--) {
    const before = load<T>(kept + <usize>(i - 1) * sizeof<T>());
    if (!(value > before)) break;
    store<T>(kept + <usize>i * sizeof<T>(), before);
    store<i32>(at + <usize>i * 4, load<i32>(at + <usize>(i - 1) * 4));
  }
  store<T>(kept + <usize>i * sizeof<T>(), value);
  store<i32>(at + <usize>i * 4, j);
}
