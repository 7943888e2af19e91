import { sigmoid, tanh } from './shared/math';
import { at, firstLane, lanes, put } from './shared/simd';

// ---- vanilla RNN: h = tanh(a + b), in place over a -------------------------------------------

// divides N: a H
export function rnnCell<T>(a: usize, b: usize, N: i32, H: i32): void {
  const whole = H - (H % lanes<T>());
  for (let n = 0; n < N; n++) {
    const row = a + <usize>n * <usize>H * sizeof<T>();
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      v128.store(row + o, tanh<T>(v128.add<T>(v128.load(row + o), v128.load(b + o))));
    }
    for (let j = whole; j < H; j++) {
      const o = <usize>j * sizeof<T>();
      const value = v128.splat<T>(load<T>(row + o) + load<T>(b + o));
      store<T>(row + o, firstLane<T>(tanh<T>(value)));
    }
  }
}

// da = (dh + dhLater) (1 - h h)
// divides n by 16: h, dh, dhLater, da
export function rnnCellBackward<T>(h: usize, dh: usize, dhLater: usize, da: usize, n: i32): void {
  const one = v128.splat<T>(1);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const v = v128.load(h + o);
    const d = v128.add<T>(v128.load(dh + o), v128.load(dhLater + o));
    v128.store(da + o, v128.mul<T>(d, v128.sub<T>(one, v128.mul<T>(v, v))));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const v = load<T>(h + o);
    store<T>(da + o, (load<T>(dh + o) + load<T>(dhLater + o)) * (<T>1 - v * v));
  }
}

// ---- LSTM, gates in the order i, f, o, g along the 4H columns ----------------------------------
// a (N, 4H) becomes the gates in place; c = f c' + i g; h = o tanh(c).

// @ts-ignore: decorator
@inline
function lstmCellAt<T>(
  row: usize, b: usize, H: usize, o: usize, prevC: v128, single: bool, c: usize, tanhC: usize, h: usize,
): void {
  const f = H + o;
  const out = 2 * H + o;
  const g = 3 * H + o;
  const vi = sigmoid<T>(v128.add<T>(at<T>(row + o, single), at<T>(b + o, single)));
  const vf = sigmoid<T>(v128.add<T>(at<T>(row + f, single), at<T>(b + f, single)));
  const vo = sigmoid<T>(v128.add<T>(at<T>(row + out, single), at<T>(b + out, single)));
  const vg = tanh<T>(v128.add<T>(at<T>(row + g, single), at<T>(b + g, single)));
  const vc = v128.add<T>(v128.mul<T>(vf, prevC), v128.mul<T>(vi, vg));
  const vt = tanh<T>(vc);
  put<T>(row + o, vi, single);
  put<T>(row + f, vf, single);
  put<T>(row + out, vo, single);
  put<T>(row + g, vg, single);
  put<T>(c + o, vc, single);
  put<T>(tanhC + o, vt, single);
  put<T>(h + o, v128.mul<T>(vo, vt), single);
}

// divides N: a 4*H, prevC H, c H, tanhC H, h H
export function lstmCell<T>(
  a: usize, b: usize, prevC: usize, c: usize, tanhC: usize, h: usize, N: i32, H: i32,
): void {
  const whole = H - (H % lanes<T>());
  const bytes = <usize>H * sizeof<T>();
  for (let n = 0; n < N; n++) {
    const s = <usize>n * bytes;
    const row = a + 4 * s;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      lstmCellAt<T>(row, b, bytes, o, v128.load(prevC + s + o), false, c + s, tanhC + s, h + s);
    }
    for (let j = whole; j < H; j++) {
      const o = <usize>j * sizeof<T>();
      lstmCellAt<T>(row, b, bytes, o, at<T>(prevC + s + o, true), true, c + s, tanhC + s, h + s);
    }
  }
}

// With d = dh + dhLater and dc = dcLater + d o (1 - tanh(c)^2):
//   da_o = d tanh(c) o (1 - o)     da_i = dc g i (1 - i)
//   da_f = dc c' f (1 - f)         da_g = dc i (1 - g^2)     dcLater = dc f
// @ts-ignore: decorator
@inline
function lstmCellBackwardAt<T>(
  gates: usize, H: usize, o: usize, d: v128, prevC: usize, tanhC: usize, dc: usize, da: usize,
  single: bool,
): void {
  const one = v128.splat<T>(1);
  const i = at<T>(gates + o, single);
  const f = at<T>(gates + H + o, single);
  const out = at<T>(gates + 2 * H + o, single);
  const g = at<T>(gates + 3 * H + o, single);
  const t = at<T>(tanhC + o, single);
  const through = v128.mul<T>(v128.mul<T>(d, out), v128.sub<T>(one, v128.mul<T>(t, t)));
  const dcell = v128.add<T>(at<T>(dc + o, single), through);
  const dcellI = v128.mul<T>(dcell, i);
  const dcellF = v128.mul<T>(dcell, f);
  put<T>(da + o, v128.mul<T>(v128.mul<T>(dcellI, g), v128.sub<T>(one, i)), single);
  put<T>(
    da + H + o,
    v128.mul<T>(v128.mul<T>(dcellF, at<T>(prevC + o, single)), v128.sub<T>(one, f)),
    single,
  );
  put<T>(
    da + 2 * H + o,
    v128.mul<T>(v128.mul<T>(v128.mul<T>(d, t), out), v128.sub<T>(one, out)),
    single,
  );
  put<T>(da + 3 * H + o, v128.mul<T>(dcellI, v128.sub<T>(one, v128.mul<T>(g, g))), single);
  put<T>(dc + o, dcellF, single);
}

// divides N: gates 4*H, prevC H, tanhC H, dh H, dhLater H, dc H, da 4*H
export function lstmCellBackward<T>(
  gates: usize, prevC: usize, tanhC: usize, dh: usize, dhLater: usize, dc: usize, da: usize,
  N: i32, H: i32,
): void {
  const whole = H - (H % lanes<T>());
  const bytes = <usize>H * sizeof<T>();
  for (let n = 0; n < N; n++) {
    const s = <usize>n * bytes;
    const row = gates + 4 * s;
    const daRow = da + 4 * s;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      const d = v128.add<T>(v128.load(dh + s + o), v128.load(dhLater + s + o));
      lstmCellBackwardAt<T>(row, bytes, o, d, prevC + s, tanhC + s, dc + s, daRow, false);
    }
    for (let j = whole; j < H; j++) {
      const o = <usize>j * sizeof<T>();
      const d = v128.add<T>(at<T>(dh + s + o, true), at<T>(dhLater + s + o, true));
      lstmCellBackwardAt<T>(row, bytes, o, d, prevC + s, tanhC + s, dc + s, daRow, true);
    }
  }
}
