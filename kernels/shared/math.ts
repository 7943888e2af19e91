// Exponential, logarithm, sigmoid, tanh and the like of every lane of a vector.
//
// f32: range reduction and a Taylor polynomial, four lanes at once; the reduced range is so small
// that fitted coefficients would save one term only. f64 is there to check gradients, so it goes
// lane by lane through the full-precision scalar functions.

const LOG2_E: f32 = 1.44269504;
/** ln 2 in two parts; the high one has 9 bits, so that its product with an exponent is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** 1.5 * 2^23: adding it to |x| < 2^22 leaves round(x) in the low bits of the sum. */
const ROUND: f32 = 12582912.0;
/** Just above -126 ln 2: below it e^x is subnormal. */
const EXP_SMALLEST: f32 = -87.33;
/** Rounds to 128 ln 2, and the bits of 2^128 are those of inf. */
const EXP_LARGEST: f32 = 88.8;
const ONE_BITS: i32 = 0x3f800000;
const SQRT_HALF_BITS: i32 = 0x3f3504f3;
const MANTISSA_BITS: i32 = 0x007fffff;

/**
 * e^x. About 1 ulp off at most in f32; NaN stays NaN, overflow gives inf (from 127.5 ln 2 = 88.38
 * on), and what would be subnormal is 0, since one subnormal number costs more time than a hundred
 * others.
 */
// @ts-ignore: decorator
@inline
export function exp<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(Math.exp(f64x2.extract_lane(x, 0)), Math.exp(f64x2.extract_lane(x, 1)));
  }
  return v128.andnot(expBounded(x), f32x4.lt(x, f32x4.splat(EXP_SMALLEST)));
}

/** 1 / (1 + e^-x). */
// @ts-ignore: decorator
@inline
export function sigmoid<T>(x: v128): v128 {
  const one = v128.splat<T>(1);
  const e = sizeof<T>() == 8 ? exp<T>(v128.neg<T>(x)) : expBounded(v128.neg<T>(x));
  return v128.div<T>(one, v128.add<T>(one, e));
}

/** tanh x = (e^2|x| - 1) / (e^2|x| + 1) with the sign of x; e^y - 1 is formed without cancellation. */
// @ts-ignore: decorator
@inline
export function tanh<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(Math.tanh(f64x2.extract_lane(x, 0)), Math.tanh(f64x2.extract_lane(x, 1)));
  }
  const sign = v128.and(x, f32x4.splat(-0.0));
  const magnitude = v128.xor(x, sign);
  // tanh rounds to 1 from 9.02 on.
  const y = f32x4.pmin(f32x4.add(magnitude, magnitude), f32x4.splat(20));
  const rounded = roundToPower(y);
  const scale = powerOfTwo(i32x4.sub(rounded, f32x4.splat(ROUND)));
  const expMinusOne = f32x4.add(
    f32x4.mul(scale, expMinusOneReduced(reduce(y, rounded))),
    f32x4.sub(scale, f32x4.splat(1)),
  );
  return v128.or(f32x4.div(expMinusOne, f32x4.add(expMinusOne, f32x4.splat(2))), sign);
}

