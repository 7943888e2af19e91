/** Parameters before they have values: a tree of shapes, each with where its first values come from. */
import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { ShapeError } from '../errors.js';
import type { Random } from '../random.js';
import { randomNormal } from '../tensor/create.js';
import { elementCount } from '../tensor/shape.js';
import { bytesOf, empty, Tensor } from '../tensor/tensor.js';

/** Fills a tensor with its first values. */
export type Init = (tensor: Tensor, random: Random) => void;

/** One parameter of a model: its shape, and its first values. */
export class Parameter {
  readonly shape: readonly number[];
  readonly init: Init;

  constructor(shape: readonly number[], init: Init) {
    this.shape = shape;
    this.init = init;
  }
}

/** A model's parameters as nested objects. Count, first values and what a file must hold derive from it. */
export interface ShapeTree {
  readonly [name: string]: Parameter | ShapeTree | undefined;
}

/** The shape tree of parameters of the type P: the same form. */
export type ShapesOf<P> = P extends Tensor
  ? Parameter
  : P extends undefined
    ? P
    : { readonly [K in keyof P]: ShapesOf<P[K]> };

/** Independent normal values of mean 0. */
export function normal(shape: readonly number[], deviation: number): Parameter {
  return new Parameter(shape, (tensor, random) => {
    const drawn = randomNormal(random, shape, deviation, tensor.float);
    tensor.assign(drawn.dataSync());
    drawn.dispose();
  });
}

/** Every value the same. */
export function constant(shape: readonly number[], value = 0): Parameter {
  return new Parameter(shape, (tensor) => void tensor.fill(value));
}

/** What `values` returns, in order; asked only when there is a tensor to fill. */
export function given(shape: readonly number[], values: () => ArrayLike<number>): Parameter {
  return new Parameter(shape, (tensor) => void tensor.assign(values()));
}

/** The parameters of a shape tree in a fixed order, each with its path: `cell.Wx`. */
export function* parametersOf(
  tree: ShapeTree,
  prefix = '',
): Generator<[path: string, parameter: Parameter]> {
  for (const [name, child] of Object.entries(tree)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (child instanceof Parameter) yield [path, child];
    else if (child) yield* parametersOf(child, path);
  }
}

/** Number of values of all parameters. */
export function shapesCount(tree: ShapeTree): number {
  let count = 0;
  for (const [, { shape }] of parametersOf(tree)) count += elementCount(shape);
  return count;
}

/** A tree of tensors of this form, made one by one in the tree's order. */
export function mapShapes<P extends TensorTree>(
  shapes: ShapesOf<P> & ShapeTree,
  make: (parameter: Parameter, path: string) => Tensor,
  prefix = '',
): P {
  const made: Record<string, Tensor | TensorTree> = {};
  for (const [name, child] of Object.entries<Parameter | ShapeTree | undefined>(shapes)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (child instanceof Parameter) made[name] = make(child, path);
    else if (child) made[name] = mapShapes<TensorTree>(child, make, path);
  }
  return made as P;
}

/**
 * Parameters with their first values, drawn in the tree's order. Belongs to the open scope.
 * @throws OutOfMemoryError before anything is drawn, when there is no room for all of them
 */
export function initialise<P extends TensorTree>(
  shapes: ShapesOf<P> & ShapeTree,
  random: Random,
  dtype: FloatDType = 'f32',
): P {
  engine().heap.requireRoom(shapesCount(shapes) * bytesOf(dtype));
  return mapShapes<P>(shapes, ({ shape, init }) => {
    const tensor = empty(dtype, shape);
    init(tensor, random);
    return tensor;
  });
}

/** The parameters of a part of a model. @throws ShapeError naming the part where there is none */
export function subtree(tree: TensorTree, name: string): TensorTree {
  const part = tree[name];
  if (part && !(part instanceof Tensor)) return part;
  throw new ShapeError(
    `the parameters hold no part ${name}, only ${Object.keys(tree).join(', ') || 'nothing'}`,
  );
}

/** Some leaves of a tree by their names. @throws ShapeError when one is missing. */
export function named<N extends string>(tree: TensorTree, ...names: N[]): { [K in N]: Tensor } {
  const found: Partial<Record<N, Tensor>> = {};
  for (const name of names) {
    const leaf = tree[name];
    if (!(leaf instanceof Tensor)) {
      throw new ShapeError(
        `the parameters hold no tensor ${name}, only ${Object.keys(tree).join(', ')}`,
      );
    }
    found[name] = leaf;
  }
  return found as { [K in N]: Tensor };
}
