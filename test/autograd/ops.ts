import { differentiable } from '@/autograd/differentiable.js';
import { addInPlace, kernelsFor, scaled } from '@/tensor/arithmetic.js';
import { empty, type Tensor } from '@/tensor/tensor.js';

/** out = a + b, whose backward pass hands the very same tensor to both sides. */
export const plus = differentiable(
  (a: Tensor, b: Tensor) => {
    const out = a.clone();
    addInPlace(out, b);
    return { out, cache: undefined };
  },
  (dout: Tensor, _cache: undefined) => ({ da: dout, db: dout }),
  { outputs: ['out'], gradients: ['da', 'db'] },
);

function product(a: Tensor, b: Tensor): Tensor {
  const out = empty(a.dtype, a.shape);
  kernelsFor(a).multiply(a, b, out, a.size);
  return out;
}

/** out = a b, element by element. */
export const times = differentiable(
  (a: Tensor, b: Tensor) => ({ out: product(a, b), cache: { a, b } }),
  (dout: Tensor, { a, b }: { a: Tensor; b: Tensor }) => ({
    da: product(dout, b),
    db: product(dout, a),
  }),
  { outputs: ['out'], gradients: ['da', 'db'] },
);

/** Two outputs: 2 x and 3 x. */
export const twoAndThree = differentiable(
  (x: Tensor) => ({ two: scaled(x, 2), three: scaled(x, 3), cache: undefined }),
  (dTwo: Tensor, dThree: Tensor, _cache: undefined) => {
    const dx = scaled(dTwo, 2);
    addInPlace(dx, scaled(dThree, 3));
    return { dx };
  },
  { outputs: ['two', 'three'], gradients: ['dx'] },
);

/** The sum of all elements, as a scalar. */
export const total = differentiable(
  (x: Tensor) => {
    const out = empty(x.dtype, []);
    out.fill(kernelsFor(x).sum(x, x.size));
    return { out, cache: x };
  },
  (dout: Tensor, x: Tensor) => ({ dx: empty(x.dtype, x.shape).fill(dout.item()) }),
  { outputs: ['out'], gradients: ['dx'] },
);

/** An op on one tensor whose passes are written on host arrays: easy to get wrong on purpose. */
export function onHost(
  forward: (x: number[], shape: readonly number[]) => number[],
  backward: (dout: number[], x: number[], shape: readonly number[]) => number[],
) {
  const like = (x: Tensor, values: number[]) => empty(x.dtype, x.shape).assign(values);
  return differentiable(
    (x: Tensor) => ({ out: like(x, forward([...x.dataSync()], x.shape)), cache: x }),
    (dout: Tensor, x: Tensor) => ({
      dx: like(x, backward([...dout.dataSync()], [...x.dataSync()], x.shape)),
    }),
    { outputs: ['out'], gradients: ['dx'] },
  );
}