/** ln x. About 1 ulp off at most in f32; ln 0 = -inf, ln x = NaN for x < 0, ln inf = inf. */
// @ts-ignore: decorator
@inline
export function log<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(Math.log(f64x2.extract_lane(x, 0)), Math.log(f64x2.extract_lane(x, 1)));
  }
  // Subnormal numbers are brought into the normal range first.
  const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
  // x = 2^n * m with m in [sqrt(1/2), sqrt(2)).
  const shifted = i32x4.sub(normal, i32x4.splat(SQRT_HALF_BITS));
  const exponent = i32x4.sub(i32x4.shr_s(shifted, 23), v128.and(subnormal, i32x4.splat(23)));
  const n = f32x4.convert_i32x4_s(exponent);
  const m = i32x4.add(v128.and(shifted, i32x4.splat(MANTISSA_BITS)), i32x4.splat(SQRT_HALF_BITS));
  // With f = m - 1 and s = f / (2 + f): ln m = 2 artanh s = f - (f^2/2 - s (f^2/2 + R(s^2))), where
  // R collects 2/3 s^2 + 2/5 s^4 + ...; f itself is exact, so nothing is lost near 1.
  const f = f32x4.sub(m, f32x4.splat(1));
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
  const z = f32x4.mul(s, s);
  let series = f32x4.add(f32x4.mul(z, f32x4.splat(2.0 / 9.0)), f32x4.splat(2.0 / 7.0));
  series = f32x4.add(f32x4.mul(z, series), f32x4.splat(2.0 / 5.0));
  series = f32x4.add(f32x4.mul(z, series), f32x4.splat(2.0 / 3.0));
  const halfSquare = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  const inner = f32x4.mul(s, f32x4.add(halfSquare, f32x4.mul(z, series)));
  const low = f32x4.add(inner, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  const result = f32x4.sub(
    f32x4.mul(n, f32x4.splat(LN2_HIGH)),
    f32x4.sub(f32x4.sub(halfSquare, low), f),
  );
  // x + x is inf for inf and NaN for NaN; (x - x) / 0 is NaN for the negative numbers.
  const infinite = f32x4.splat(Infinity);
  const finite = f32x4.lt(x, infinite);
  const ofZero = v128.bitselect(f32x4.neg(infinite), result, f32x4.eq(x, f32x4.splat(0)));
  const ofNegative = v128.or(ofZero, f32x4.lt(x, f32x4.splat(0)));
  return v128.bitselect(ofNegative, x, finite);
}

/** e^x - 1 for x <= 0, without cancellation near 0. About 1 ulp off at most in f32; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function expMinusOne<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(Math.expm1(f64x2.extract_lane(x, 0)), Math.expm1(f64x2.extract_lane(x, 1)));
  }
  const bounded = f32x4.pmax(x, f32x4.splat(EXP_SMALLEST));
  const rounded = roundToPower(bounded);
  const scale = powerOfTwo(i32x4.sub(rounded, f32x4.splat(ROUND)));
  const rest = f32x4.mul(scale, expMinusOneReduced(reduce(bounded, rounded)));
  return f32x4.add(rest, f32x4.sub(scale, f32x4.splat(1)));
}

/** ln(1 + e^x), which is nearly x far above 0 and nearly e^x far below. */
// @ts-ignore: decorator
@inline
export function softplus<T>(x: v128): v128 {
  const e = exp<T>(v128.neg<T>(v128.abs<T>(x)));
  return v128.add<T>(v128.pmax<T>(x, v128.splat<T>(0)), logOnePlus<T>(e));
}

/** ln(1 + x) for 0 <= x <= 1. */
// @ts-ignore: decorator
@inline
function logOnePlus<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(Math.log1p(f64x2.extract_lane(x, 0)), Math.log1p(f64x2.extract_lane(x, 1)));
  }
  // What 1 + x lost of x in rounding, its logarithm lost in the same proportion (Kahan).
  const one = f32x4.splat(1);
  const sum = f32x4.add(x, one);
  const kept = f32x4.sub(sum, one);
  const corrected = f32x4.mul(log<f32>(sum), f32x4.div(x, kept));
  return v128.bitselect(x, corrected, f32x4.eq(kept, f32x4.splat(0)));
}

/** e^(-x^2 / 2) / sqrt(2 pi): the density of a standard normal value. */
// @ts-ignore: decorator
@inline
export function normalDensity<T>(x: v128): v128 {
  const half = v128.mul<T>(v128.mul<T>(x, x), v128.splat<T>(<T>-0.5));
  return v128.mul<T>(exp<T>(half), v128.splat<T>(<T>0.3989422804014327));
}

/**
 * The distribution of a standard normal value, (1 + erf(x / sqrt 2)) / 2. f32: Abramowitz and Stegun
 * 26.2.17, off by less than 7.5e-8.
 */
