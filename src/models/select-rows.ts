import { mapTree, type TensorTree } from '../autograd/tree.js';
import { ShapeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { elementCount, showShape } from '../tensor/shape.js';
import { empty } from '../tensor/tensor.js';

/**
 * Rows of every tensor of a tree: out[i, ...] = x[rows[i], ...]. The `select` of a model whose
 * state has a row for each caption throughout.
 * @throws ValueError for a row that is not there.
 */
export function selectRows<S extends TensorTree>(state: S, rows: ArrayLike<number>): S {
  const index = tensor(rows, { shape: [rows.length], dtype: 'i32' });
  return mapTree(state, (x, path) => {
    const [count = 0, ...rest] = x.shape;
    if (x.shape.length === 0) throw new ShapeError(`${path} ${showShape(x.shape)} has no rows`);
    const out = empty(x.dtype, [rows.length, ...rest]);
    const bad = kernelsFor(x).gather(index, x, out, 1, rows.length, count, elementCount(rest));
    if (bad >= 0) throw new ValueError(`${path} has rows 0 to ${count - 1}, not ${rows[bad]}`);
    return out;
  });
}
