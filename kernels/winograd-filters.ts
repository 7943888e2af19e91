// The filters' side of winograd.ts: U = G g G^T, and back.

import { A, A2, B, B2 } from './shared/winograd-points';

// One over the products of a point's distances to the others: of 0, of a and -a, of b and -b.
const AT_0: f64 = 1 / (A2 * B2);
const AT_A: f64 = 1 / (2 * A2 * (A2 - B2));
const AT_B: f64 = 1 / (2 * B2 * (B2 - A2));

// (G (x, y, z)^T)[i], stored `step` bytes apart.
// @ts-ignore: decorator
@inline
function transform<T>(x: T, y: T, z: T, to: usize, step: usize): void {
  const evenA: T = <T>AT_A * x + <T>(AT_A * A2) * z, oddA: T = <T>(AT_A * A) * y;
  const evenB: T = <T>AT_B * x + <T>(AT_B * B2) * z, oddB: T = <T>(AT_B * B) * y;
  store<T>(to, <T>AT_0 * x);
  store<T>(to + step, evenA + oddA);
  store<T>(to + 2 * step, evenA - oddA);
  store<T>(to + 3 * step, evenB + oddB);
  store<T>(to + 4 * step, evenB - oddB);
  store<T>(to + 5 * step, z);
}

// Bytes of scratch that the kernels below need: one filter on its way.
export function winogradFiltersScratchBytes<T>(): i32 {
  return 18 * <i32>sizeof<T>();
}

// U[i, r, k] = (G g G^T)[i] of the filter g at W + r rowStride + k columnStride, read backwards when
// `turned`: the filters of the gradient with respect to images are those of the maps, turned about. Rows of U
// lie `ld` elements apart.
// divides rows: W rowStride, U ld; scratch of winogradFiltersScratchBytes
export function winogradFilters<T>(
  W: usize, U: usize, scratch: usize, rows: i32, K: i32, rowStride: i32, columnStride: i32, turned: i32,
  ld: i32, plane: i32,
): void {
  const size = sizeof<T>();
  const step: isize = turned ? -<isize>size : <isize>size;
  const planeBytes = <usize>plane * size;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < K; k++) {
      let g = W + (<usize>r * rowStride + <usize>k * columnStride + (turned ? 8 : 0)) * size;
      // The columns of the filter, as rows of G g; then the rows of that.
      for (let j: usize = 0; j < 3; j++, g += step) {
        transform<T>(load<T>(g), load<T>(g + 3 * step), load<T>(g + 6 * step), scratch + j * size, 3 * size);
      }
      let to = U + (<usize>r * ld + k) * size;
      for (let i: usize = 0; i < 6; i++, to += 6 * planeBytes) {
        const t = scratch + i * 3 * size;
        transform<T>(load<T>(t), load<T>(t + size), load<T>(t + 2 * size), to, planeBytes);
      }
    }
  }
}

// One entry of G^T (u0, ..., u5)^T.
// @ts-ignore: decorator
@inline
function back<T>(i: i32, u: usize, step: usize): T {
  const u1 = load<T>(u + step), u2 = load<T>(u + 2 * step);
  const u3 = load<T>(u + 3 * step), u4 = load<T>(u + 4 * step);
  if (i == 0) return <T>AT_0 * load<T>(u) + <T>AT_A * (u1 + u2) + <T>AT_B * (u3 + u4);
  if (i == 1) return <T>(AT_A * A) * (u1 - u2) + <T>(AT_B * B) * (u3 - u4);
  return <T>(AT_A * A2) * (u1 + u2) + <T>(AT_B * B2) * (u3 + u4) + load<T>(u + 5 * step);
}

// dW += G^T dU[:, r, k] G for the filter at dW + r rowStride + k columnStride: the adjoint of winogradFilters.
// divides rows: dU ld, dW rowStride; scratch of winogradFiltersScratchBytes
export function winogradFiltersBackward<T>(
  dU: usize, dW: usize, scratch: usize, rows: i32, K: i32, rowStride: i32, columnStride: i32, ld: i32, plane: i32,
): void {
  const size = sizeof<T>();
  const planeBytes = <usize>plane * size;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < K; k++) {
      let from = dU + (<usize>r * ld + k) * size;
      // t[i, j] = (G^T dU)[i, j] for j < 6.
      for (let j: usize = 0; j < 6; j++, from += planeBytes) {
        const t = scratch + j * size;
        store<T>(t, back<T>(0, from, 6 * planeBytes));
        store<T>(t + 6 * size, back<T>(1, from, 6 * planeBytes));
        store<T>(t + 12 * size, back<T>(2, from, 6 * planeBytes));
      }
      let to = dW + (<usize>r * rowStride + <usize>k * columnStride) * size;
      for (let i: usize = 0; i < 3; i++, to += 3 * size) {
        const t = scratch + i * 6 * size;
        store<T>(to, load<T>(to) + back<T>(0, t, size));
        store<T>(to + size, load<T>(to + size) + back<T>(1, t, size));
        store<T>(to + 2 * size, load<T>(to + 2 * size) + back<T>(2, t, size));
      }
    }
  }
}