// @ts-ignore: decorator
@inline
export function normalCdf<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return f64x2(cdfBySeries(f64x2.extract_lane(x, 0)), cdfBySeries(f64x2.extract_lane(x, 1)));
  }
  const one = f32x4.splat(1);
  const scaled = f32x4.mul(f32x4.abs(x), f32x4.splat(0.2316419));
  const t = f32x4.div(one, f32x4.add(one, scaled));
  let tail = f32x4.add(f32x4.mul(t, f32x4.splat(1.330274429)), f32x4.splat(-1.821255978));
  tail = f32x4.add(f32x4.mul(t, tail), f32x4.splat(1.781477937));
  tail = f32x4.add(f32x4.mul(t, tail), f32x4.splat(-0.356563782));
  tail = f32x4.add(f32x4.mul(t, tail), f32x4.splat(0.31938153));
  tail = f32x4.mul(f32x4.mul(t, tail), normalDensity<f32>(x));
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

/** 1/2 + density(x) (x + x^3 / 3 + x^5 / (3 5) + ...), Abramowitz and Stegun 26.2.11. */
function cdfBySeries(x: f64): f64 {
  const a = Math.abs(x);
  // From here on it rounds to 0 or 1.
  if (a > 9) return x > 0 ? 1 : 0;
  let term = a;
  let sum = a;
  for (let k = 3; term > sum * 1e-17; k += 2) {
    term *= (a * a) / <f64>k;
    sum += term;
  }
  const half = 0.3989422804014327 * Math.exp(-0.5 * a * a) * sum;
  return 0.5 + (x > 0 ? half : -half);
}

/** As exp, but never below the smallest normal number: enough where 1 is added to it. */
// @ts-ignore: decorator
@inline
function expBounded(x: v128): v128 {
  // pmin and pmax with x first let NaN through.
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(EXP_LARGEST)), f32x4.splat(EXP_SMALLEST));
  const rounded = roundToPower(bounded);
  const mantissa = f32x4.add(f32x4.splat(1), expMinusOneReduced(reduce(bounded, rounded)));
  return f32x4.mul(mantissa, powerOfTwo(i32x4.sub(rounded, f32x4.splat(ROUND))));
}

/** round(x / ln 2) + ROUND: the integer, as a float and, in the low bits, as an integer. */
// @ts-ignore: decorator
@inline
function roundToPower(x: v128): v128 {
  return f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUND));
}

/** x - n ln 2, in [-0.347, 0.347]. */
// @ts-ignore: decorator
@inline
function reduce(x: v128, rounded: v128): v128 {
  const n = f32x4.sub(rounded, f32x4.splat(ROUND));
  const high = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  return f32x4.sub(high, f32x4.mul(n, f32x4.splat(LN2_LOW)));
}

/**
 * e^r - 1 for |r| <= 0.347: its series up to r^7 / 7!, which leaves out less than 6e-9. Summed in
 * pairs (Estrin's scheme): as many operations as one after another, but half the wait.
 */
// @ts-ignore: decorator
@inline
function expMinusOneReduced(r: v128): v128 {
  const square = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, f32x4.splat(1.0 / 6.0)), f32x4.splat(0.5));
  const middle = f32x4.add(f32x4.mul(r, f32x4.splat(1.0 / 120.0)), f32x4.splat(1.0 / 24.0));
  const high = f32x4.add(f32x4.mul(r, f32x4.splat(1.0 / 5040.0)), f32x4.splat(1.0 / 720.0));
  const upper = f32x4.add(f32x4.mul(square, high), middle);
  const p = f32x4.add(f32x4.mul(square, upper), low);
  return f32x4.add(r, f32x4.mul(square, p));
}

/** 2^n, for integers -126 <= n <= 127; inf for 128. */
// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.add(i32x4.shl(n, 23), i32x4.splat(ONE_BITS));
}
