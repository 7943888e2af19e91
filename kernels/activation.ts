import { sigmoid as sigmoidOf, tanh as tanhOf } from './shared/math';
import { firstLane, lanes } from './shared/simd';

// y[i] = 1 / (1 + exp(-x[i])), without overflow for any x.
// divides n by 16: x, y
export function sigmoid<T>(x: usize, y: usize, n: i32): void {
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

// dx[i] = dy[i] y[i] (1 - y[i]).
// divides n by 16: y, dy, dx
export function sigmoidBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
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

// y[i] = tanh(x[i]).
// divides n by 16: x, y
export function tanh<T>(x: usize, y: usize, n: i32): void {
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

// dx[i] = dy[i] (1 - y[i]^2).
// divides n by 16: y, dy, dx
export function tanhBackward<T>(y: usize, dy: usize, dx: usize, n: i32): void {
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
