// Images filtered along one axis: every row (or column) of y is a weighted sum of K neighbouring ones of x,
// which a table names. Blurring, resizing and derivatives are such tables, and so are several in one.

import { at, lanes, put } from './shared/simd';

// y[p, r, :] = the sum over k < K of weights[r, k] x[p, starts[r] + k, :]; starts (OH) are i32.
// divides planes: x H*W, y OH*W
export function filterRows<T>(
  x: usize, y: usize, starts: usize, weights: usize, planes: i32, H: i32, W: i32, OH: i32, K: i32,
): void {
  const bytes = <usize>W * sizeof<T>();
  const whole = W - (W % lanes<T>());
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const first = x + <usize>(p * H + load<i32>(starts + (<usize>r << 2))) * bytes;
      const row = weights + <usize>(r * K) * sizeof<T>();
      const to = y + <usize>(p * OH + r) * bytes;
      for (let i = 0; i < W; ) {
        const single = i >= whole;
        let from = first + <usize>i * sizeof<T>();
        let sum = v128.splat<T>(0);
        for (let k = 0; k < K; k++, from += bytes) {
          const weight = v128.splat<T>(load<T>(row + <usize>k * sizeof<T>()));
          sum = v128.add<T>(sum, v128.mul<T>(weight, at<T>(from, single)));
        }
        put<T>(to + <usize>i * sizeof<T>(), sum, single);
        i += single ? 1 : lanes<T>();
      }
    }
  }
}

// y[r, q] = the sum over k < K of weights[q, k] x[r, starts[q] + k]; starts (OW) are i32.
// divides rows: x W, y OW
export function filterColumns<T>(
  x: usize, y: usize, starts: usize, weights: usize, rows: i32, W: i32, OW: i32, K: i32,
): void {
  let to = y;
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>W * sizeof<T>();
    let weight = weights;
    for (let q = 0; q < OW; q++) {
      let from = row + <usize>load<i32>(starts + (<usize>q << 2)) * sizeof<T>();
      let sum: T = 0;
      for (let k = 0; k < K; k++) {
        sum += load<T>(weight) * load<T>(from);
        weight += sizeof<T>();
        from += sizeof<T>();
      }
      store<T>(to, sum);
      to += sizeof<T>();
    }
  }
}
