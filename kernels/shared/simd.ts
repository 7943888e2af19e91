// One source for f32 and f64: `v128` operations are generic over the lane type.

/** Lanes of T in one 128-bit vector: 4 for f32, 2 for f64. */
// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}

/** The first lane of a vector. Tails run the vector code on a splat and keep this one. */
// @ts-ignore: decorator
@inline
export function firstLane<T>(v: v128): T {
  return v128.extract_lane<T>(v, 0);
}

/** Sum of the lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes<T>(v: v128): T {
  let s: T = v128.extract_lane<T>(v, 0);
  s += v128.extract_lane<T>(v, 1);
  if (sizeof<T>() == 4) {
    s += v128.extract_lane<T>(v, 2);
    s += v128.extract_lane<T>(v, 3);
  }
  return s;
}

/** Largest of the lanes. */
// @ts-ignore: decorator
@inline
export function maxLanes<T>(v: v128): T {
  let m: T = max<T>(v128.extract_lane<T>(v, 0), v128.extract_lane<T>(v, 1));
  if (sizeof<T>() == 4) {
    m = max<T>(m, max<T>(v128.extract_lane<T>(v, 2), v128.extract_lane<T>(v, 3)));
  }
  return m;
}

/** A vector, or one element in every lane: the tail of a row runs the same code as its body. */
// @ts-ignore: decorator
@inline
export function at<T>(p: usize, single: bool): v128 {
  return single ? v128.splat<T>(load<T>(p)) : v128.load(p);
}

/** Stores a vector, or its first lane: the counterpart of `at`. */
// @ts-ignore: decorator
@inline
export function put<T>(p: usize, v: v128, single: bool): void {
  if (single) store<T>(p, firstLane<T>(v));
  else v128.store(p, v);
}
