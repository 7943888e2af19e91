/** Training: optimisers, the loop, what is measured, and the model file's content. */
export { CaptionReward, type Said } from './caption-reward.js';
export {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type TrainingState,
} from './checkpoint.js';
export {
  type ClassifierCheckpoint,
  type ClassifierTraining,
  decodeClassifier,
  encodeClassifier,
} from './classifier-checkpoint.js';
export { type ClassifierReport, evaluateClassifier } from './classifier-evaluation.js';
export type { ClassifierEpoch, ClassifierProgress } from './classifier-progress.js';
export {
  type ClassifierRecipe,
  classifierRecipeSchema,
  fullClassifierRecipe,
} from './classifier-recipe.js';
export { type ClassifierEvents, ClassifierTrainer } from './classifier-trainer.js';
export { type ClassifierView, viewsOf } from './classifier-views.js';
export { evaluateLoss, type ImageInputs, type LossReport } from './evaluate.js';
export {
  encodeCaptions,
  fingerprint,
  inputsFrom,
  pictureInputs,
  vocabularyOf,
} from './examples.js';
export {
  Adam,
  type AdamOptions,
  AdamW,
  clippingScale,
  decaysByDefault,
  globalNorm,
  type Optimiser,
  type OptimiserKind,
  SGD,
  type StepOptions,
} from './optimisers.js';
export { type DevMeasures, isBetter, type Selection, selections } from './progress.js';
export {
  type Baseline,
  baselines,
  fullRecipe,
  objectives,
  type Recipe,
  recipeSchema,
} from './recipe.js';
export { sampleAll } from './sample-all.js';
export { rateAt, type Schedule, schedules } from './schedule.js';
export {
  type SamplingGrowth,
  type ScheduledSampling,
  sampledShare,
  samplingGrowths,
} from './scheduled-sampling.js';
export {
  createOptimiser,
  type EpochReport,
  noProgress,
  type Outcome,
  type Progress,
  Trainer,
  type TrainingData,
  type TrainingEvents,
} from './trainer.js';
