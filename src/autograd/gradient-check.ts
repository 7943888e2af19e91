import { scope } from '../engine/engine.js';
import { DTypeError } from '../errors.js';
import { Random } from '../random.js';
import { Tensor } from '../tensor/tensor.js';
import { valueAndGradients } from './tape.js';
import { leaves, type TensorTree } from './tree.js';
import { weightedSum } from './weighted-sum.js';

/** Where an analytic gradient and its numeric estimate differ most. */
export interface GradientCheck {
  /** Largest |a - n| / max(|a| + |n|, floor) over all checked values. */
  maximumRelativeError: number;
  /** The leaf and the position in it where that is. */
  worst: { path: string; index: number; analytic: number; numeric: number };
  /** Values compared. */
  checked: number;
}

/**
 * Compares the backward pass with central differences, in float64 and with random cotangents:
 * the outputs of `f` are reduced to a scalar by random weights, never by a plain sum, whose
 * all-ones cotangent hides errors (a softmax's gradient under it is zero).
 *
 *     numeric = (F(x + h) - F(x - h)) / 2h
 *
 * @param f any function of a tree of float64 tensors made of ops; returns one tensor or several.
 * @param inputs what to differentiate by: inputs and parameters alike.
 * @param options.step h, default 1e-5.
 * @param options.perLeaf check only this many random values of each leaf (default: all).
 * @param options.floor smallest denominator of a relative error, default 1e-3: the
 *   differences carry rounding of about 1e-16 F / h = 1e-11, which is 1e-8 of 1e-3; below the
 *   floor that rounding would be reported as error.
 * @throws DTypeError when a leaf is not float64.
 */
export function gradientCheck<P extends TensorTree>(
  f: (inputs: P) => Tensor | readonly Tensor[],
  inputs: P,
  options: { seed?: number; step?: number; perLeaf?: number; floor?: number } = {},
): GradientCheck {
  const { seed = 1, step = 1e-5, floor = 1e-3 } = options;
  using _work = scope();
  for (const [path, leaf] of leaves(inputs)) {
    if (leaf.dtype !== 'f64') {
      throw new DTypeError(
        `gradientCheck: ${path} is ${leaf.dtype}; float64 is needed to tell 1e-7`,
      );
    }
  }
  const scalar = (tree: P) => {
    const outputs = f(tree);
    const random = new Random(seed);
    return weightedSum(outputs instanceof Tensor ? [outputs] : outputs, () => random.normal());
  };
  const { gradients } = valueAndGradients(scalar, inputs);
  const analyticByPath = new Map(leaves(gradients));
  const choose = new Random(seed + 1);
  const check: GradientCheck = {
    maximumRelativeError: 0,
    worst: { path: '', index: 0, analytic: 0, numeric: 0 },
    checked: 0,
  };
  for (const [path, leaf] of leaves(inputs)) {
    const values = leaf.dataSync();
    const analytics = analyticByPath.get(path)?.dataSync() ?? [];
    for (const index of indices(values.length, options.perLeaf, choose)) {
      const value = values[index] ?? 0;
      const at = (moved: number) => {
        using _evaluation = scope();
        values[index] = moved;
        leaf.assign(values);
        return scalar(inputs).item();
      };
      const numeric = (at(value + step) - at(value - step)) / (2 * step);
      values[index] = value;
      leaf.assign(values);
      const analytic = analytics[index] ?? Number.NaN;
      const error =
        Math.abs(analytic - numeric) / Math.max(Math.abs(analytic) + Math.abs(numeric), floor);
      check.checked++;
      // NaN must count as the worst of all.
      if (!(error <= check.maximumRelativeError)) {
        check.maximumRelativeError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
        check.worst = { path, index, analytic, numeric };
      }
    }
  }
  return check;
}

function indices(length: number, wanted: number | undefined, random: Random): number[] {
  const all = Array.from({ length }, (_, index) => index);
  return wanted === undefined || wanted >= length ? all : random.shuffle(all).slice(0, wanted);
}
