// Additive attention's scores, s = v . tanh(k + q). `image` (rows) i32 says whose keys a row meets.
//
// With K = exp(2 k) and Q = exp(2 q), taken once each, and u = 1 / (1 + K Q):
//   tanh(k + q) = 1 - 2 u        tanh'(k + q) = 4 u (1 - u)
// so a place and a step cost one division instead of a tanh. Beyond `bound`, where K Q could
// overflow, k and q are cut: their tanh is 1 to the last digit unless one undoes the other.

import { imageOf } from './attention';
import { exp } from './math';
import { firstLane, lanes, sumLanes } from './simd';

// y[i] = exp(2 min(max(x[i], -bound), bound)); in place is fine.
function additiveExponentials<T>(x: usize, y: usize, n: i32): void {
  const bound: T = sizeof<T>() == 4 ? <T>20 : <T>170;
  const high = v128.splat<T>(bound);
  const low = v128.splat<T>(-bound);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const v = v128.pmax<T>(v128.pmin<T>(v128.load(x + o), high), low);
    v128.store(y + o, exp<T>(v128.add<T>(v, v)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const v = v128.pmax<T>(v128.pmin<T>(v128.splat<T>(load<T>(x + o)), high), low);
    store<T>(y + o, firstLane<T>(exp<T>(v128.add<T>(v, v))));
  }
}
export function additiveExponentials_f32(x: usize, y: usize, n: i32): void {
  additiveExponentials<f32>(x, y, n);
}
export function additiveExponentials_f64(x: usize, y: usize, n: i32): void {
  additiveExponentials<f64>(x, y, n);
}

// s[r, l] = Σ_a v[a] (1 - 2 u), u = 1 / (1 + K[image[r], l, a] Q[r, a]).
function additiveScores<T>(
  K: usize, Q: usize, v: usize, image: usize, s: usize, rows: i32, L: i32, A: i32,
): void {
  const one = v128.splat<T>(1);
  const width = lanes<T>();
  const bytes = <usize>A * sizeof<T>();
  const whole = A - (A % width);
  let all: T = 0;
  for (let a = 0; a < A; a++) all += load<T>(v + <usize>a * sizeof<T>());
  for (let r = 0; r < rows; r++) {
    const q = Q + <usize>r * bytes;
    let k = K + imageOf(image, r) * <usize>L * bytes;
    for (let l = 0; l < L; l++, k += bytes) {
      let even = v128.splat<T>(0);
      let odd = v128.splat<T>(0);
      let a = 0;
      for (; a + 2 * width <= whole; a += 2 * width) {
        const o = <usize>a * sizeof<T>();
        const p0 = v128.add<T>(one, v128.mul<T>(v128.load(k + o), v128.load(q + o)));
        const p1 = v128.add<T>(one, v128.mul<T>(v128.load(k + o, 16), v128.load(q + o, 16)));
        even = v128.add<T>(even, v128.div<T>(v128.load(v + o), p0));
        odd = v128.add<T>(odd, v128.div<T>(v128.load(v + o, 16), p1));
      }
      for (; a < whole; a += width) {
        const o = <usize>a * sizeof<T>();
        const p = v128.add<T>(one, v128.mul<T>(v128.load(k + o), v128.load(q + o)));
        even = v128.add<T>(even, v128.div<T>(v128.load(v + o), p));
      }
      let sum = sumLanes<T>(v128.add<T>(even, odd));
      for (; a < A; a++) {
        const o = <usize>a * sizeof<T>();
        sum += load<T>(v + o) / (<T>1 + load<T>(k + o) * load<T>(q + o));
      }
      store<T>(s + (<usize>r * <usize>L + <usize>l) * sizeof<T>(), all - <T>2 * sum);
    }
  }
}
export function additiveScores_f32(
  K: usize, Q: usize, v: usize, image: usize, s: usize, rows: i32, L: i32, A: i32,
): void {
  additiveScores<f32>(K, Q, v, image, s, rows, L, A);
}
export function additiveScores_f64(
  K: usize, Q: usize, v: usize, image: usize, s: usize, rows: i32, L: i32, A: i32,
): void {
  additiveScores<f64>(K, Q, v, image, s, rows, L, A);
}

// dq[r, a] = 4 v[a] Σ_l ds[r, l] u (1 - u).
function additiveQueryBackward<T>(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dq: usize, rows: i32, L: i32, A: i32,
): void {
  const one = v128.splat<T>(1);
  const four = v128.splat<T>(4);
  const bytes = <usize>A * sizeof<T>();
  const whole = A - (A % lanes<T>());
  memory.fill(dq, 0, <usize>rows * bytes);
  for (let r = 0; r < rows; r++) {
    const q = Q + <usize>r * bytes;
    const to = dq + <usize>r * bytes;
    let k = K + imageOf(image, r) * <usize>L * bytes;
    for (let l = 0; l < L; l++, k += bytes) {
      const d = load<T>(ds + (<usize>r * <usize>L + <usize>l) * sizeof<T>());
      const vd = v128.splat<T>(d);
      for (let a = 0; a < whole; a += lanes<T>()) {
        const o = <usize>a * sizeof<T>();
        const p = v128.add<T>(one, v128.mul<T>(v128.load(k + o), v128.load(q + o)));
        const u = v128.div<T>(one, p);
        const slope = v128.mul<T>(u, v128.sub<T>(one, u));
        v128.store(to + o, v128.add<T>(v128.load(to + o), v128.mul<T>(vd, slope)));
      }
      for (let a = whole; a < A; a++) {
        const o = <usize>a * sizeof<T>();
        const u: T = <T>1 / (<T>1 + load<T>(k + o) * load<T>(q + o));
        store<T>(to + o, load<T>(to + o) + d * (u * (<T>1 - u)));
      }
    }
    for (let a = 0; a < whole; a += lanes<T>()) {
      const o = <usize>a * sizeof<T>();
      v128.store(to + o, v128.mul<T>(v128.load(to + o), v128.mul<T>(four, v128.load(v + o))));
    }
    for (let a = whole; a < A; a++) {
      const o = <usize>a * sizeof<T>();
      store<T>(to + o, load<T>(to + o) * (<T>4 * load<T>(v + o)));
    }
  }
}
export function additiveQueryBackward_f32(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dq: usize, rows: i32, L: i32, A: i32,
): void {
  additiveQueryBackward<f32>(K, Q, v, image, ds, dq, rows, L, A);
}
export function additiveQueryBackward_f64(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dq: usize, rows: i32, L: i32, A: i32,
): void {
  additiveQueryBackward<f64>(K, Q, v, image, ds, dq, rows, L, A);
}

// Over all T steps at once, so that K is read and dk written once:
//   dk[image[r], l, a] += 4 v[a] Σ_t ds[t, r, l] u (1 - u)      dv[a] += Σ_t,r,l ds[t, r, l] (1 - 2 u)
// Q (T, rows, A), ds (T, rows, L).
function additiveKeysBackward<T>(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dk: usize, dv: usize,
  steps: i32, rows: i32, L: i32, A: i32,
): void {
  const one = v128.splat<T>(1);
  const two = v128.splat<T>(2);
  const four = v128.splat<T>(4);
  const size = sizeof<T>();
  const bytes = <usize>A * size;
  const whole = A - (A % lanes<T>());
  const queryStep = <usize>rows * bytes;
  const scoreStep = <usize>rows * <usize>L * size;
  for (let r = 0; r < rows; r++) {
    const place = imageOf(image, r) * <usize>L * bytes;
    for (let l = 0; l < L; l++) {
      const k = K + place + <usize>l * bytes;
      const to = dk + place + <usize>l * bytes;
      const d = ds + (<usize>r * <usize>L + <usize>l) * size;
      for (let a = 0; a < whole; a += lanes<T>()) {
        const o = <usize>a * size;
        const vk = v128.load(k + o);
        let q = Q + <usize>r * bytes + o;
        let dt = d;
        let slopes = v128.splat<T>(0);
        let values = v128.splat<T>(0);
        for (let t = 0; t < steps; t++, q += queryStep, dt += scoreStep) {
          const vd = v128.load_splat<T>(dt);
          const u = v128.div<T>(one, v128.add<T>(one, v128.mul<T>(vk, v128.load(q))));
          slopes = v128.add<T>(slopes, v128.mul<T>(vd, v128.mul<T>(u, v128.sub<T>(one, u))));
          values = v128.add<T>(values, v128.mul<T>(vd, v128.sub<T>(one, v128.mul<T>(two, u))));
        }
        const change = v128.mul<T>(slopes, v128.mul<T>(four, v128.load(v + o)));
        v128.store(to + o, v128.add<T>(v128.load(to + o), change));
        v128.store(dv + o, v128.add<T>(v128.load(dv + o), values));
      }
      for (let a = whole; a < A; a++) {
        const o = <usize>a * size;
        let q = Q + <usize>r * bytes + o;
        let dt = d;
        let slopes: T = 0;
        let values: T = 0;
        for (let t = 0; t < steps; t++, q += queryStep, dt += scoreStep) {
          const u: T = <T>1 / (<T>1 + load<T>(k + o) * load<T>(q));
          slopes += load<T>(dt) * (u * (<T>1 - u));
          values += load<T>(dt) * (<T>1 - <T>2 * u);
        }
        store<T>(to + o, load<T>(to + o) + slopes * (<T>4 * load<T>(v + o)));
        store<T>(dv + o, load<T>(dv + o) + values);
      }
    }
  }
}
export function additiveKeysBackward_f32(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dk: usize, dv: usize,
  steps: i32, rows: i32, L: i32, A: i32,
): void {
  additiveKeysBackward<f32>(K, Q, v, image, ds, dk, dv, steps, rows, L, A);
}
export function additiveKeysBackward_f64(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dk: usize, dv: usize,
  steps: i32, rows: i32, L: i32, A: i32,
): void {
  additiveKeysBackward<f64>(K, Q, v, image, ds, dk, dv, steps, rows, L, A);
}
