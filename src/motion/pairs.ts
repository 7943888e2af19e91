/** Pairs of images whose flow is asked for: checked, and taken a few at a time. */
import type { z } from 'zod';
import { record } from '../autograd/tape.js';
import { firstIssue } from '../data/formats/schema-errors.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { ShapeError, ValueError } from '../errors.js';
import { transposeForward } from '../layers/indexing/axes.js';
import { sliceForward } from '../layers/indexing/pieces.js';
import { copyInto } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Pixels of the pairs that are taken at a time: what is known of them then stays near the processor. */
const pixelsAtOnce = 1 << 16;

/** What every pair of a call has in common. */
export interface Images {
  readonly H: number;
  readonly W: number;
  readonly dtype: FloatDType;
  /** i32: 0, 1, 2, ... to the number of rows of all pairs that are taken at a time. */
  readonly lines: Tensor;
}

/** The flow (N, 2, H, W or more) of pairs of images (N, H, W). */
export type Estimate = (previous: Tensor, next: Tensor) => Tensor;

/** A kind of flow with its options: what is the same for all pairs, from which follows how that of some is found. */
export type FlowPlan = (images: Images) => Estimate;

/**
 * Options with what is left out filled in.
 * @throws ValueError naming the operation, the option and its value.
 */
export function fullOptions<S extends z.ZodType>(
  operation: string,
  schema: S,
  options: unknown,
): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new ValueError(`${operation}: ${firstIssue(result.error, options)}`);
}

/**
 * The flow of one pair of images (H, W), or of a batch of them (N, H, W): (H, W, 2) or (N, H, W, 2), x before
 * y. Bytes are computed with as f32.
 * @throws ShapeError when the images differ in size or have no pixels; DTypeError when they differ in type.
 */
export function flowField(
  operation: string,
  previous: Tensor,
  next: Tensor,
  plan: FlowPlan,
): Tensor {
  using work = scope();
  const batched = previous.shape.length === 3;
  const axes = batched ? ['N', 'H', 'W'] : ['H', 'W'];
  const [first, second] = [asFloats(previous), asFloats(next)];
  const {
    N = 1,
    H = 0,
    W = 0,
  }: Partial<Record<string, number>> = dimensions(operation, {
    previous: [first, ...axes],
    next: [second, ...axes],
  });
  checkPixels(operation, H, W);
  const planes = flowPlanes(first.view(N, H, W), second.view(N, H, W), plan);
  const flow = transposeForward(planes, [0, 2, 3, 1]).out;
  withoutGradient(operation, [previous, next], [flow]);
  return work.keep(batched ? flow : flow.view(H, W, 2));
}

/** The flow (N, 2, H, W) of pairs of images (N, H, W) of floats, taken a few at a time. */
export function flowPlanes(previous: Tensor, next: Tensor, plan: FlowPlan): Tensor {
  const [N = 0, H = 0, W = 0] = previous.shape;
  const flow = empty(previous.dtype, [N, 2, H, W]);
  using _work = scope();
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (H * W)));
  const numbers = Int32Array.from({ length: Math.min(N, atOnce) * H }, (_, i) => i);
  const lines = tensor(numbers, { dtype: 'i32' });
  const estimate = plan({ H, W, dtype: previous.float, lines });
  for (let from = 0; from < N; from += atOnce) {
    using _some = scope();
    const to = Math.min(N, from + atOnce);
    const found = estimate(previous.slice(from, to), next.slice(from, to));
    copyInto(flow.slice(from, to), sliceForward(found, 3, 0, W).out);
  }
  return flow;
}

/** @throws ShapeError for images without pixels */
export function checkPixels(operation: string, H: number, W: number): void {
  if (H * W > 0) return;
  throw new ShapeError(`${operation}: images of ${showShape([H, W])} have no pixels`);
}

/** Bytes as f32, all else as it is. */
export function asFloats(x: Tensor): Tensor {
  return x.dtype === 'u8' ? tensor(x.dataSync(), { shape: x.shape }) : x;
}

/** What is computed here depends on data: a loss that would need its gradient is told so, rather than given none. */
export function withoutGradient(
  operation: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  record({
    inputs,
    outputs,
    backward: () => {
      throw new ValueError(
        `${operation} has no gradient: its images are data, and must not depend on a parameter`,
      );
    },
  });
}
