// Attention: rows (captions) look at the places of their image. `image` (rows) i32 says whose places
// a row looks at, so that captions of one image, or hypotheses about it, share its features.

import { combineRows, dots } from './shared/gemm-thin';
import { exp } from './shared/math';
import { imageOf } from './shared/rows';
import { firstLane, lanes, maxLanes, sumLanes } from './shared/simd';

// s[r, l] = scale x[image[r], l, :] . u[r, :];  x (M, L, D), u (rows, D), s (rows, L).
// divides rows: u D, image i32, s L
export function attendScores<T>(
  x: usize, u: usize, image: usize, s: usize, rows: i32, L: i32, D: i32, scale: T,
): void {
  const size = sizeof<T>();
  const row = <usize>D * size;
  memory.fill(s, 0, <usize>rows * <usize>L * size);
  for (let r = 0; r < rows; r++) {
    const places = x + imageOf(image, r) * <usize>L * row;
    const to = s + <usize>r * <usize>L * size;
    dots<T>(1, L, D, scale, u + <usize>r * row, 0, places, row, to, 0, size);
  }
}

// z[r, :] = scale Σ_l w[r, l] x[image[r], l, :];  x (M, L, D), w (rows, L), z (rows, D).
// divides rows: w L, image i32, z D
export function attendSum<T>(
  x: usize, w: usize, image: usize, z: usize, rows: i32, L: i32, D: i32, scale: T,
): void {
  const size = sizeof<T>();
  const row = <usize>D * size;
  memory.fill(z, 0, <usize>rows * row);
  for (let r = 0; r < rows; r++) {
    const places = x + imageOf(image, r) * <usize>L * row;
    const weights = w + <usize>r * <usize>L * size;
    combineRows<T>(1, D, L, scale, weights, 0, size, places, row, z + <usize>r * row, 0);
  }
}

// w[r, :] = softmax(s[r, :]); in place is fine.
// divides rows: s n, w n
export function softmaxRows<T>(s: usize, w: usize, rows: i32, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const from = s + <usize>r * <usize>n * sizeof<T>();
    const to = w + <usize>r * <usize>n * sizeof<T>();
    const largest = largestOf<T>(from, n);
    const shift = v128.splat<T>(largest);
    let sums = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const e = exp<T>(v128.sub<T>(v128.load(from + o), shift));
      v128.store(to + o, e);
      sums = v128.add<T>(sums, e);
    }
    let total = sumLanes<T>(sums);
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      const e = firstLane<T>(exp<T>(v128.splat<T>(load<T>(from + o) - largest)));
      store<T>(to + o, e);
      total += e;
    }
    const share = v128.splat<T>(<T>1 / total);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = to + <usize>j * sizeof<T>();
      v128.store(o, v128.mul<T>(v128.load(o), share));
    }
    for (let j = whole; j < n; j++) {
      const o = to + <usize>j * sizeof<T>();
      store<T>(o, load<T>(o) * (<T>1 / total));
    }
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

// ds[r, j] = w[r, j] (dw[r, j] - Σ_i w[r, i] dw[r, i]); in place over dw is fine.
// divides rows: w n, dw n, ds n
export function softmaxRowsBackward<T>(w: usize, dw: usize, ds: usize, rows: i32, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const o = <usize>r * <usize>n * sizeof<T>();
    let sums = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const p = o + <usize>j * sizeof<T>();
      sums = v128.add<T>(sums, v128.mul<T>(v128.load(w + p), v128.load(dw + p)));
    }
    let mean = sumLanes<T>(sums);
    for (let j = whole; j < n; j++) {
      const p = o + <usize>j * sizeof<T>();
      mean += load<T>(w + p) * load<T>(dw + p);
    }
    const m = v128.splat<T>(mean);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const p = o + <usize>j * sizeof<T>();
      v128.store(ds + p, v128.mul<T>(v128.load(w + p), v128.sub<T>(v128.load(dw + p), m)));
    }
    for (let j = whole; j < n; j++) {
      const p = o + <usize>j * sizeof<T>();
      store<T>(ds + p, load<T>(w + p) * (load<T>(dw + p) - mean));
    }
  }
}
