/** Shapes: the rules that operations have for them, and the errors that name them. */
import { DTypeError, ShapeError } from '../errors.js';

/** Product of the extents; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, extent) => count * extent, 1);
}

/** `(2, 3)`. */
export function showShape(shape: readonly number[]): string {
  return `(${shape.join(', ')})`;
}

/**
 * Checks that a cotangent has the shape and the element type of the output that it belongs to.
 * @throws ShapeError, DTypeError naming both.
 */
export function checkCotangent(name: string, cotangent: Shaped, output: Shaped): void {
  if (showShape(cotangent.shape) !== showShape(output.shape)) {
    throw new ShapeError(
      `${name} ${showShape(cotangent.shape)} must have the shape of its output, ${showShape(output.shape)}`,
    );
  }
  if (cotangent.dtype !== output.dtype) {
    throw new DTypeError(`${name} is ${cotangent.dtype} but its output is ${output.dtype}`);
  }
}

interface Shaped {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** `'4H'` names the letter H. */
type Letter<S extends string> = S extends `${number}${infer L}` ? L : S;

type Rules = Record<string, readonly [Shaped, ...string[]]>;
type Letters<R extends Rules> = {
  [K in keyof R]: R[K] extends readonly [Shaped, ...infer L extends string[]]
    ? Letter<L[number]>
    : never;
}[keyof R];

/**
 * Reads the extents off the arguments of an operation and checks that they agree:
 *
 * ```ts
 * const { N, D, H } = dimensions('affine', { x: [x, 'N', 'D'], W: [W, 'D', 'H'], b: [b, 'H'] });
 * ```
 * A letter may carry a factor: `'4H'` is an axis of four times H. All float arguments must have
 * one element type.
 * @throws ShapeError naming the operation, the argument, its shape, and what it disagrees with.
 * @throws DTypeError when float arguments mix f32 and f64.
 */
export function dimensions<const R extends Rules>(
  operation: string,
  rules: R,
): Record<Letters<R>, number> {
  const known = new Map<string, { value: number; from: string }>();
  let float: { dtype: string; from: string } | undefined;
  for (const [name, [tensor, ...axes]] of Object.entries(rules)) {
    const described = `${name} ${showShape(tensor.shape)}`;
    if (tensor.shape.length !== axes.length) {
      throw new ShapeError(`${operation}: ${described} must have the axes (${axes.join(', ')})`);
    }
    for (const [index, axis] of axes.entries()) {
      const [, factorText = '', letter = ''] = axis.match(/^(\d*)(\w+)$/) ?? [];
      const factor = Number(factorText || 1);
      const extent = tensor.shape[index] ?? 0;
      const before = known.get(letter);
      if (before && before.value * factor !== extent) {
        throw new ShapeError(
          `${operation}: ${described} does not fit ${before.from}: axis ${index} of (${axes.join(', ')}) should be ${axis} = ${before.value * factor}, not ${extent}`,
        );
      }
      if (extent % factor !== 0) {
        throw new ShapeError(
          `${operation}: axis ${index} of ${described} must be a multiple of ${factor} (${axis}), not ${extent}`,
        );
      }
      if (!before) known.set(letter, { value: extent / factor, from: described });
    }
    if (tensor.dtype !== 'f32' && tensor.dtype !== 'f64') continue;
    if (float && float.dtype !== tensor.dtype) {
      throw new DTypeError(
        `${operation}: ${name} is ${tensor.dtype} but ${float.from} is ${float.dtype}: use one element type`,
      );
    }
    float ??= { dtype: tensor.dtype, from: name };
  }
  const extents: Record<string, number> = {};
  for (const [letter, { value }] of known) extents[letter] = value;
  return extents;
}
