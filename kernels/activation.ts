import { sigmoid as sigmoidOf, tanh as tanhOf } from './math';
import { firstLane, lanes } from './simd';

// y[i] = 1 / (1 + exp(-x[i])), without overflow for any x.
function sigmoid<T>(x: usize, y: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(y + o, sigmoidOf<T>(v128.load(x + o)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(y + o, firstLane<T>(sigmoidOf<T>(v128.splat<T>(load<T>(x + o)))));
  }
}
export function sigmoid_f32(x: usize, y: usize, n: i32): void {
  sigmoid<f32>(x, y, n);
}
export function sigmoid_f64(x: usize, y: usize, n: i32): void {
  sigmoid<f64>(x, y, n);
}

// dx[i] = dy[i] y[i] (1 - y[i]).
function sigmoidBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
  const one = v128.splat<T>(1);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const v = v128.load(y + o);
    const slope = v128.mul<T>(v, v128.sub<T>(one, v));
    v128.store(dx + o, v128.mul<T>(v128.load(dy + o), slope));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const v = load<T>(y + o);
    store<T>(dx + o, load<T>(dy + o) * (v * (<T>1 - v)));
  }
}
export function sigmoidBackward_f32(y: usize, dy: usize, dx: usize, n: i32): void {
  sigmoidBackward<f32>(y, dy, dx, n);
}
export function sigmoidBackward_f64(y: usize, dy: usize, dx: usize, n: i32): void {
  sigmoidBackward<f64>(y, dy, dx, n);
}

// y[i] = tanh(x[i]).
function tanh<T>(x: usize, y: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(y + o, tanhOf<T>(v128.load(x + o)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(y + o, firstLane<T>(tanhOf<T>(v128.splat<T>(load<T>(x + o)))));
  }
}
export function tanh_f32(x: usize, y: usize, n: i32): void {
  tanh<f32>(x, y, n);
}
export function tanh_f64(x: usize, y: usize, n: i32): void {
  tanh<f64>(x, y, n);
}

// dx[i] = dy[i] (1 - y[i]^2).
function tanhBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
  const one = v128.splat<T>(1);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const v = v128.load(y + o);
    const slope = v128.sub<T>(one, v128.mul<T>(v, v));
    v128.store(dx + o, v128.mul<T>(v128.load(dy + o), slope));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const v = load<T>(y + o);
    store<T>(dx + o, load<T>(dy + o) * (<T>1 - v * v));
  }
}
export function tanhBackward_f32(y: usize, dy: usize, dx: usize, n: i32): void {
  tanhBackward<f32>(y, dy, dx, n);
}
export function tanhBackward_f64(y: usize, dy: usize, dx: usize, n: i32): void {
  tanhBackward<f64>(y, dy, dx, n);
}
