import { lanes, sumLanes } from './simd';

// Every row to mean 0 and variance 1: y = (x - mean) / sqrt(variance + epsilon).
// inverse[r] keeps 1 / sqrt(...) for the backward pass.
function layerNorm<T>(x: usize, y: usize, inverse: usize, rows: i32, n: i32, epsilon: T): void {
  const whole = n - (n % lanes<T>());
  const bytes = <usize>n * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const from = x + <usize>r * bytes;
    const to = y + <usize>r * bytes;
    const mean: T = rowSum<T>(from, n) / <T>n;
    const vmean = v128.splat<T>(mean);
    let squares = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const d = v128.sub<T>(v128.load(from + o), vmean);
      v128.store(to + o, d);
      squares = v128.add<T>(squares, v128.mul<T>(d, d));
    }
    let sum = sumLanes<T>(squares);
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      const d: T = load<T>(from + o) - mean;
      store<T>(to + o, d);
      sum += d * d;
    }
    const scale: T = <T>1 / sqrt<T>(sum / <T>n + epsilon);
    store<T>(inverse + <usize>r * sizeof<T>(), scale);
    const vscale = v128.splat<T>(scale);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      v128.store(to + o, v128.mul<T>(v128.load(to + o), vscale));
    }
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(to + o, load<T>(to + o) * scale);
    }
  }
}
export function layerNorm_f32(x: usize, y: usize, inverse: usize, rows: i32, n: i32, epsilon: f32): void {
  layerNorm<f32>(x, y, inverse, rows, n, epsilon);
}
export function layerNorm_f64(x: usize, y: usize, inverse: usize, rows: i32, n: i32, epsilon: f64): void {
  layerNorm<f64>(x, y, inverse, rows, n, epsilon);
}

// dx = inverse (dy - mean(dy) - y mean(dy y)), row by row.
function layerNormBackward<T>(y: usize, dy: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
  const whole = n - (n % lanes<T>());
  const bytes = <usize>n * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const row = y + <usize>r * bytes;
    const from = dy + <usize>r * bytes;
    const to = dx + <usize>r * bytes;
    const mean: T = rowSum<T>(from, n) / <T>n;
    const along: T = rowDot<T>(from, row, n) / <T>n;
    const scale = load<T>(inverse + <usize>r * sizeof<T>());
    const vmean = v128.splat<T>(mean);
    const valong = v128.splat<T>(along);
    const vscale = v128.splat<T>(scale);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const rest = v128.sub<T>(v128.load(from + o), vmean);
      const d = v128.sub<T>(rest, v128.mul<T>(v128.load(row + o), valong));
      v128.store(to + o, v128.mul<T>(vscale, d));
    }
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      const d: T = load<T>(from + o) - mean - load<T>(row + o) * along;
      store<T>(to + o, scale * d);
    }
  }
}
export function layerNormBackward_f32(y: usize, dy: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
  layerNormBackward<f32>(y, dy, inverse, dx, rows, n);
}
export function layerNormBackward_f64(y: usize, dy: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
  layerNormBackward<f64>(y, dy, inverse, dx, rows, n);
}

function rowSum<T>(row: usize, n: i32): T {
  const whole = n - (n % lanes<T>());
  let sums = v128.splat<T>(0);
  for (let j = 0; j < whole; j += lanes<T>()) {
    sums = v128.add<T>(sums, v128.load(row + <usize>j * sizeof<T>()));
  }
  let sum = sumLanes<T>(sums);
  for (let j = whole; j < n; j++) sum += load<T>(row + <usize>j * sizeof<T>());
  return sum;
}

function rowDot<T>(a: usize, b: usize, n: i32): T {
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
