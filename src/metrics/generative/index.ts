/** Measures of models that make pictures: docs/generative.md has their definitions. */
export {
  type ClassHistogram,
  classesOf,
  classHistogram,
  type InceptionScore,
  inceptionScore,
  stackedClasses,
} from './classes.js';
export {
  type BesideFloor,
  besideFloor,
  type FeatureScores,
  featureScoreLines,
  featureScores,
  floorLine,
  halvesOf,
} from './floor.js';
export {
  frechetBias,
  frechetDistance,
  type Gaussian,
  gaussianDistance,
  gaussianOf,
} from './frechet.js';
export {
  type LabelledCodes,
  type LinearProbe,
  type LinearProbeOptions,
  linearProbe,
} from './linear-probe.js';
export {
  type DensityCoverage,
  densityAndCoverage,
  expectedCoverage,
  type PrecisionRecall,
  precisionAndRecall,
} from './manifolds.js';
export { type Memorising, memorising, type Neighbours, nearestNeighbours } from './neighbours.js';
export {
  bitsPerDimension,
  picturesMse,
  psnr,
  type ReconstructionScores,
  reconstructionScores,
  ssim,
} from './pictures.js';
