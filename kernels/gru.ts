import { sigmoid, tanh } from './shared/math';
import { at, lanes, put } from './shared/simd';

// ---- GRU, gates in the order r, z, n along the 3H columns --------------------------------------
// a (N, 3H) holds what comes from the inputs and becomes the gates in place, ah (N, 3H) holds
// h' Wh. With the biases b (3H) and bh (H):
//   r = sigmoid(a_r + b_r + ah_r)     hn = ah_n + bh, kept for the backward pass
//   z = sigmoid(a_z + b_z + ah_z)     n = tanh(a_n + b_n + r hn)     h = n + z (h' - n)
// @ts-ignore: decorator
@inline
function gruCellAt<T>(
  row: usize, rowH: usize, b: usize, bh: usize, H: usize, o: usize, prevH: usize, hn: usize,
  h: usize, single: bool,
): void {
  const z = H + o;
  const n = 2 * H + o;
  const ar = v128.add<T>(at<T>(row + o, single), at<T>(b + o, single));
  const az = v128.add<T>(at<T>(row + z, single), at<T>(b + z, single));
  const an = v128.add<T>(at<T>(row + n, single), at<T>(b + n, single));
  const vr = sigmoid<T>(v128.add<T>(ar, at<T>(rowH + o, single)));
  const vz = sigmoid<T>(v128.add<T>(az, at<T>(rowH + z, single)));
  const vhn = v128.add<T>(at<T>(rowH + n, single), at<T>(bh + o, single));
  const vn = tanh<T>(v128.add<T>(an, v128.mul<T>(vr, vhn)));
  const before = v128.sub<T>(at<T>(prevH + o, single), vn);
  put<T>(row + o, vr, single);
  put<T>(row + z, vz, single);
  put<T>(row + n, vn, single);
  put<T>(hn + o, vhn, single);
  put<T>(h + o, v128.add<T>(vn, v128.mul<T>(vz, before)), single);
}

// divides N: a 3*H, ah 3*H, prevH H, hn H, h H
export function gruCell<T>(
  a: usize, ah: usize, b: usize, bh: usize, prevH: usize, hn: usize, h: usize, N: i32, H: i32,
): void {
  const whole = H - (H % lanes<T>());
  const bytes = <usize>H * sizeof<T>();
  for (let r = 0; r < N; r++) {
    const s = <usize>r * bytes;
    const row = a + 3 * s;
    const rowH = ah + 3 * s;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      gruCellAt<T>(row, rowH, b, bh, bytes, o, prevH + s, hn + s, h + s, false);
    }
    for (let j = whole; j < H; j++) {
      const o = <usize>j * sizeof<T>();
      gruCellAt<T>(row, rowH, b, bh, bytes, o, prevH + s, hn + s, h + s, true);
    }
  }
}

// With d = dh + dhLater:
//   da_n = d (1 - z) (1 - n^2)     da_z = d (h' - n) z (1 - z)     da_r = da_n hn r (1 - r)
//   dah = da, except dah_n = da_n r     dhLater = d z, to which dah Wh^T is still to be added
// @ts-ignore: decorator
@inline
function gruCellBackwardAt<T>(
  gates: usize, H: usize, o: usize, hn: usize, prevH: usize, dh: usize, dhLater: usize, da: usize,
  dah: usize, single: bool,
): void {
  const one = v128.splat<T>(1);
  const r = at<T>(gates + o, single);
  const z = at<T>(gates + H + o, single);
  const n = at<T>(gates + 2 * H + o, single);
  const d = v128.add<T>(at<T>(dh + o, single), at<T>(dhLater + o, single));
  const dz = v128.mul<T>(d, z);
  const rest = v128.sub<T>(one, z);
  const an = v128.mul<T>(v128.mul<T>(d, rest), v128.sub<T>(one, v128.mul<T>(n, n)));
  const az = v128.mul<T>(v128.mul<T>(dz, rest), v128.sub<T>(at<T>(prevH + o, single), n));
  const anr = v128.mul<T>(an, r);
  const ar = v128.mul<T>(v128.mul<T>(anr, at<T>(hn + o, single)), v128.sub<T>(one, r));
  put<T>(da + o, ar, single);
  put<T>(da + H + o, az, single);
  put<T>(da + 2 * H + o, an, single);
  put<T>(dah + o, ar, single);
  put<T>(dah + H + o, az, single);
  put<T>(dah + 2 * H + o, anr, single);
  put<T>(dhLater + o, dz, single);
}

// divides N: gates 3*H, hn H, prevH H, dh H, dhLater H, da 3*H, dah 3*H
export function gruCellBackward<T>(
  gates: usize, hn: usize, prevH: usize, dh: usize, dhLater: usize, da: usize, dah: usize,
  N: i32, H: i32,
): void {
  const whole = H - (H % lanes<T>());
  const bytes = <usize>H * sizeof<T>();
  for (let r = 0; r < N; r++) {
    const s = <usize>r * bytes;
    const row = gates + 3 * s;
    const to = da + 3 * s;
    const toH = dah + 3 * s;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      gruCellBackwardAt<T>(row, bytes, o, hn + s, prevH + s, dh + s, dhLater + s, to, toH, false);
    }
    for (let j = whole; j < H; j++) {
      const o = <usize>j * sizeof<T>();
      gruCellBackwardAt<T>(row, bytes, o, hn + s, prevH + s, dh + s, dhLater + s, to, toH, true);
    }
  }
}
