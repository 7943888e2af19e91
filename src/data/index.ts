/** Data as it flows: captions to words to batches, pictures to numbers, tensors to files' bytes. */
export { type Augmentation, augment } from './augmentation.js';
export {
  type CaptionBatch,
  CaptionBatches,
  type CaptionBatchesOptions,
  type EncodedCaption,
} from './batches.js';
export type {
  Box,
  CaptionDataset,
  CaptionedImage,
  ImageSource,
  NamedPlace,
  Pixels,
  Splits,
} from './captioned-images.js';
export { DistortedPictures } from './distorted-pictures.js';
export { type Distortion, distortions } from './distortions.js';
export { divideLabelled, type LabelledShares } from './divide-labelled.js';
export { type IdxArray, parseIdx } from './idx.js';
export {
  type LabelledDataset,
  type LabelledPictures,
  type LabelledSplit,
  labelledFingerprint,
  pickPictures,
  pictureInto,
} from './labelled-pictures.js';
export {
  PREPROCESSING,
  type Preprocessing,
  type PreprocessingName,
  parsePreprocessing,
  preprocess,
} from './preprocessing.js';
export {
  encodeSafetensors,
  parseSafetensors,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsHeader,
  safetensorsChunks,
} from './safetensors.js';
export {
  type SafetensorsDtype,
  type SafetensorsTensor,
  type SafetensorsValues,
  safetensorsTensor,
  safetensorsValues,
} from './safetensors-dtypes.js';
export {
  drawScene,
  type Scene,
  type SceneDatasetOptions,
  type SceneObject,
  type SceneOptions,
  sceneDataset,
} from './scenes.js';
export {
  END_INDEX,
  NULL_INDEX,
  START_INDEX,
  tokenize,
  UNKNOWN_INDEX,
  Vocabulary,
  type VocabularyJson,
} from './vocabulary.js';
