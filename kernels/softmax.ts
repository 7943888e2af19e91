import { exp } from './math';
import { firstLane, lanes, maxLanes, sumLanes } from './simd';

// Rows of scores against target words, masked (a masked row costs nothing):
//   p[r, :] = exp(x[r, :] - max x[r, :])       unnormalised, kept for the backward pass
//   z[r] = sum of p[r, :]
// Returns the sum over unmasked rows of log z[r] + max - x[r, y[r]], or -1 - r for the first
// unmasked row whose target lies outside [0, V).
function softmaxLoss<T>(
  x: usize, y: usize, mask: usize, p: usize, z: usize, rows: i32, V: i32,
): f64 {
  const whole = V - (V % lanes<T>());
  let loss: f64 = 0;
  for (let r = 0; r < rows; r++) {
    if (load<u8>(mask + r) == 0) continue;
    const target = load<i32>(y + <usize>r * 4);
    if (<u32>target >= <u32>V) return <f64>(-1 - r);
    const row = x + <usize>r * <usize>V * sizeof<T>();
    const out = p + <usize>r * <usize>V * sizeof<T>();
    const largest = maxOfRow<T>(row, V);
    const shift = v128.splat<T>(largest);
    let sums = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const e = exp<T>(v128.sub<T>(v128.load(row + o), shift));
      v128.store(out + o, e);
      sums = v128.add<T>(sums, e);
    }
    let total = sumLanes<T>(sums);
    for (let j = whole; j < V; j++) {
      const o = <usize>j * sizeof<T>();
      const e = firstLane<T>(exp<T>(v128.splat<T>(load<T>(row + o) - largest)));
      store<T>(out + o, e);
      total += e;
    }
    store<T>(z + <usize>r * sizeof<T>(), total);
    const score = <f64>load<T>(row + <usize>target * sizeof<T>());
    loss += Math.log(<f64>total) + <f64>largest - score;
  }
  return loss;
}

// pmax is one instruction where max takes seven, but loses NaN: that is collected in a mask.
function maxOfRow<T>(row: usize, V: i32): T {
  const whole = V - (V % lanes<T>());
  let largest = load<T>(row);
  if (whole > 0) {
    let m = v128.load(row);
    let nan = v128.ne<T>(m, m);
    for (let j = lanes<T>(); j < whole; j += lanes<T>()) {
      const v = v128.load(row + <usize>j * sizeof<T>());
      nan = v128.or(nan, v128.ne<T>(v, v));
      m = v128.pmax<T>(m, v);
    }
    largest = maxLanes<T>(v128.or(m, nan));
  }
  for (let j = whole; j < V; j++) largest = max<T>(largest, load<T>(row + <usize>j * sizeof<T>()));
  return largest;
}
export function softmaxLoss_f32(
  x: usize, y: usize, mask: usize, p: usize, z: usize, rows: i32, V: i32,
): f64 {
  return softmaxLoss<f32>(x, y, mask, p, z, rows, V);
}
export function softmaxLoss_f64(
  x: usize, y: usize, mask: usize, p: usize, z: usize, rows: i32, V: i32,
): f64 {
  return softmaxLoss<f64>(x, y, mask, p, z, rows, V);
}

// dx[r, :] = scale (p[r, :] / z[r] - onehot(y[r])), zero where masked; scale = dLoss factor.
function softmaxLossBackward<T>(
  p: usize, z: usize, y: usize, mask: usize, dLoss: usize, factor: T, dx: usize, rows: i32, V: i32,
): void {
  const whole = V - (V % lanes<T>());
  const bytes = <usize>V * sizeof<T>();
  const scale: T = load<T>(dLoss) * factor;
  for (let r = 0; r < rows; r++) {
    const out = dx + <usize>r * bytes;
    if (load<u8>(mask + r) == 0) {
      memory.fill(out, 0, bytes);
      continue;
    }
    const row = p + <usize>r * bytes;
    const s: T = scale / load<T>(z + <usize>r * sizeof<T>());
    const vs = v128.splat<T>(s);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      v128.store(out + o, v128.mul<T>(vs, v128.load(row + o)));
    }
    for (let j = whole; j < V; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(out + o, s * load<T>(row + o));
    }
    const at = out + <usize>load<i32>(y + <usize>r * 4) * sizeof<T>();
    store<T>(at, load<T>(at) - scale);
  }
}
export function softmaxLossBackward_f32(
  p: usize, z: usize, y: usize, mask: usize, dLoss: usize, factor: f32, dx: usize, rows: i32, V: i32,
): void {
  softmaxLossBackward<f32>(p, z, y, mask, dLoss, factor, dx, rows, V);
}
export function softmaxLossBackward_f64(
  p: usize, z: usize, y: usize, mask: usize, dLoss: usize, factor: f64, dx: usize, rows: i32, V: i32,
): void {
  softmaxLossBackward<f64>(p, z, y, mask, dLoss, factor, dx, rows, V);
}
