import { parameterCount, type TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { Storage } from '../engine/heap.js';
import type { Random } from '../random.js';
import { full, randomNormal } from '../tensor/create.js';
import { bytesOf, empty, Tensor } from '../tensor/tensor.js';

/** How the tensors of a model's parameters come to be: drawn, or as their form only. */
export interface ParameterMaker {
  /** Independent normal values of mean 0. */
  normal(shape: readonly number[], standardDeviation: number): Tensor;
  /** All elements `value`. */
  full(shape: readonly number[], value: number): Tensor;
  /** What `values` returns, given the source of random numbers. */
  of(shape: readonly number[], values: (random: Random) => ArrayLike<number>): Tensor;
}

/** Makes fresh parameters. */
export function drawn(random: Random, dtype: FloatDType): ParameterMaker {
  return {
    normal: (shape, standardDeviation) => randomNormal(random, shape, standardDeviation, dtype),
    full: (shape, value) => full(shape, value, dtype),
    of: (shape, values) => empty(dtype, shape).assign(values(random)),
  };
}

/**
 * Makes tensors that have an element type and a shape, but no memory: to compare a file with, or to
 * count. To read their elements is a ScopeError.
 */
export function formOnly(dtype: FloatDType): ParameterMaker {
  const nowhere = new Storage(engine().heap, 0, 0);
  nowhere.retire();
  const form = (shape: readonly number[]) => new Tensor(dtype, shape, nowhere);
  return { normal: form, full: form, of: form };
}

/**
 * Fresh parameters, of which none is drawn unless there is room for all.
 * @throws OutOfMemoryError
 */
export function drawParameters<P extends TensorTree>(
  make: (maker: ParameterMaker) => P,
  random: Random,
  dtype: FloatDType,
): P {
  const count = parameterCount(make(formOnly(dtype)));
  engine().heap.requireRoom(count * bytesOf(dtype));
  return make(drawn(random, dtype));
}
