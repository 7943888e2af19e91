import { lanes } from './simd';

// y[i] = s, for i < n.
function fill<T>(y: usize, s: T, n: i32): void {
  const v = v128.splat<T>(s);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) v128.store(y + <usize>i * sizeof<T>(), v);
  for (let i = whole; i < n; i++) store<T>(y + <usize>i * sizeof<T>(), s);
}
export function fill_f32(y: usize, s: f32, n: i32): void {
  fill<f32>(y, s, n);
}
export function fill_f64(y: usize, s: f64, n: i32): void {
  fill<f64>(y, s, n);
}

// y[i] = a x[i] + b y[i].
function axpby<T>(a: T, x: usize, b: T, y: usize, n: i32): void {
  const va = v128.splat<T>(a);
  const vb = v128.splat<T>(b);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const ax = v128.mul<T>(va, v128.load(x + o));
    v128.store(y + o, b == 0 ? ax : v128.add<T>(ax, v128.mul<T>(vb, v128.load(y + o))));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const ax: T = a * load<T>(x + o);
    store<T>(y + o, b == 0 ? ax : ax + b * load<T>(y + o));
  }
}
export function axpby_f32(a: f32, x: usize, b: f32, y: usize, n: i32): void {
  axpby<f32>(a, x, b, y, n);
}
export function axpby_f64(a: f64, x: usize, b: f64, y: usize, n: i32): void {
  axpby<f64>(a, x, b, y, n);
}

// z[i] = x[i] + y[i].
function add<T>(x: usize, y: usize, z: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(z + o, v128.add<T>(v128.load(x + o), v128.load(y + o)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(z + o, load<T>(x + o) + load<T>(y + o));
  }
}
export function add_f32(x: usize, y: usize, z: usize, n: i32): void {
  add<f32>(x, y, z, n);
}
export function add_f64(x: usize, y: usize, z: usize, n: i32): void {
  add<f64>(x, y, z, n);
}

// z[i] = x[i] y[i].
function multiply<T>(x: usize, y: usize, z: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(z + o, v128.mul<T>(v128.load(x + o), v128.load(y + o)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(z + o, load<T>(x + o) * load<T>(y + o));
  }
}
export function multiply_f32(x: usize, y: usize, z: usize, n: i32): void {
  multiply<f32>(x, y, z, n);
}
export function multiply_f64(x: usize, y: usize, z: usize, n: i32): void {
  multiply<f64>(x, y, z, n);
}

// y[i] = s x[i] with the scalar read from the heap, so that nobody has to wait for its value.
function scaleBy<T>(s: usize, x: usize, y: usize, n: i32): void {
  axpby<T>(load<T>(s), x, <T>0, y, n);
}
export function scaleBy_f32(s: usize, x: usize, y: usize, n: i32): void {
  scaleBy<f32>(s, x, y, n);
}
export function scaleBy_f64(s: usize, x: usize, y: usize, n: i32): void {
  scaleBy<f64>(s, x, y, n);
}

// relu: y[i] = max(0, x[i]); NaN stays NaN. pmax is one instruction where max takes seven.
function relu<T>(x: usize, y: usize, n: i32): void {
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(y + o, v128.pmax<T>(v128.load(x + o), zero));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(y + o, max<T>(load<T>(x + o), 0));
  }
}
export function relu_f32(x: usize, y: usize, n: i32): void {
  relu<f32>(x, y, n);
}
export function relu_f64(x: usize, y: usize, n: i32): void {
  relu<f64>(x, y, n);
}

// dx[i] = dy[i] where y[i] > 0, else 0.
function reluBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const active = v128.gt<T>(v128.load(y + o), zero);
    v128.store(dx + o, v128.and(active, v128.load(dy + o)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(dx + o, load<T>(y + o) > 0 ? load<T>(dy + o) : <T>0);
  }
}
export function reluBackward_f32(y: usize, dy: usize, dx: usize, n: i32): void {
  reluBackward<f32>(y, dy, dx, n);
}
export function reluBackward_f64(y: usize, dy: usize, dx: usize, n: i32): void {
  reluBackward<f64>(y, dy, dx, n);
}

// x[r, :] += b, for rows of length n.
function addRow<T>(x: usize, b: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>n * sizeof<T>();
    add<T>(row, b, row, n);
  }
}
export function addRow_f32(x: usize, b: usize, rows: i32, n: i32): void {
  addRow<f32>(x, b, rows, n);
}
export function addRow_f64(x: usize, b: usize, rows: i32, n: i32): void {
  addRow<f64>(x, b, rows, n);
}

// y[b, a, :] = x[a, b, :], rows of length n: (A, B, n) becomes (B, A, n).
function swapAxes<T>(x: usize, y: usize, A: i32, B: i32, n: i32): void {
  const bytes = <usize>n * sizeof<T>();
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) {
      memory.copy(y + <usize>(b * A + a) * bytes, x + <usize>(a * B + b) * bytes, bytes);
    }
  }
}
export function swapAxes_f32(x: usize, y: usize, A: i32, B: i32, n: i32): void {
  swapAxes<f32>(x, y, A, B, n);
}
export function swapAxes_f64(x: usize, y: usize, A: i32, B: i32, n: i32): void {
  swapAxes<f64>(x, y, A, B, n);
}

// y[b, j] = x[b, j] for j < n: blocks that lie `xStride` and `yStride` elements apart, from an offset on.
function copyBlocks<T>(
  x: usize, xOffset: i32, xStride: i32, y: usize, yOffset: i32, yStride: i32, blocks: i32, n: i32,
): void {
  let from = x + <usize>xOffset * sizeof<T>();
  let to = y + <usize>yOffset * sizeof<T>();
  for (let b = 0; b < blocks; b++) {
    memory.copy(to, from, <usize>n * sizeof<T>());
    from += <usize>xStride * sizeof<T>();
    to += <usize>yStride * sizeof<T>();
  }
}
export function copyBlocks_f32(
  x: usize, xOffset: i32, xStride: i32, y: usize, yOffset: i32, yStride: i32, blocks: i32, n: i32,
): void {
  copyBlocks<f32>(x, xOffset, xStride, y, yOffset, yStride, blocks, n);
}
export function copyBlocks_f64(
  x: usize, xOffset: i32, xStride: i32, y: usize, yOffset: i32, yStride: i32, blocks: i32, n: i32,
): void {
  copyBlocks<f64>(x, xOffset, xStride, y, yOffset, yStride, blocks, n);
}

// A 32-bit mix of a counter (Wellons' lowbias32): random bits without state, the same again in the
// backward pass.
function mix(i: u32): u32 {
  let x = i;
  x ^= x >> 16;
  x *= 0x7feb352d;
  x ^= x >> 15;
  x *= 0x846ca68b;
  x ^= x >> 16;
  return x;
}

// y[i] = x[i] scale where the hash of (seed, i) is at least `threshold`, else 0.
function dropout<T>(x: usize, y: usize, n: i32, seed: u32, threshold: u32, scale: T): void {
  const key = mix(seed);
  for (let i = 0; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const kept = mix(<u32>i * 0x9e3779b9 + key) >= threshold;
    store<T>(y + o, kept ? load<T>(x + o) * scale : <T>0);
  }
}
export function dropout_f32(x: usize, y: usize, n: i32, seed: u32, threshold: u32, scale: f32): void {
  dropout<f32>(x, y, n, seed, threshold, scale);
}
export function dropout_f64(x: usize, y: usize, n: i32, seed: u32, threshold: u32, scale: f64): void {
  dropout<f64>(x, y, n, seed, threshold, scale);
}
