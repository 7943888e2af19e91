import { exp as exponential, log as logarithm } from './shared/math';
import { at, lanes, put } from './shared/simd';

// Functions of one element. What comes back through them is a product or a quotient (kernels/broadcast.ts),
// but through a clamp.

const EXP = 0;
const LOG = 1;
const SQRT = 2;
const ABS = 3;

// One function, a constant where this is called.
// @ts-ignore: decorator
@inline
function each<T>(f: i32, x: usize, y: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    if (f == EXP) put<T>(y + o, exponential<T>(v), single);
    else if (f == LOG) put<T>(y + o, logarithm<T>(v), single);
    else if (f == SQRT) put<T>(y + o, v128.sqrt<T>(v), single);
    else put<T>(y + o, v128.abs<T>(v), single);
  }
}

// y[i] = e^x[i].
// divides n by 16: x, y
export function exp<T>(x: usize, y: usize, n: i32): void {
  each<T>(EXP, x, y, n);
}

// y[i] = ln x[i].
// divides n by 16: x, y
export function log<T>(x: usize, y: usize, n: i32): void {
  each<T>(LOG, x, y, n);
}

// y[i] = the square root of x[i].
// divides n by 16: x, y
export function sqrt<T>(x: usize, y: usize, n: i32): void {
  each<T>(SQRT, x, y, n);
}

// y[i] = |x[i]|.
// divides n by 16: x, y
export function abs<T>(x: usize, y: usize, n: i32): void {
  each<T>(ABS, x, y, n);
}

// y[i] = x[i], but no less than low and no more than high; NaN stays NaN.
// divides n by 16: x, y
export function clamp<T>(x: usize, y: usize, n: i32, low: T, high: T): void {
  const least = v128.splat<T>(low);
  const most = v128.splat<T>(high);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    put<T>(y + o, v128.min<T>(v128.max<T>(at<T>(x + o, single), least), most), single);
  }
}

// dx[i] = dy[i] where low <= x[i] <= high, else 0.
// divides n by 16: x, dy, dx
export function clampBackward<T>(x: usize, dy: usize, dx: usize, n: i32, low: T, high: T): void {
  const least = v128.splat<T>(low);
  const most = v128.splat<T>(high);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    const inside = v128.and(v128.ge<T>(v, least), v128.le<T>(v, most));
    put<T>(dx + o, v128.and(inside, at<T>(dy + o, single)), single);
  }
}
