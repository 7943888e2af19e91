/** Layers as pairs, `nameForward` and `nameBackward`, and as the op `name` that a tape records. */
export {
  relu,
  reluBackward,
  reluForward,
  sigmoid,
  sigmoidBackward,
  sigmoidForward,
  tanh,
  tanhBackward,
  tanhForward,
} from './activations.js';
export {
  adaptiveAveragePool,
  adaptiveAveragePoolBackward,
  adaptiveAveragePoolForward,
} from './adaptive-average-pool.js';
export {
  affine,
  affineBackward,
  affineForward,
  temporalAffine,
  temporalAffineBackward,
  temporalAffineForward,
  tiedScores,
  tiedScoresBackward,
  tiedScoresForward,
} from './affine.js';
export { affineGrid, affineGridBackward, affineGridForward } from './affine-grid.js';
export { window, windowBackward, windowForward } from './affine-window.js';
export * from './attention/index.js';
export {
  type BatchNormOptions,
  batchNorm,
  batchNormBackward,
  batchNormForward,
  initialStatistics,
  type RunningStatistics,
} from './batch-norm.js';
export {
  bilinearSample,
  bilinearSampleBackward,
  bilinearSampleForward,
  type SampleOptions,
} from './bilinear-sampler.js';
export {
  binaryCrossEntropy,
  binaryCrossEntropyBackward,
  binaryCrossEntropyForward,
} from './binary-cross-entropy.js';
export { concat, concatBackward, concatForward } from './concat.js';
export { type Conv2dOptions, conv2d, conv2dBackward, conv2dForward } from './conv2d.js';
export { type DropoutOptions, dropout, dropoutBackward, dropoutForward } from './dropout.js';
export {
  add,
  addBackward,
  addForward,
  divide,
  divideBackward,
  divideForward,
  maximum,
  maximumBackward,
  maximumForward,
  multiply,
  multiplyBackward,
  multiplyForward,
  type Operand,
  subtract,
  subtractBackward,
  subtractForward,
} from './elementwise/arithmetic.js';
export {
  abs,
  absBackward,
  absForward,
  type ClampOptions,
  clamp,
  clampBackward,
  clampForward,
  exp,
  expBackward,
  expForward,
  log,
  logBackward,
  logForward,
  scale,
  scaleBackward,
  scaleForward,
  sqrt,
  sqrtBackward,
  sqrtForward,
  square,
  squareBackward,
  squareForward,
} from './elementwise/functions.js';
export { elu, eluBackward, eluForward } from './elu.js';
export { wordEmbedding, wordEmbeddingBackward, wordEmbeddingForward } from './embedding.js';
export { flatten, flattenBackward, flattenForward } from './flatten.js';
export { type GeluOptions, gelu, geluBackward, geluForward } from './gelu.js';
export {
  type GroupNormOptions,
  groupNorm,
  groupNormBackward,
  groupNormForward,
  instanceNorm,
  instanceNormBackward,
  instanceNormForward,
} from './group-norm.js';
export {
  gru,
  gruBackward,
  gruForward,
  gruStep,
  gruStepBackward,
  gruStepForward,
} from './gru.js';
export {
  reshape,
  reshapeBackward,
  reshapeForward,
  transpose,
  transposeBackward,
  transposeForward,
} from './indexing/axes.js';
export { gather, gatherBackward, gatherForward } from './indexing/gather.js';
export {
  slice,
  sliceBackward,
  sliceForward,
  split,
  splitBackward,
  splitForward,
  stack,
  stackBackward,
  stackForward,
} from './indexing/pieces.js';
export {
  mean,
  meanBackward,
  meanForward,
  type ReductionOptions,
  sum,
  sumBackward,
  sumForward,
} from './indexing/reductions.js';
export {
  layerNorm,
  layerNormBackward,
  layerNormForward,
  scaledLayerNorm,
  scaledLayerNormBackward,
  scaledLayerNormForward,
} from './layer-norm.js';
export {
  leakyRelu,
  leakyReluBackward,
  leakyReluForward,
} from './leaky-relu.js';
export {
  lstm,
  lstmBackward,
  lstmForward,
  lstmStep,
  lstmStepBackward,
  lstmStepForward,
} from './lstm.js';
export {
  meanSquaredError,
  meanSquaredErrorBackward,
  meanSquaredErrorForward,
} from './mean-squared-error.js';
export {
  type AveragePoolOptions,
  averagePool,
  averagePoolBackward,
  averagePoolForward,
  globalAveragePool,
  globalAveragePoolBackward,
  globalAveragePoolForward,
  maxPool,
  maxPoolBackward,
  maxPoolForward,
  type PoolOptions,
} from './pooling.js';
export {
  projectiveGrid,
  projectiveGridBackward,
  projectiveGridForward,
} from './projective-grid.js';
export type { GridOptions } from './regular-grid.js';
export {
  rnn,
  rnnBackward,
  rnnForward,
  rnnStep,
  rnnStepBackward,
  rnnStepForward,
} from './rnn.js';
export {
  scaleTranslation,
  scaleTranslationBackward,
  scaleTranslationForward,
} from './scale-translation.js';
export type { SequenceOptions } from './sequence.js';
export {
  temporalSoftmaxLoss,
  temporalSoftmaxLossBackward,
  temporalSoftmaxLossForward,
} from './softmax.js';
export { softmaxLoss, softmaxLossBackward, softmaxLossForward } from './softmax-loss.js';
export { softplus, softplusBackward, softplusForward } from './softplus.js';
export {
  controlPoints,
  thinPlateSplineGrid,
  thinPlateSplineGridBackward,
  thinPlateSplineGridForward,
} from './thin-plate-spline-grid.js';
export {
  type TransposedConv2dOptions,
  transposedConv2d,
  transposedConv2dBackward,
  transposedConv2dForward,
} from './transposed-conv2d.js';
export {
  upsampleBilinear,
  upsampleBilinearBackward,
  upsampleBilinearForward,
} from './upsample-bilinear.js';
export type { UpsampleOptions } from './upsample-extent.js';
export {
  upsampleNearest,
  upsampleNearestBackward,
  upsampleNearestForward,
} from './upsample-nearest.js';
export type { Extent2d, Padding2d, WindowOptions } from './windows.js';
