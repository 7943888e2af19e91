import { exp } from './shared/math';
import { firstLane, lanes, maxLanes, sumLanes } from './shared/simd';

// Rows of scores against target words, masked (a masked row costs nothing), with a weight w for each
// row and label smoothing e:
//   p[r, :] = exp(x[r, :] - max x[r, :])       unnormalised, kept for the backward pass
//   z[r] = sum of p[r, :]
//   sum over unmasked rows of w[r] (log z[r] - (1 - e) (x[r, y[r]] - max) - e mean(x[r, :] - max))
// That sum, divided by `divisor`, goes to `loss`. Returns -1, or the first unmasked row whose target
// lies outside [0, V).
export function softmaxLoss<T>(
  x: usize, y: usize, mask: usize, w: usize, p: usize, z: usize, loss: usize, rows: i32, V: i32,
  smoothing: f64, divisor: f64,
): i32 {
  const whole = V - (V % lanes<T>());
  let sum: f64 = 0;
  for (let r = 0; r < rows; r++) {
    if (load<u8>(mask + r) == 0) continue;
    const target = load<i32>(y + <usize>r * 4);
    if (<u32>target >= <u32>V) return r;
    const row = x + <usize>r * <usize>V * sizeof<T>();
    const out = p + <usize>r * <usize>V * sizeof<T>();
    const largest = maxOfRow<T>(row, V);
    const shift = v128.splat<T>(largest);
    let sums = v128.splat<T>(0);
    let shifted = v128.splat<T>(0);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const d = v128.sub<T>(v128.load(row + o), shift);
      const e = exp<T>(d);
      v128.store(out + o, e);
      sums = v128.add<T>(sums, e);
      shifted = v128.add<T>(shifted, d);
    }
    let total = sumLanes<T>(sums);
    let distance = sumLanes<T>(shifted);
    for (let j = whole; j < V; j++) {
      const o = <usize>j * sizeof<T>();
      const d: T = load<T>(row + o) - largest;
      const e = firstLane<T>(exp<T>(v128.splat<T>(d)));
      store<T>(out + o, e);
      total += e;
      distance += d;
    }
    store<T>(z + <usize>r * sizeof<T>(), total);
    let cost = Math.log(<f64>total);
    const score = <f64>load<T>(row + <usize>target * sizeof<T>()) - <f64>largest;
    // Without smoothing a score of minus infinity must cost nothing: 0 times infinity is no number.
    if (smoothing == 0) cost -= score;
    else cost -= (1 - smoothing) * score + smoothing * (<f64>distance / <f64>V);
    sum += <f64>load<T>(w + <usize>r * sizeof<T>()) * cost;
  }
  store<T>(loss, <T>(sum / divisor));
  return -1;
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

// dx[r, :] = scale w[r] (p[r, :] / z[r] - (1 - e) onehot(y[r]) - e / V), zero where masked;
// scale = dLoss factor.
// divides rows: p V, z, y i32, mask u8, w, dx V
export function softmaxLossBackward<T>(
  p: usize, z: usize, y: usize, mask: usize, w: usize, dLoss: usize, smoothing: T, factor: T,
  dx: usize, rows: i32, V: i32,
): void {
  const whole = V - (V % lanes<T>());
  const bytes = <usize>V * sizeof<T>();
  const dSum: T = load<T>(dLoss) * factor;
  for (let r = 0; r < rows; r++) {
    const out = dx + <usize>r * bytes;
    if (load<u8>(mask + r) == 0) {
      memory.fill(out, 0, bytes);
      continue;
    }
    const row = p + <usize>r * bytes;
    const scale: T = dSum * load<T>(w + <usize>r * sizeof<T>());
    const s: T = scale / load<T>(z + <usize>r * sizeof<T>());
    const even: T = (scale * smoothing) / <T>V;
    const vs = v128.splat<T>(s);
    const veven = v128.splat<T>(even);
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      v128.store(out + o, v128.sub<T>(v128.mul<T>(vs, v128.load(row + o)), veven));
    }
    for (let j = whole; j < V; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(out + o, s * load<T>(row + o) - even);
    }
    const at = out + <usize>load<i32>(y + <usize>r * 4) * sizeof<T>();
    store<T>(at, load<T>(at) - (scale - scale * smoothing));
  }
}
