/** A weighted sum of all elements: one number out of any result, for checks of gradients. */
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { record } from './tape.js';

/**
 * The sum of all values of `outputs`, each times a weight: a scalar whose cotangents are the
 * weights. What a gradient check reduces by.
 */
export function weightedSum(outputs: readonly Tensor[], weight: () => number): Tensor {
  const weights = outputs.map((output) =>
    empty(output.dtype, output.shape).assign(Float64Array.from({ length: output.size }, weight)),
  );
  let total = 0;
  for (const [index, output] of outputs.entries()) {
    const w = weights[index];
    if (!w) continue;
    const product = empty(output.dtype, output.shape);
    kernelsFor(output).multiply(output, w, product, output.size);
    total += kernelsFor(output).sum(product, product.size);
  }
  const sum = tensor(total, { dtype: outputs[0]?.dtype ?? 'f64' });
  record({
    inputs: outputs,
    outputs: [sum],
    backward: ([dSum]) =>
      weights.map((w) => {
        const gradient = empty(w.dtype, w.shape);
        if (dSum) kernelsFor(w).scaleBy(dSum, w, gradient, w.size);
        return gradient;
      }),
  });
  return sum;
}
