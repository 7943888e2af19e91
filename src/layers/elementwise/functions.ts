/** Functions of one tensor, element by element, in any shape. */
import { differentiable } from '../../autograd/differentiable.js';
import { ValueError } from '../../errors.js';
import { kernelsFor, scaled } from '../../tensor/arithmetic.js';
import { combined } from '../../tensor/broadcast.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

const names = { outputs: ['out'], gradients: ['dx'] } as const;

interface OfX {
  readonly x: Tensor;
}
interface OfOut {
  readonly out: Tensor;
}

/** out = factor x. */
export function scaleForward(x: Tensor, factor: number): { out: Tensor; cache: ScaleCache } {
  return { out: scaled(x, factor), cache: { x, factor } };
}

/** dx = factor dout. */
export function scaleBackward(dout: Tensor, { x, factor }: ScaleCache): { dx: Tensor } {
  checkCotangent('scaleBackward: dout', dout, x);
  return { dx: scaled(dout, factor) };
}

interface ScaleCache extends OfX {
  readonly factor: number;
}

/** `scaleForward` as an op. */
export const scale = differentiable(scaleForward, scaleBackward, names);

/** out = e^x. Overflow is infinite; in f32 what would be subnormal is 0. */
export function expForward(x: Tensor): { out: Tensor; cache: OfOut } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).exp(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout out. */
export function expBackward(dout: Tensor, { out }: OfOut): { dx: Tensor } {
  checkCotangent('expBackward: dout', dout, out);
  return { dx: combined('multiply', dout, out) };
}

/** `expForward` as an op. */
export const exp = differentiable(expForward, expBackward, names);

/** out = ln x: minus infinity for 0, NaN below. */
export function logForward(x: Tensor): { out: Tensor; cache: OfX } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).log(x, out, x.size);
  return { out, cache: { x } };
}

/** dx = dout / x. */
export function logBackward(dout: Tensor, { x }: OfX): { dx: Tensor } {
  checkCotangent('logBackward: dout', dout, x);
  return { dx: combined('divide', dout, x) };
}

/** `logForward` as an op. */
export const log = differentiable(logForward, logBackward, names);

/** out = √x: NaN below 0. */
export function sqrtForward(x: Tensor): { out: Tensor; cache: OfOut } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).sqrt(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout / (2 out): infinite at 0. */
export function sqrtBackward(dout: Tensor, { out }: OfOut): { dx: Tensor } {
  checkCotangent('sqrtBackward: dout', dout, out);
  return { dx: scaledInPlace(combined('divide', dout, out), 0.5) };
}

/** `sqrtForward` as an op. */
export const sqrt = differentiable(sqrtForward, sqrtBackward, names);

/** out = x². */
export function squareForward(x: Tensor): { out: Tensor; cache: OfX } {
  return { out: combined('multiply', x, x), cache: { x } };
}

/** dx = 2 dout x. */
export function squareBackward(dout: Tensor, { x }: OfX): { dx: Tensor } {
  checkCotangent('squareBackward: dout', dout, x);
  return { dx: scaledInPlace(combined('multiply', dout, x), 2) };
}

/** `squareForward` as an op. */
export const square = differentiable(squareForward, squareBackward, names);

/** out = |x|. */
export function absForward(x: Tensor): { out: Tensor; cache: OfX } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).abs(x, out, x.size);
  return { out, cache: { x } };
}

/** dx = dout where x > 0, -dout where x < 0, and 0 at 0. */
export function absBackward(dout: Tensor, { x }: OfX): { dx: Tensor } {
  checkCotangent('absBackward: dout', dout, x);
  return { dx: combined('bySign', dout, x) };
}

/** `absForward` as an op. */
export const abs = differentiable(absForward, absBackward, names);

/** Between which values `clamp` keeps its results. */
export interface ClampOptions {
  /** The least value; minus infinity by default. */
  readonly low?: number;
  /** The largest value; infinity by default. */
  readonly high?: number;
}

interface ClampCache extends OfX {
  readonly low: number;
  readonly high: number;
}

/** out = x, but no less than `low` and no more than `high`. @throws ValueError when low > high. */
export function clampForward(
  x: Tensor,
  { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY }: ClampOptions,
): { out: Tensor; cache: ClampCache } {
  // NaN is neither.
  if (!(low <= high)) throw new ValueError(`clamp: low is ${low} but high is ${high}`);
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).clamp(x, out, x.size, low, high);
  return { out, cache: { x, low, high } };
}

/** dx = dout where low <= x <= high, else 0. */
export function clampBackward(dout: Tensor, { x, low, high }: ClampCache): { dx: Tensor } {
  checkCotangent('clampBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).clampBackward(x, dout, dx, x.size, low, high);
  return { dx };
}

/** `clampForward` as an op. */
export const clamp = differentiable(clampForward, clampBackward, names);

function scaledInPlace(x: Tensor, factor: number): Tensor {
  kernelsFor(x).axpby(factor, x, 0, x, x.size);
  return x;
}
