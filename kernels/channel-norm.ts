import { rowSum } from './shared/rows';
import { at, lanes, put, sumLanes } from './shared/simd';

// Statistics and scaling by channel of x (N, C, S), with planes of S elements: what batch norm is made of,
// and group norm's gain and bias.

// mean[c] = mean of x[:, c, :], variance[c] = mean of (x[:, c, :] - mean[c])^2. The planes are summed in f64:
// many f32 sums lose digits.
export function channelMoments<T>(x: usize, mean: usize, variance: usize, N: i32, C: i32, S: i32): void {
  const bytes = <usize>S * sizeof<T>();
  const count = <f64>N * <f64>S;
  for (let c = 0; c < C; c++) {
    let sum: f64 = 0;
    for (let n = 0; n < N; n++) sum += <f64>rowSum<T>(x + <usize>(n * C + c) * bytes, S);
    const centre = <T>(sum / count);
    let squares: f64 = 0;
    for (let n = 0; n < N; n++) squares += <f64>rowSquares<T>(x + <usize>(n * C + c) * bytes, centre, S);
    store<T>(mean + <usize>c * sizeof<T>(), centre);
    store<T>(variance + <usize>c * sizeof<T>(), <T>(squares / count));
  }
}

// The sum of (row[j] - centre)^2.
function rowSquares<T>(row: usize, centre: T, n: i32): T {
  const whole = n - (n % lanes<T>());
  const v = v128.splat<T>(centre);
  let sums = v128.splat<T>(0);
  for (let j = 0; j < whole; j += lanes<T>()) {
    const d = v128.sub<T>(v128.load(row + <usize>j * sizeof<T>()), v);
    sums = v128.add<T>(sums, v128.mul<T>(d, d));
  }
  let sum: T = sumLanes<T>(sums);
  for (let j = whole; j < n; j++) {
    const d: T = load<T>(row + <usize>j * sizeof<T>()) - centre;
    sum += d * d;
  }
  return sum;
}

// inverse[c] = 1 / sqrt(variance[c] + epsilon).
export function inverseDeviation<T>(variance: usize, inverse: usize, C: i32, epsilon: T): void {
  for (let c = 0; c < C; c++) {
    const o = <usize>c * sizeof<T>();
    store<T>(inverse + o, <T>1 / sqrt<T>(load<T>(variance + o) + epsilon));
  }
}

// y[n, c, :] = (x[n, c, :] - mean[c]) inverse[c] gain[c] + bias[c].
// divides N: x C*S, y C*S
export function normaliseChannels<T>(
  x: usize, mean: usize, inverse: usize, gain: usize, bias: usize, y: usize, N: i32, C: i32, S: i32,
): void {
  const whole = S - (S % lanes<T>());
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      const o = <usize>c * sizeof<T>();
      const plane = <usize>(n * C + c) * S * sizeof<T>();
      const centre = v128.splat<T>(load<T>(mean + o));
      const scale = v128.splat<T>(load<T>(inverse + o) * load<T>(gain + o));
      const shift = v128.splat<T>(load<T>(bias + o));
      for (let s = 0; s < S; s += s < whole ? lanes<T>() : 1) {
        const p = plane + <usize>s * sizeof<T>();
        const d = v128.sub<T>(at<T>(x + p, s >= whole), centre);
        put<T>(y + p, v128.add<T>(v128.mul<T>(d, scale), shift), s >= whole);
      }
    }
  }
}

// With z = (x - mean[c]) inverse[c]: dGain[c] = sum of dy[:, c, :] z[:, c, :], dBias[c] = that of dy[:, c, :].
export function channelGradients<T>(
  x: usize, mean: usize, inverse: usize, dy: usize, dGain: usize, dBias: usize, N: i32, C: i32, S: i32,
): void {
  const bytes = <usize>S * sizeof<T>();
  const whole = S - (S % lanes<T>());
  for (let c = 0; c < C; c++) {
    const o = <usize>c * sizeof<T>();
    const centre = load<T>(mean + o);
    const v = v128.splat<T>(centre);
    let along: f64 = 0;
    let sum: f64 = 0;
    for (let n = 0; n < N; n++) {
      const plane = <usize>(n * C + c) * bytes;
      let alongs = v128.splat<T>(0);
      let sums = v128.splat<T>(0);
      for (let s = 0; s < whole; s += lanes<T>()) {
        const p = plane + <usize>s * sizeof<T>();
        const d = v128.load(dy + p);
        alongs = v128.add<T>(alongs, v128.mul<T>(d, v128.sub<T>(v128.load(x + p), v)));
        sums = v128.add<T>(sums, d);
      }
      along += <f64>sumLanes<T>(alongs);
      sum += <f64>sumLanes<T>(sums);
      for (let s = whole; s < S; s++) {
        const p = plane + <usize>s * sizeof<T>();
        along += <f64>(load<T>(dy + p) * (load<T>(x + p) - centre));
        sum += <f64>load<T>(dy + p);
      }
    }
    store<T>(dGain + o, <T>(along * <f64>load<T>(inverse + o)));
    store<T>(dBias + o, <T>sum);
  }
}

// dx = gain[c] inverse[c] (dy - share (dBias[c] + z dGain[c])), with z as above; share is one over the values
// of a channel where its statistics are those of x, and 0 where they are constants.
// divides N: x C*S, dy C*S, dx C*S
export function normaliseChannelsBackward<T>(
  x: usize, mean: usize, inverse: usize, gain: usize, dy: usize, dGain: usize, dBias: usize, dx: usize,
  N: i32, C: i32, S: i32, share: T,
): void {
  const whole = S - (S % lanes<T>());
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      const o = <usize>c * sizeof<T>();
      const plane = <usize>(n * C + c) * S * sizeof<T>();
      const centre = v128.splat<T>(load<T>(mean + o));
      const scale = v128.splat<T>(load<T>(gain + o) * load<T>(inverse + o));
      const even = v128.splat<T>(share * load<T>(dBias + o));
      const along = v128.splat<T>(share * load<T>(dGain + o) * load<T>(inverse + o));
      for (let s = 0; s < S; s += s < whole ? lanes<T>() : 1) {
        const p = plane + <usize>s * sizeof<T>();
        const d = v128.sub<T>(at<T>(x + p, s >= whole), centre);
        const common = v128.add<T>(even, v128.mul<T>(d, along));
        const own = v128.sub<T>(at<T>(dy + p, s >= whole), common);
        put<T>(dx + p, v128.mul<T>(scale, own), s >= whole);
      }
    }
  }
}
