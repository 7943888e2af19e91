/** Training: the loop that knows no model, what it needs of one, and model files. */
export {
  type DataIdentity,
  decodeModel,
  encodeModel,
  kindOf,
  type OpenedModel,
  type SavedTraining,
  type TrainingState,
} from './model-file.js';
export {
  Adam,
  type AdamOptions,
  AdamW,
  clippingScale,
  createOptimiser,
  decaysByDefault,
  globalNorm,
  type Optimiser,
  type OptimiserKind,
  SGD,
  type StepOptions,
} from './optimisers.js';
export { type EpochReport, noProgress, type Progress } from './progress.js';
export {
  fullRecipe,
  type Recipe,
  rateAt,
  recipeSchema,
  type Schedule,
  schedules,
} from './recipe.js';
export {
  type Json,
  type Measures,
  type ParameterGroup,
  type Step,
  type Sums,
  shuffledBatches,
  type Task,
  type Update,
} from './task.js';
export {
  type Optimisers,
  type Outcome,
  optimisersFor,
  type StepReport,
  Trainer,
  type TrainingEvents,
} from './trainer.js';
