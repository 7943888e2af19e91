import { exp, expMinusOne, sigmoid, softplus as softplusOf } from './shared/math';
import { at, lanes, put } from './shared/simd';

// Activations that bend where relu breaks off. All backward passes go by x.

// y = x where x > 0, else slope x.
// divides n by 16: x, y
export function leakyRelu<T>(x: usize, y: usize, n: i32, slope: T): void {
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

// dx = dy where x > 0, else slope dy.
// divides n by 16: x, dy, dx
export function leakyReluBackward<T>(x: usize, dy: usize, dx: usize, n: i32, slope: T): void {
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

// y = x where x > 0, else alpha (e^x - 1).
// divides n by 16: x, y
export function elu<T>(x: usize, y: usize, n: i32, alpha: T): void {
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

// dx = dy where x > 0, else alpha e^x dy.
// divides n by 16: x, dy, dx
export function eluBackward<T>(x: usize, dy: usize, dx: usize, n: i32, alpha: T): void {
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

// y = ln(1 + e^(beta x)) / beta.
// divides n by 16: x, y
export function softplus<T>(x: usize, y: usize, n: i32, beta: T): void {
  const b = v128.splat<T>(beta);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = v128.mul<T>(b, at<T>(x + o, single));
    put<T>(y + o, v128.div<T>(softplusOf<T>(v), b), single);
  }
}

// dx = dy / (1 + e^(-beta x)).
// divides n by 16: x, dy, dx
export function softplusBackward<T>(x: usize, dy: usize, dx: usize, n: i32, beta: T): void {
  const b = v128.splat<T>(beta);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const slope = sigmoid<T>(v128.mul<T>(b, at<T>(x + o, single)));
    put<T>(dx + o, v128.mul<T>(at<T>(dy + o, single), slope), single);
  }
}
