/** Makes an op of a pair of a forward and a backward function. */
import { DTypeError, ShapeError } from '../errors.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { follow } from './tangents.js';
import { record } from './tape.js';
import { leavesOf } from './tree.js';

/** What a forward pass returns: its outputs by name, and what its backward pass needs. */
type WithCache<C> = { readonly cache: C };

/** The op's result: the output itself when there is one, else an object of them. */
type Result<Out, Names extends readonly (keyof Out)[]> = Names extends readonly [infer Only]
  ? Only extends keyof Out
    ? Out[Only]
    : never
  : Pick<Out, Names[number]>;

/** For each of the forward pass's arguments, the name of its gradient, or null when it has none. */
type GradientNames<G> = readonly (keyof G | null)[];

/**
 * Turns a pair into an op: a function that computes the forward pass and, inside
 * `valueAndGradients`, records itself so that the backward pass is run for it.
 *
 * ```ts
 * export const affine = differentiable(affineForward, affineBackward, {
 *   outputs: ['out'],
 *   gradients: ['dx', 'dW', 'db'], // of the first, second and third argument
 * });
 * ```
 *
 * An argument may as well be a tree of tensors (a layer's parameters); its gradient is then a tree of
 * the same form.
 *
 * @param forward takes tensors (and options), returns `{ ...outputs, cache }`.
 * @param backward takes one cotangent for each of `outputs`, in order, then the cache. Only the
 *   gradients of arguments that depend on a parameter are read off what it returns, so that an
 *   expensive one may be a getter.
 */
export function differentiable<
  A extends readonly unknown[],
  Out extends WithCache<C>,
  C,
  G,
  const Names extends readonly (keyof Omit<Out, 'cache'>)[],
>(
  forward: (...args: A) => Out,
  backward: (...cotangentsAndCache: [...{ [K in keyof Names]: Tensor }, C]) => G,
  names: { outputs: Names; gradients: GradientNames<G> },
): (...args: A) => Result<Out, Names> {
  const op = (...args: A): Result<Out, Names> => {
    const result = forward(...args);
    const outputs = names.outputs.map((name) => asTensor(result[name], String(name)));
    const inputs = names.gradients.map((name, index) =>
      name === null ? [] : leavesOf(args[index]),
    );
    const leaves = inputs.flat().map(([, leaf]) => leaf);
    const out = (
      outputs.length === 1
        ? outputs[0]
        : Object.fromEntries(names.outputs.map((name, index) => [name, outputs[index]]))
    ) as Result<Out, Names>;
    record({
      inputs: leaves,
      outputs,
      backward: (cotangents, wanted) => {
        // `outputs` fixes how many cotangents there are; the compiler cannot follow it this far.
        const gradients: G = Reflect.apply(backward, undefined, [...cotangents, result.cache]);
        const uses = wanted.values();
        return names.gradients.flatMap((name, index) => {
          const leaves = (inputs[index] ?? []).map(([path, argument]) => {
            return { path, argument, used: uses.next().value === true };
          });
          // A gradient that nobody wants is not even read: it may be a getter (see `once`).
          const anyUsed = name !== null && leaves.some(({ used }) => used);
          const found = new Map(anyUsed ? leavesOf(gradients[name]) : []);
          return leaves.map(({ path, argument, used }) => {
            const gradient = used ? found.get(path) : undefined;
            return gradient && checked(gradient, argument, `${String(name)}${path && `.${path}`}`);
          });
        });
      },
    });
    follow(op, forward.name, args, leaves, out);
    return out;
  };
  return op;
}

function asTensor(value: unknown, name: string): Tensor {
  if (value instanceof Tensor) return value;
  throw new ShapeError(`a forward pass returned no tensor named ${name}`);
}

/** The gradient in the shape of its argument: the pass behind reads its axes. */
function checked(gradient: Tensor, argument: Tensor, name: string): Tensor {
  if (gradient.dtype !== argument.dtype) {
    throw new DTypeError(
      `a backward pass returned ${name} in ${gradient.dtype} for an argument in ${argument.dtype}`,
    );
  }
  if (gradient.size !== argument.size) {
    throw new ShapeError(
      `a backward pass returned ${name} of shape ${showShape(gradient.shape)} for an argument of shape ${showShape(argument.shape)}`,
    );
  }
  return gradient.view(...argument.shape);
}
