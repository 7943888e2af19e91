// Additive attention's scores, s = v . tanh(k + q). `image` (rows) i32 says whose keys a row meets.
//
// With K = exp(2 k) and Q = exp(2 q), taken once each, and u = 1 / (1 + K Q):
//   tanh(k + q) = 1 - 2 u        tanh'(k + q) = 4 u (1 - u)
// so a place and a step cost one division instead of a tanh. Beyond `bound`, where K Q could
// overflow, k and q are cut: their tanh is 1 to the last digit unless one undoes the other.

import { exp } from './shared/math';
import { imageOf } from './shared/rows';
import { at, firstLane, lanes, put, sumLanes } from './shared/simd';

// y[i] = exp(2 min(max(x[i], -bound), bound)); in place is fine.
// divides n by 16: x, y
export function additiveExponentials<T>(x: usize, y: usize, n: i32): void {
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

// s[r, l] = Σ_a v[a] (1 - 2 u), u = 1 / (1 + K[image[r], l, a] Q[r, a]).
// divides rows: Q A, image i32, s L
export function additiveScores<T>(
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

// dq[r, a] = 4 v[a] Σ_l ds[r, l] u (1 - u).
// divides rows: Q A, image i32, ds L, dq A
export function additiveQueryBackward<T>(
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

// Over all T steps at once, so that K is read and dk written once:
//   dk[image[r], l, a] += 4 v[a] Σ_t ds[t, r, l] u (1 - u)      dv[a] += Σ_t,r,l ds[t, r, l] (1 - 2 u)
// Q (T, rows, A), ds (T, rows, L). Both come of Σ ds u and Σ ds u u. The queries of a row lie so far
// apart that they crowd each other out of the cache: whatever lies in one line of it is used at once.
export function additiveKeysBackward<T>(
  K: usize, Q: usize, v: usize, image: usize, ds: usize, dk: usize, dv: usize,
  steps: i32, rows: i32, L: i32, A: i32,
): void {
  const size = sizeof<T>();
  const bytes = <usize>A * size;
  const queryStep = <usize>rows * bytes;
  const scoreStep = <usize>rows * <usize>L * size;
  for (let r = 0; r < rows; r++) {
    const place = imageOf(image, r) * <usize>L * bytes;
    const q = Q + <usize>r * bytes;
    for (let l = 0; l < L; l++) {
      const k = K + place + <usize>l * bytes;
      const to = dk + place + <usize>l * bytes;
      const d = ds + (<usize>r * <usize>L + <usize>l) * size;
      let total: T = 0;
      for (let t = 0; t < steps; t++) total += load<T>(d + <usize>t * scoreStep);
      let o: usize = 0;
      for (; o + 64 <= bytes; o += 64) {
        let s0 = v128.splat<T>(0), s1 = v128.splat<T>(0), s2 = v128.splat<T>(0), s3 = v128.splat<T>(0);
        let w0 = v128.splat<T>(0), w1 = v128.splat<T>(0), w2 = v128.splat<T>(0), w3 = v128.splat<T>(0);
        let query = q + o;
        let dt = d;
        for (let t = 0; t < steps; t++, query += queryStep, dt += scoreStep) {
          const vd = v128.load_splat<T>(dt);
          const u0 = share<T>(v128.load(k + o), v128.load(query));
          const u1 = share<T>(v128.load(k + o, 16), v128.load(query, 16));
          const u2 = share<T>(v128.load(k + o, 32), v128.load(query, 32));
          const u3 = share<T>(v128.load(k + o, 48), v128.load(query, 48));
          const d0 = v128.mul<T>(vd, u0), d1 = v128.mul<T>(vd, u1);
          const d2 = v128.mul<T>(vd, u2), d3 = v128.mul<T>(vd, u3);
          s0 = v128.add<T>(s0, d0);
          s1 = v128.add<T>(s1, d1);
          s2 = v128.add<T>(s2, d2);
          s3 = v128.add<T>(s3, d3);
          w0 = v128.add<T>(w0, v128.mul<T>(d0, u0));
          w1 = v128.add<T>(w1, v128.mul<T>(d1, u1));
          w2 = v128.add<T>(w2, v128.mul<T>(d2, u2));
          w3 = v128.add<T>(w3, v128.mul<T>(d3, u3));
        }
        addKeyGradient<T>(to + o, dv + o, v + o, total, s0, w0, false);
        addKeyGradient<T>(to + o + 16, dv + o + 16, v + o + 16, total, s1, w1, false);
        addKeyGradient<T>(to + o + 32, dv + o + 32, v + o + 32, total, s2, w2, false);
        addKeyGradient<T>(to + o + 48, dv + o + 48, v + o + 48, total, s3, w3, false);
      }
      for (; o < bytes; o += size) {
        let s = v128.splat<T>(0), w = v128.splat<T>(0);
        let query = q + o;
        let dt = d;
        for (let t = 0; t < steps; t++, query += queryStep, dt += scoreStep) {
          const u = share<T>(v128.load_splat<T>(k + o), v128.load_splat<T>(query));
          const du = v128.mul<T>(v128.load_splat<T>(dt), u);
          s = v128.add<T>(s, du);
          w = v128.add<T>(w, v128.mul<T>(du, u));
        }
        addKeyGradient<T>(to + o, dv + o, v + o, total, s, w, true);
      }
    }
  }
}

// u = 1 / (1 + K Q)
// @ts-ignore: decorator
@inline
function share<T>(k: v128, q: v128): v128 {
  const one = v128.splat<T>(1);
  return v128.div<T>(one, v128.add<T>(one, v128.mul<T>(k, q)));
}

// From s = Σ ds u and w = Σ ds u u: dk += 4 v (s - w), dv += Σ ds - 2 s.
// @ts-ignore: decorator
@inline
function addKeyGradient<T>(
  dk: usize, dv: usize, v: usize, total: T, s: v128, w: v128, single: bool,
): void {
  const slope = v128.mul<T>(v128.splat<T>(4), v128.sub<T>(s, w));
  put<T>(dk, v128.add<T>(at<T>(dk, single), v128.mul<T>(slope, at<T>(v, single))), single);
  const value = v128.sub<T>(v128.splat<T>(total), v128.add<T>(s, s));
  put<T>(dv, v128.add<T>(at<T>(dv, single), value), single);
}
