import type { TensorTree } from '../../autograd/tree.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Look } from './look.js';

/** W (H, 1), b (1). */
export interface GateParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/**
 * A gate on what another attention sees: at words that need no looking it can be closed.
 *
 *     context = σ(prevH W + b) context of `look`
 *
 * Source: Xu et al. 2015, section 4.2.1.
 */
export function gatedLook(look: Look, { W, b }: GateParameters): Look {
  const [T = 0, N = 0, C = 0] = look.context.shape;
  const context = empty(look.context.dtype, [T, N, C]);
  const gates = empty(context.dtype, [T, N, 1]);
  // A row times its gate is a weighted sum over one place.
  const itself = tensor(
    Array.from({ length: N }, (_, n) => n),
    { dtype: 'i32' },
  );
  const kernels = kernelsFor(context);
  return {
    context,
    looked: look.looked,
    forward(t, prevH) {
      look.forward(t, prevH);
      const gate = matmul(prevH, W, { into: gates.at(t) });
      kernels.addRow(gate, b, N, 1);
      kernels.sigmoid(gate, gate, N);
      kernels.attendSum(look.context.at(t), gate, itself, context.at(t), N, 1, C, 1);
    },
    startBackward() {
      const back = look.startBackward();
      const dGates = empty(context.dtype, [T, N, 1]);
      const dSeen = empty(context.dtype, [N, C]);
      return {
        step(t, dContext, dLooked, dPrevH) {
          const [seen, gate, dGate] = [look.context.at(t), gates.at(t), dGates.at(t)];
          kernels.attendScores(seen, dContext, itself, dGate, N, 1, C, 1);
          kernels.sigmoidBackward(gate, dGate, dGate, N);
          matmul(dGate, transposed(W), { into: dPrevH, accumulate: true });
          kernels.attendSum(dContext, gate, itself, dSeen, N, 1, C, 1);
          back.step(t, dSeen, dLooked, dPrevH);
        },
        gradients(prevH) {
          const { dValues, dLook } = back.gradients(prevH);
          const gate = { W: matmul(transposed(prevH), dGates), b: sumRows(dGates) };
          return { dValues, dLook: { ...dLook, gate } };
        },
      };
    },
  };
}
