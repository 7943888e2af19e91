/** What the kinds of models offer to programs, in Node and in a browser alike. */

export { type AutoencoderModel, autoencoderKind } from './autoencoder/kind.js';
export { type AutoencoderRecipe, autoencoderRecipeSchema } from './autoencoder/recipe.js';
export { AutoencoderTask, measureReturn } from './autoencoder/task.js';
export { type ImageInputs, inputsFrom, pictureInputs } from './captioner/image-inputs.js';
export {
  type AttentionForm,
  attentionFormOf,
  type CaptionerModel,
  captionerKind,
  captionerParts,
} from './captioner/kind.js';
export {
  type LoadedPicture,
  type PhotoCaption,
  PhotoCaptioner,
} from './captioner/photo-captioner.js';
export type { PictureLoader } from './captioner/photo-pipeline.js';
export { playPointingGame } from './captioner/pointing.js';
export { type CaptionerRecipe, captionerRecipeSchema } from './captioner/recipe.js';
export { CaptionerTask } from './captioner/task.js';
export { altText } from './captions/caption-text.js';
export {
  type BatchCaptioner,
  type CaptionOutcome,
  captionEach,
  type FoundCaption,
  type SpokenCaption,
  type SpokenWord,
} from './captions/found.js';
export { evaluateLoss, type LossReport, sampleAll } from './captions/measures.js';
export {
  type Evaluation,
  type EvaluationOptions,
  type Examinee,
  evaluateModels,
} from './captions/model-scores.js';
export type { CaptionData } from './captions/objectives.js';
export { type Baseline, baselines, type Selection, selections } from './captions/recipe.js';
export {
  type SamplingGrowth,
  type ScheduledSampling,
  sampledShare,
  samplingGrowths,
} from './captions/scheduled-sampling.js';
export { CaptionReward, type Said } from './captions/self-critical.js';
export { encodeCaptions, fingerprint, vocabularyOf } from './captions/words.js';
export type { Guess } from './classification.js';
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
export { type Judgement, judgePictures } from './classifier/judge.js';
export { type ClassifierModel, classifierKind } from './classifier/kind.js';
export { type Classified, classify, windowsOf } from './classifier/model.js';
export { type ClassifierRecipe, classifierRecipeSchema } from './classifier/recipe.js';
export { ClassifierTask } from './classifier/task.js';
export { type ClassifierView, viewsOf } from './classifier/views.js';
export type { DrawRequest, LatentSpace, PictureGenerator } from './generation.js';
export type { Reconstructed, Reconstructor } from './reconstruction.js';
export { generation as vaeGeneration } from './vae/drawing.js';
export { measureBound, measureLikelihood } from './vae/evaluation.js';
export { type VaeModel, vaeKind } from './vae/kind.js';
export { type VaeRecipe, vaeRecipeSchema } from './vae/recipe.js';
export { VaeTask } from './vae/task.js';
export { classifyClip, framesForClassifier } from './video-classifier/classify-clip.js';
export { type VideoClassifierModel, videoClassifierKind } from './video-classifier/kind.js';
