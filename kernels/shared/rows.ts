import { lanes, sumLanes } from './simd';

/** The number of the image that row r looks at. */
// @ts-ignore: decorator
@inline
export function imageOf(image: usize, r: i32): usize {
  return <usize>load<i32>(image + <usize>r * 4);
}

/** Sum of n elements. */
export function rowSum<T>(row: usize, n: i32): T {
  const whole = n - (n % lanes<T>());
  let sums = v128.splat<T>(0);
  for (let j = 0; j < whole; j += lanes<T>()) {
    sums = v128.add<T>(sums, v128.load(row + <usize>j * sizeof<T>()));
  }
  let sum = sumLanes<T>(sums);
  for (let j = whole; j < n; j++) sum += load<T>(row + <usize>j * sizeof<T>());
  return sum;
}

/** Sum of the n products a[j] b[j]. */
export function rowDot<T>(a: usize, b: usize, n: i32): T {
  const whole = n - (n % lanes<T>());
  let sums = v128.splat<T>(0);
  for (let j = 0; j < whole; j += lanes<T>()) {
    const o = <usize>j * sizeof<T>();
    sums = v128.add<T>(sums, v128.mul<T>(v128.load(a + o), v128.load(b + o)));
  }
  let sum = sumLanes<T>(sums);
  for (let j = whole; j < n; j++) {
    const o = <usize>j * sizeof<T>();
    sum += load<T>(a + o) * load<T>(b + o);
  }
  return sum;
}
