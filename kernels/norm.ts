import { rowDot, rowSum } from './shared/rows';
import { lanes, sumLanes } from './shared/simd';

// Every row to mean 0 and variance 1: y = (x - mean) / sqrt(variance + epsilon).
// inverse[r] keeps 1 / sqrt(...) for the backward pass.
// divides rows: x n, y n, inverse
export function layerNorm<T>(x: usize, y: usize, inverse: usize, rows: i32, n: i32, epsilon: T): void {
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

// dx = inverse (dy - mean(dy) - y mean(dy y)), row by row.
// divides rows: y n, dy n, inverse, dx n
export function layerNormBackward<T>(y: usize, dy: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
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

// Layer norm with a gain and a bias per column: z as `layerNorm` makes it, y = z gain + bias.
// divides rows: x n, z n, y n, inverse
export function scaledLayerNorm<T>(
  x: usize, gain: usize, bias: usize, z: usize, y: usize, inverse: usize, rows: i32, n: i32,
  epsilon: T,
): void {
  const whole = n - (n % lanes<T>());
  const bytes = <usize>n * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const from = z + <usize>r * bytes;
    const to = y + <usize>r * bytes;
    // Row by row: the second pass finds the row in the cache.
    layerNorm<T>(x + <usize>r * bytes, from, inverse + <usize>r * sizeof<T>(), 1, n, epsilon);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const scaled = v128.mul<T>(v128.load(from + o), v128.load(gain + o));
      v128.store(to + o, v128.add<T>(scaled, v128.load(bias + o)));
    }
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(to + o, load<T>(from + o) * load<T>(gain + o) + load<T>(bias + o));
    }
  }
}

// dz = dy gain, which goes back as in `layerNormBackward`; dGain += dy z and dBias += dy over the
// rows, in the same pass over dy.
export function scaledLayerNormBackward<T>(
  z: usize, dy: usize, gain: usize, inverse: usize, dx: usize, dGain: usize, dBias: usize,
  rows: i32, n: i32,
): void {
  const whole = n - (n % lanes<T>());
  const bytes = <usize>n * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const row = z + <usize>r * bytes;
    const from = dy + <usize>r * bytes;
    const to = dx + <usize>r * bytes;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const d = v128.load(from + o);
      const along = v128.mul<T>(d, v128.load(row + o));
      v128.store(dGain + o, v128.add<T>(v128.load(dGain + o), along));
      v128.store(dBias + o, v128.add<T>(v128.load(dBias + o), d));
      v128.store(to + o, v128.mul<T>(d, v128.load(gain + o)));
    }
    for (let j = whole; j < n; j++) {
      const o = <usize>j * sizeof<T>();
      const d = load<T>(from + o);
      store<T>(dGain + o, load<T>(dGain + o) + d * load<T>(row + o));
      store<T>(dBias + o, load<T>(dBias + o) + d);
      store<T>(to + o, d * load<T>(gain + o));
    }
    layerNormBackward<T>(row, to, inverse + <usize>r * sizeof<T>(), to, 1, n);
  }
}
