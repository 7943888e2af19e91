/**
 * Everything that runs in Node and in a browser alike.
 *
 * What opens files is in `glimpse/node`. Rooms have doors of their own, too: `glimpse/layers`, `/models`,
 * `/data`, `/decoding`, `/training`, `/metrics`.
 */
export { differentiable } from './autograd/differentiable.js';
export { type GradientCheck, gradientCheck } from './autograd/gradient-check.js';
export {
  alongDirection,
  type TangentOf,
  type TangentRule,
  tangentRule,
} from './autograd/tangents.js';
export { valueAndGradients } from './autograd/tape.js';
export { leaves, mapTree, parameterCount, type TensorTree } from './autograd/tree.js';
export { weightedSum } from './autograd/weighted-sum.js';
export * from './data/index.js';
export * from './decoding/index.js';
export type { Blas, FloatDType } from './engine/blas.js';
export {
  Engine,
  type EngineOptions,
  engine,
  type ProductProfile,
  scope,
  useEngine,
} from './engine/engine.js';
export type { Keepable, Scope } from './engine/scope.js';
export { openThreads } from './engine/threads.js';
export * from './errors.js';
export * from './layers/index.js';
export * from './metrics/index.js';
export * from './models/index.js';
export { type FarnebackOptions, farneback, farnebackSchema } from './motion/farneback.js';
export {
  flowMethods,
  type HardwiredChannels,
  type HardwiredOptions,
  hardwired,
  hardwiredMaps,
  hardwiredSchema,
} from './motion/hardwired.js';
export { type HornSchunckOptions, hornSchunck, hornSchunckSchema } from './motion/horn-schunck.js';
export { Random, randomAt } from './random.js';
export * from './tasks/library.js';
export {
  addInPlace,
  argmaxRows,
  copyInto,
  matmul,
  scaled,
  sumRows,
  swapLeadingAxes,
  transposed,
} from './tensor/arithmetic.js';
export {
  full,
  linspace,
  type Nested,
  randomNormal,
  randomUniform,
  tensor,
  zeros,
} from './tensor/create.js';
export { dimensions, elementCount, showShape } from './tensor/shape.js';
export { type DType, empty, type HostArray, Tensor } from './tensor/tensor.js';
export * from './training/index.js';
export { packageVersion } from './version.js';
