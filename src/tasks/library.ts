/** What the kinds of models offer to programs, in Node and in a browser alike. */

export { type AttentionForm, attentionFormOf } from './captioner/attention-form.js';
export { CaptionReward, type Said } from './captioner/caption-reward.js';
export { evaluateLoss, type ImageInputs, type LossReport } from './captioner/evaluate.js';
export {
  type Evaluation,
  type EvaluationOptions,
  type Examinee,
  evaluateModels,
} from './captioner/evaluation.js';
export {
  encodeCaptions,
  fingerprint,
  inputsFrom,
  pictureInputs,
  vocabularyOf,
} from './captioner/examples.js';
export { type CaptionerModel, captionerKind, captionerParts } from './captioner/kind.js';
export type { CaptionData } from './captioner/objective.js';
export { playPointingGame } from './captioner/pointing.js';
export {
  type Baseline,
  baselines,
  type CaptionerRecipe,
  captionerRecipeSchema,
  type Selection,
  selections,
} from './captioner/recipe.js';
export { sampleAll } from './captioner/sample-all.js';
export {
  type SamplingGrowth,
  type ScheduledSampling,
  sampledShare,
  samplingGrowths,
} from './captioner/scheduled-sampling.js';
export { CaptionerTask } from './captioner/task.js';
export {
  type ClassifierConfig,
  type ClassifierOptions,
  type ClassifierParameters,
  type ClassifierPlan,
  classifierShapes,
  fullClassifier,
  planClassifier,
} from './classifier/config.js';
export { type ClassifierReport, evaluateClassifier } from './classifier/evaluation.js';
export { type ClassifierModel, classifierKind } from './classifier/kind.js';
export { type Classified, classify, windowsOf } from './classifier/model.js';
export { type ClassifierRecipe, classifierRecipeSchema } from './classifier/recipe.js';
export { ClassifierTask } from './classifier/task.js';
export { type ClassifierView, viewsOf } from './classifier/views.js';
