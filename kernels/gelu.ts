import { normalCdf, normalDensity, tanh } from './shared/math';
import { at, lanes, put } from './shared/simd';

// From here on a normal density is 0 in either element type, so that x may be held to it: what an
// infinite x would make NaN of (0 times infinity) has its limit instead.
const FAR = 40.0;

// x, no smaller than -FAR.
// @ts-ignore: decorator
@inline
function heldBelow<T>(x: v128): v128 {
  return v128.pmax<T>(x, v128.splat<T>(<T>-FAR));
}

// x, in [-FAR, FAR].
// @ts-ignore: decorator
@inline
function held<T>(x: v128): v128 {
  return v128.pmin<T>(heldBelow<T>(x), v128.splat<T>(<T>FAR));
}

// y = x Phi(x), Phi being the distribution of a standard normal value.
// divides n by 16: x, y
export function gelu<T>(x: usize, y: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    put<T>(y + o, v128.mul<T>(heldBelow<T>(v), normalCdf<T>(v)), single);
  }
}

// dx = dy (Phi(x) + x phi(x)), phi being the density.
// divides n by 16: x, dy, dx
export function geluBackward<T>(x: usize, dy: usize, dx: usize, n: i32): void {
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = held<T>(at<T>(x + o, single));
    const slope = v128.add<T>(normalCdf<T>(v), v128.mul<T>(v, normalDensity<T>(v)));
    put<T>(dx + o, v128.mul<T>(at<T>(dy + o, single), slope), single);
  }
}

const ROOT_2_OVER_PI = 0.7978845608028654;
const CUBIC = 0.044715;

// tanh(sqrt(2 / pi) (x + 0.044715 x^3)): 2 Phi(x) - 1, nearly.
// @ts-ignore: decorator
@inline
function bend<T>(x: v128): v128 {
  const square = v128.mul<T>(x, x);
  const factor = v128.add<T>(v128.splat<T>(1), v128.mul<T>(square, v128.splat<T>(<T>CUBIC)));
  return tanh<T>(v128.mul<T>(v128.mul<T>(x, v128.splat<T>(<T>ROOT_2_OVER_PI)), factor));
}

// y = x (1 + tanh(...)) / 2.
// divides n by 16: x, y
export function geluTanh<T>(x: usize, y: usize, n: i32): void {
  const one = v128.splat<T>(1);
  const half = v128.splat<T>(<T>0.5);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = at<T>(x + o, single);
    const share = v128.mul<T>(half, v128.add<T>(one, bend<T>(v)));
    put<T>(y + o, v128.mul<T>(heldBelow<T>(v), share), single);
  }
}

// With t = tanh(...): dx = dy ((1 + t) + x (1 - t^2) sqrt(2 / pi) (1 + 3 0.044715 x^2)) / 2.
// divides n by 16: x, dy, dx
export function geluTanhBackward<T>(x: usize, dy: usize, dx: usize, n: i32): void {
  const one = v128.splat<T>(1);
  const half = v128.splat<T>(<T>0.5);
  const linear = v128.splat<T>(<T>ROOT_2_OVER_PI);
  const cubic = v128.splat<T>(<T>(3 * CUBIC * ROOT_2_OVER_PI));
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const v = held<T>(at<T>(x + o, single));
    const t = bend<T>(v);
    const inner = v128.add<T>(linear, v128.mul<T>(cubic, v128.mul<T>(v, v)));
    const steep = v128.mul<T>(v128.mul<T>(v, v128.sub<T>(one, v128.mul<T>(t, t))), inner);
    const slope = v128.mul<T>(half, v128.add<T>(v128.add<T>(one, t), steep));
    put<T>(dx + o, v128.mul<T>(at<T>(dy + o, single), slope), single);
  }
}
