import { lanes } from './shared/simd';

// y[i] = s, for i < n.
export function fill<T>(y: usize, s: T, n: i32): void {
  const v = v128.splat<T>(s);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) v128.store(y + <usize>i * sizeof<T>(), v);
  for (let i = whole; i < n; i++) store<T>(y + <usize>i * sizeof<T>(), s);
}

// y[i] = a x[i] + b y[i].
// divides n by 16: x, y
export function axpby<T>(a: T, x: usize, b: T, y: usize, n: i32): void {
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

// z[i] = x[i] + y[i].
// divides n by 16: x, y, z
export function add<T>(x: usize, y: usize, z: usize, n: i32): void {
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

// z[i] = x[i] y[i].
// divides n by 16: x, y, z
export function multiply<T>(x: usize, y: usize, z: usize, n: i32): void {
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

// y[i] = s x[i] with the scalar read from the heap, so that nobody has to wait for its value.
// divides n by 16: x, y
export function scaleBy<T>(s: usize, x: usize, y: usize, n: i32): void {
  axpby<T>(load<T>(s), x, <T>0, y, n);
}

// relu: y[i] = max(0, x[i]); NaN stays NaN. pmax is one instruction where max takes seven.
// divides n by 16: x, y
export function relu<T>(x: usize, y: usize, n: i32): void {
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

// dx[i] = dy[i] where y[i] > 0, else 0.
// divides n by 16: y, dy, dx
export function reluBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
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

// x[r, :] += b, for rows of length n.
// divides rows: x n
export function addRow<T>(x: usize, b: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const row = x + <usize>r * <usize>n * sizeof<T>();
    add<T>(row, b, row, n);
  }
}

// y[b, a, :] = x[a, b, :], rows of length n: (A, B, n) becomes (B, A, n).
export function swapAxes<T>(x: usize, y: usize, A: i32, B: i32, n: i32): void {
  const bytes = <usize>n * sizeof<T>();
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) {
      memory.copy(y + <usize>(b * A + a) * bytes, x + <usize>(a * B + b) * bytes, bytes);
    }
  }
}

// y[b, j] = x[b, j] for j < n: blocks that lie `xStride` and `yStride` elements apart, from an offset on.
export function copyBlocks<T>(
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
export function dropout<T>(x: usize, y: usize, n: i32, seed: u32, threshold: u32, scale: T): void {
  const key = mix(seed);
  for (let i = 0; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const kept = mix(<u32>i * 0x9e3779b9 + key) >= threshold;
    store<T>(y + o, kept ? load<T>(x + o) * scale : <T>0);
  }
}
