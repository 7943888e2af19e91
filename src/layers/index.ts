/** Layers as pairs, `nameForward` and `nameBackward`, and as the op `name` that a tape records. */

export * from './attention/index.js';
export { type Conv2dOptions, conv2d, conv2dBackward, conv2dForward } from './convolution/conv2d.js';
export { type Conv3dOptions, conv3d, conv3dBackward, conv3dForward } from './convolution/conv3d.js';
export {
  type MaskedConv2dOptions,
  maskedConv2d,
  maskedConv2dBackward,
  maskedConv2dForward,
} from './convolution/masked-conv2d.js';
export {
  type TransposedConv2dOptions,
  transposedConv2d,
  transposedConv2dBackward,
  transposedConv2dForward,
} from './convolution/transposed-conv2d.js';
export {
  type TransposedConv3dOptions,
  transposedConv3d,
  transposedConv3dBackward,
  transposedConv3dForward,
} from './convolution/transposed-conv3d.js';
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
} from './dense.js';
export {
  elu,
  eluBackward,
  eluForward,
  type GeluOptions,
  gelu,
  geluBackward,
  geluForward,
  leakyRelu,
  leakyReluBackward,
  leakyReluForward,
  relu,
  reluBackward,
  reluForward,
  sigmoid,
  sigmoidBackward,
  sigmoidForward,
  softplus,
  softplusBackward,
  softplusForward,
  tanh,
  tanhBackward,
  tanhForward,
} from './elementwise/activations.js';
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
  type DropoutOptions,
  dropout,
  dropoutBackward,
  dropoutForward,
} from './elementwise/dropout.js';
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
export {
  flatten,
  flattenBackward,
  flattenForward,
  reshape,
  reshapeBackward,
  reshapeForward,
  transpose,
  transposeBackward,
  transposeForward,
} from './indexing/axes.js';
export {
  gather,
  gatherBackward,
  gatherForward,
  wordEmbedding,
  wordEmbeddingBackward,
  wordEmbeddingForward,
} from './indexing/gather.js';
export {
  concat,
  concatBackward,
  concatForward,
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
  logSumExp,
  logSumExpBackward,
  logSumExpForward,
  mean,
  meanBackward,
  meanForward,
  type ReductionOptions,
  sum,
  sumBackward,
  sumForward,
} from './indexing/reductions.js';
export {
  type AdversarialLosses,
  adversarialLosses,
  ganDiscriminatorLoss,
  ganGeneratorLoss,
  hingeDiscriminatorLoss,
  hingeGeneratorLoss,
  lsganDiscriminatorLoss,
  lsganGeneratorLoss,
  wassersteinDiscriminatorLoss,
  wassersteinGeneratorLoss,
} from './losses/adversarial.js';
export {
  between,
  type GradientPenaltyOptions,
  gradientPenalty,
} from './losses/gradient-penalty.js';
export {
  bernoulliLogLikelihood,
  bernoulliLogLikelihoodBackward,
  bernoulliLogLikelihoodForward,
  gaussianLogLikelihood,
  gaussianLogLikelihoodBackward,
  gaussianLogLikelihoodForward,
  klToUnitNormal,
  klToUnitNormalBackward,
  klToUnitNormalForward,
  sampledKlToUnitNormal,
  sampledKlToUnitNormalBackward,
  sampledKlToUnitNormalForward,
  sampleNormal,
  sampleNormalBackward,
  sampleNormalForward,
} from './losses/likelihoods.js';
export {
  binaryCrossEntropy,
  binaryCrossEntropyBackward,
  binaryCrossEntropyForward,
  meanSquaredError,
  meanSquaredErrorBackward,
  meanSquaredErrorForward,
} from './losses/pointwise.js';
export {
  softmaxLoss,
  softmaxLossBackward,
  softmaxLossForward,
  temporalSoftmaxLoss,
  temporalSoftmaxLossBackward,
  temporalSoftmaxLossForward,
} from './losses/softmax.js';
export {
  type BatchNormOptions,
  batchNorm,
  batchNormBackward,
  batchNormForward,
  initialStatistics,
  type RunningStatistics,
} from './normalisation/batch-norm.js';
export {
  type GroupNormOptions,
  groupNorm,
  groupNormBackward,
  groupNormForward,
  instanceNorm,
  instanceNormBackward,
  instanceNormForward,
} from './normalisation/group-norm.js';
export {
  layerNorm,
  layerNormBackward,
  layerNormForward,
  scaledLayerNorm,
  scaledLayerNormBackward,
  scaledLayerNormForward,
} from './normalisation/layer-norm.js';
export {
  type MinibatchDeviationOptions,
  minibatchDeviation,
  minibatchDeviationBackward,
  minibatchDeviationForward,
} from './normalisation/minibatch-deviation.js';
export {
  initialSingularVectors,
  powerIteration,
  type SingularVectors,
  spectralNorm,
  spectralNormBackward,
  spectralNormForward,
} from './normalisation/spectral-norm.js';
export {
  type AveragePoolOptions,
  type AveragePoolOptions3d,
  adaptiveAveragePool,
  adaptiveAveragePool3d,
  adaptiveAveragePool3dBackward,
  adaptiveAveragePool3dForward,
  adaptiveAveragePoolBackward,
  adaptiveAveragePoolForward,
  averagePool,
  averagePool3d,
  averagePool3dBackward,
  averagePool3dForward,
  averagePoolBackward,
  averagePoolForward,
  globalAveragePool,
  globalAveragePoolBackward,
  globalAveragePoolForward,
} from './pooling/average-pool.js';
export {
  maxPool,
  maxPool3d,
  maxPool3dBackward,
  maxPool3dForward,
  maxPoolBackward,
  maxPoolForward,
} from './pooling/max-pool.js';
export type { PoolOptions, PoolOptions3d } from './pooling/pool-windows.js';
export { type SubsampleOptions, subsample } from './pooling/subsampling.js';
export { type BothDirections, bidirectional } from './recurrent/bidirectional.js';
export {
  gru,
  gruBackward,
  gruForward,
  gruStep,
  gruStepBackward,
  gruStepForward,
} from './recurrent/gru.js';
export type { SequenceOptions } from './recurrent/layout.js';
export {
  lstm,
  lstmBackward,
  lstmForward,
  lstmStep,
  lstmStepBackward,
  lstmStepForward,
} from './recurrent/lstm.js';
export {
  rnn,
  rnnBackward,
  rnnForward,
  rnnStep,
  rnnStepBackward,
  rnnStepForward,
} from './recurrent/rnn.js';
export {
  scaleTranslation,
  scaleTranslationBackward,
  scaleTranslationForward,
  window,
  windowBackward,
  windowForward,
} from './resampling/affine-maps.js';
export {
  bilinearSample,
  bilinearSampleBackward,
  bilinearSampleForward,
  type SampleOptions,
} from './resampling/bilinear-sampler.js';
export {
  affineGrid,
  affineGridBackward,
  affineGridForward,
  type GridOptions,
  projectiveGrid,
  projectiveGridBackward,
  projectiveGridForward,
} from './resampling/grids.js';
export {
  pixelShuffle,
  pixelShuffleBackward,
  pixelShuffleForward,
  pixelUnshuffle,
  pixelUnshuffleBackward,
  pixelUnshuffleForward,
} from './resampling/pixel-shuffle.js';
export {
  controlPoints,
  thinPlateSplineGrid,
  thinPlateSplineGridBackward,
  thinPlateSplineGridForward,
} from './resampling/thin-plate-spline.js';
export {
  type UpsampleOptions,
  upsampleBilinear,
  upsampleBilinearBackward,
  upsampleBilinearForward,
  upsampleNearest,
  upsampleNearestBackward,
  upsampleNearestForward,
} from './resampling/upsampling.js';
export {
  attentionPool,
  attentionPoolBackward,
  attentionPoolForward,
  lastSteps,
  meanOverTime,
  meanOverTimeBackward,
  meanOverTimeForward,
} from './sequences.js';
export { tangentRules } from './tangents.js';
export type {
  Extent2d,
  Extent3d,
  Padding2d,
  Padding3d,
  WindowOptions,
  WindowOptions3d,
} from './windows.js';
