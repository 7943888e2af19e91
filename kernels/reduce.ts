import { lanes, sumLanes } from './shared/simd';

// Sum of all elements, in f64 whatever the element type: long f32 sums lose digits.
export function sum<T>(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) total += <f64>load<T>(x + <usize>i * sizeof<T>());
  return total;
}

// Sum of squares, in f64. NaN or infinity anywhere makes the result NaN or infinite.
export function sumSquares<T>(x: usize, n: i32): f64 {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const v = v128.load(x + <usize>i * sizeof<T>());
    if (sizeof<T>() == 4) {
      const low = f64x2.promote_low_f32x4(v);
      const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
      a = f64x2.add(a, f64x2.mul(low, low));
      b = f64x2.add(b, f64x2.mul(high, high));
    } else {
      a = f64x2.add(a, f64x2.mul(v, v));
    }
  }
  let total = sumLanes<f64>(f64x2.add(a, b));
  for (let i = whole; i < n; i++) {
    const v = <f64>load<T>(x + <usize>i * sizeof<T>());
    total += v * v;
  }
  return total;
}

// y[j] = sum over rows of x[r, j]: the gradient of a bias. Four rows at a time keep the
// accumulators' traffic below that of x itself.
export function sumRows<T>(x: usize, y: usize, rows: i32, n: i32): void {
  const width = lanes<T>();
  const stride = <usize>n * sizeof<T>();
  const whole = n - (n % width);
  memory.fill(y, 0, stride);
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const row = x + <usize>r * stride;
    for (let j = 0; j < whole; j += width) {
      const o = <usize>j * sizeof<T>();
      const p = row + o;
      const ab = v128.add<T>(v128.load(p), v128.load(p + stride));
      const cd = v128.add<T>(v128.load(p + 2 * stride), v128.load(p + 3 * stride));
      v128.store(y + o, v128.add<T>(v128.load(y + o), v128.add<T>(ab, cd)));
    }
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      const p = row + o;
      const ab: T = load<T>(p) + load<T>(p + stride);
      const cd: T = load<T>(p + 2 * stride) + load<T>(p + 3 * stride);
      store<T>(y + o, load<T>(y + o) + (ab + cd));
    }
  }
  for (; r < rows; r++) {
    const row = x + <usize>r * stride;
    for (let j = 0; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(y + o, load<T>(y + o) + load<T>(row + o));
    }
  }
}

// y[r] = index of the largest element of row r, the first of equals; an all-NaN row gives 0.
// divides rows: x n, y i32
export function argmaxRows<T>(x: usize, y: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>n * sizeof<T>();
    let best = 0;
    let bestValue = load<T>(row);
    for (let j = 1; j < n; j++) {
      const value = load<T>(row + <usize>j * sizeof<T>());
      if (value > bestValue || (bestValue != bestValue && value == value)) {
        best = j;
        bestValue = value;
      }
    }
    store<i32>(y + <usize>r * 4, best);
  }
}
