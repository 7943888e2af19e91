/** Checks gradients against central differences. */
import { scope } from '../engine/engine.js';
import { DTypeError } from '../errors.js';
import { Random } from '../random.js';
import { Tensor } from '../tensor/tensor.js';
import { valueAndGradients } from './tape.js';
import { leaves, type TensorTree } from './tree.js';
import { weightedSum } from './weighted-sum.js';

/** Where an analytic gradient and its numeric estimate differ most. */
export interface GradientCheck {
  /**
   * Largest |analytic - numeric| over all checked values, relative to the largest gradient of the
   * tensor that the value stands in.
   */
  maximumRelativeError: number;
  /** The largest of each leaf, by its path. */
  errors: Record<string, number>;
  /** The leaf and the position in it where that is. */
  worst: { path: string; index: number; analytic: number; numeric: number };
  /** Values compared. */
  checked: number;
}

/** The differences are taken until they are known to this part of the tensor's largest gradient. */
const SETTLED = 1e-8;

/**
 * Steps of the differences, of a value of size 1 or less. A difference over h is off by about h^2 by
 * the function's bend and by epsilon / h by its rounding; extrapolation takes most of the bend away,
 * so that epsilon^(1/4) is a good step to begin with.
 */
const STEPS = [-13, -15, -17, -19, -21, -23, -25].map((power) => 2 ** power);

/** The step that a smooth function's differences end with. */
const FINE = 2 ** -15;

/**
 * Compares the backward pass with central differences, in float64 and with random cotangents:
 * the outputs of `f` are reduced to a scalar by random weights, never by a plain sum, whose
 * all-ones cotangent hides errors (a softmax's gradient under it is zero).
 *
 *     difference(h) = sum of w (f(x + h) - f(x - h)) / 2h
 *     numeric = (16 difference(h / 4) - difference(h)) / 15
 *
 * with h in proportion to |x| where that is more than 1. While the two differences disagree, as they
 * do where a kink of `f` (of relu, of a maximum) lies between, h is divided by 4 again; what agreed
 * best counts. A backward pass that is right is met to a few 1e-9, so that 1e-7 is a fair bound and
 * finds a factor of 1 + 1e-5.
 *
 * An error is relative to the largest gradient of its tensor. Where that is smaller than the rounding
 * of the outputs lets differences tell to 1e-8, it is relative to what they could tell.
 *
 * @param f any function of a tree of float64 tensors made of ops; returns one tensor or several.
 * @param inputs what to differentiate by: inputs and parameters alike.
 * @param options.seed of the cotangents and of the choice of values, default 1.
 * @param options.perLeaf check only this many values of each leaf, the one with the largest gradient
 *   and random others (default: all).
 * @throws DTypeError when a leaf is not float64.
 */
export function gradientCheck<P extends TensorTree>(
  f: (inputs: P) => Tensor | readonly Tensor[],
  inputs: P,
  options: { seed?: number; perLeaf?: number } = {},
): GradientCheck {
  const { seed = 1 } = options;
  using _work = scope();
  for (const [path, leaf] of leaves(inputs)) {
    if (leaf.dtype !== 'f64') {
      throw new DTypeError(
        `gradientCheck: ${path} is ${leaf.dtype}; float64 is needed to tell 1e-7`,
      );
    }
  }
  const outputs = (tree: P): readonly Tensor[] => {
    const found = f(tree);
    return found instanceof Tensor ? [found] : found;
  };
  const draw = new Random(seed);
  const weights: number[] = [];
  const { gradients } = valueAndGradients(
    (tree) =>
      weightedSum(outputs(tree), () => {
        const weight = draw.normal();
        weights.push(weight);
        return weight;
      }),
    inputs,
  );
  /** The terms of the scalar: values are subtracted before they are added up, which rounds less. */
  const terms = () => {
    using _evaluation = scope();
    const products = new Float64Array(weights.length);
    let place = 0;
    for (const output of outputs(inputs)) {
      for (const value of output.dataSync()) {
        products[place] = value * (weights[place] ?? Number.NaN);
        place++;
      }
    }
    return products;
  };
  /** Of a difference over a step of 1. */
  const rounding = Number.EPSILON * norm(terms());
  const analyticByPath = new Map(leaves(gradients));
  const choose = new Random(seed + 1);
  const check: GradientCheck = {
    maximumRelativeError: 0,
    errors: {},
    worst: { path: '', index: 0, analytic: 0, numeric: 0 },
    checked: 0,
  };
  for (const [path, leaf] of leaves(inputs)) {
    const values = leaf.dataSync();
    const analytics = [...(analyticByPath.get(path)?.dataSync() ?? [])];
    const least = Math.max(rounding / FINE / SETTLED, largest(analytics));
    const numerics = chosen(analytics, options.perLeaf, choose).map((index) => {
      const value = values[index] ?? 0;
      const at = (moved: number) => {
        values[index] = moved;
        leaf.assign(values);
        return terms();
      };
      const numeric = slope(at, value, { rounding, tolerance: SETTLED * least });
      values[index] = value;
      leaf.assign(values);
      return [index, numeric] as const;
    });
    const scale = Math.max(least, largest(numerics.map(([, numeric]) => numeric)));
    check.errors[path] = 0;
    for (const [index, numeric] of numerics) {
      const analytic = analytics[index] ?? Number.NaN;
      const apart = analytic === numeric ? 0 : Math.abs(analytic - numeric) / scale;
      // NaN must count as the worst of all.
      const error = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
      check.checked++;
      check.errors[path] = Math.max(check.errors[path], error);
      if (error > check.maximumRelativeError) {
        check.maximumRelativeError = error;
        check.worst = { path, index, analytic, numeric };
      }
    }
  }
  return check;
}

/**
 * The derivative at `value` of the sum of the terms `at` a value. Two differences may agree by chance
 * where they are mostly rounding, so that they are never trusted further than that.
 */
function slope(
  at: (value: number) => Float64Array,
  value: number,
  { rounding, tolerance }: { rounding: number; tolerance: number },
): number {
  let best = Number.NaN;
  let uncertainty = Number.POSITIVE_INFINITY;
  let coarse: number | undefined;
  for (const step of STEPS) {
    const h = step * Math.max(1, Math.abs(value));
    const [above, below] = [value + h, value - h];
    const low = at(below);
    const rise = at(above).reduce((sum, term, i) => sum + (term - (low[i] ?? Number.NaN)), 0);
    const fine = rise / (above - below);
    if (coarse !== undefined) {
      const found = Math.max(Math.abs(fine - coarse), rounding / h);
      // Neither comparison holds for NaN, which is then what is returned.
      if (found < uncertainty) [best, uncertainty] = [(16 * fine - coarse) / 15, found];
      // Smaller steps leave more rounding.
      if (uncertainty <= Math.max(tolerance, (4 * rounding) / h)) break;
    }
    coarse = fine;
  }
  return best;
}

/** The largest absolute value, NaN where there is one. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** The Euclidean norm. */
function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** Positions of the gradients to check: all, or the largest one and others at random. */
function chosen(
  gradients: readonly number[],
  wanted: number | undefined,
  random: Random,
): number[] {
  const all = gradients.map((_, index) => index);
  if (wanted === undefined || wanted >= all.length) return all;
  const most = largest(gradients);
  const first = gradients.findIndex((gradient) => Math.abs(gradient) === most);
  return [first, ...random.shuffle(all.filter((index) => index !== first))].slice(0, wanted);
}
