import { exp, expMinusOne, sigmoid, softplus as softplusOf } from './math';
import { at, lanes, put } from './simd';

// Activations that bend where relu breaks off. All backward passes go by x.

// y = x where x > 0, else slope x.
function leakyRelu<T>(x: usize, y: usize, n: i32, slope: T): void {
  const s = v128.splat<T>(slope);
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    put<T>(y + o, v128.bitselect(v, v128.mul<T>(v, s), v128.gt<T>(v, zero)), single);
  }
}
export function leakyRelu_f32(x: usize, y: usize, n: i32, slope: f32): void {
  leakyRelu<f32>(x, y, n, slope);
}
export function leakyRelu_f64(x: usize, y: usize, n: i32, slope: f64): void {
  leakyRelu<f64>(x, y, n, slope);
}

// dx = dy where x > 0, else slope dy.
function leakyReluBackward<T>(x: usize, dy: usize, dx: usize, n: i32, slope: T): void {
  const s = v128.splat<T>(slope);
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const d = at<T>(dy + o, single);
    const active = v128.gt<T>(at<T>(x + o, single), zero);
    put<T>(dx + o, v128.bitselect(d, v128.mul<T>(d, s), active), single);
  }
}
export function leakyReluBackward_f32(x: usize, dy: usize, dx: usize, n: i32, slope: f32): void {
  leakyReluBackward<f32>(x, dy, dx, n, slope);
}
export function leakyReluBackward_f64(x: usize, dy: usize, dx: usize, n: i32, slope: f64): void {
  leakyReluBackward<f64>(x, dy, dx, n, slope);
}

// y = x where x > 0, else alpha (e^x - 1).
function elu<T>(x: usize, y: usize, n: i32, alpha: T): void {
  const a = v128.splat<T>(alpha);
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    const below = v128.mul<T>(a, expMinusOne<T>(v128.pmin<T>(v, zero)));
    put<T>(y + o, v128.bitselect(v, below, v128.gt<T>(v, zero)), single);
  }
}
export function elu_f32(x: usize, y: usize, n: i32, alpha: f32): void {
  elu<f32>(x, y, n, alpha);
}
export function elu_f64(x: usize, y: usize, n: i32, alpha: f64): void {
  elu<f64>(x, y, n, alpha);
}

// dx = dy where x > 0, else alpha e^x dy.
function eluBackward<T>(x: usize, dy: usize, dx: usize, n: i32, alpha: T): void {
  const a = v128.splat<T>(alpha);
  const zero = v128.splat<T>(0);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    const d = at<T>(dy + o, single);
    const below = v128.mul<T>(v128.mul<T>(a, exp<T>(v128.pmin<T>(v, zero))), d);
    put<T>(dx + o, v128.bitselect(d, below, v128.gt<T>(v, zero)), single);
  }
}
export function eluBackward_f32(x: usize, dy: usize, dx: usize, n: i32, alpha: f32): void {
  eluBackward<f32>(x, dy, dx, n, alpha);
}
export function eluBackward_f64(x: usize, dy: usize, dx: usize, n: i32, alpha: f64): void {
  eluBackward<f64>(x, dy, dx, n, alpha);
}

// y = ln(1 + e^(beta x)) / beta.
function softplus<T>(x: usize, y: usize, n: i32, beta: T): void {
  const b = v128.splat<T>(beta);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = v128.mul<T>(b, at<T>(x + o, single));
    put<T>(y + o, v128.div<T>(softplusOf<T>(v), b), single);
  }
}
export function softplus_f32(x: usize, y: usize, n: i32, beta: f32): void {
  softplus<f32>(x, y, n, beta);
}
export function softplus_f64(x: usize, y: usize, n: i32, beta: f64): void {
  softplus<f64>(x, y, n, beta);
}

// dx = dy / (1 + e^(-beta x)).
function softplusBackward<T>(x: usize, dy: usize, dx: usize, n: i32, beta: T): void {
  const b = v128.splat<T>(beta);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const slope = sigmoid<T>(v128.mul<T>(b, at<T>(x + o, single)));
    put<T>(dx + o, v128.mul<T>(at<T>(dy + o, single), slope), single);
  }
}
export function softplusBackward_f32(x: usize, dy: usize, dx: usize, n: i32, beta: f32): void {
  softplusBackward<f32>(x, dy, dx, n, beta);
}
export function softplusBackward_f64(x: usize, dy: usize, dx: usize, n: i32, beta: f64): void {
  softplusBackward<f64>(x, dy, dx, n, beta);
}
