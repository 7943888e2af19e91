/** Data as it flows: captions to words to batches, pictures to numbers, tensors to files' bytes. */

export {
  type CaptionBatch,
  CaptionBatches,
  type CaptionBatchesOptions,
  type EncodedCaption,
} from './captions/batches.js';
export type {
  CaptionDataset,
  Captioned,
  CaptionedImage,
  CaptionSet,
  NamedPlace,
  Splits,
} from './captions/captioned-images.js';
export {
  drawScene,
  type Scene,
  type SceneDatasetOptions,
  type SceneObject,
  type SceneOptions,
  sceneDataset,
} from './captions/scenes.js';
export { type IdxArray, parseIdx } from './formats/idx.js';
export {
  encodeSafetensors,
  parseSafetensors,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsHeader,
  safetensorsChunks,
} from './formats/safetensors.js';
export {
  type SafetensorsDtype,
  type SafetensorsTensor,
  type SafetensorsValues,
  safetensorsTensor,
  safetensorsValues,
} from './formats/safetensors-dtypes.js';
export {
  type Cue,
  type SubtitleDocument,
  type SubtitleFormat,
  subtitleDocument,
  subtitleFormats,
} from './formats/subtitles.js';
export {
  type Binarisation,
  BinarisedPictures,
  binarisations,
} from './labels/binarised-pictures.js';
export { DistortedPictures } from './labels/distorted-pictures.js';
export { type Distortion, distortions } from './labels/distortions.js';
export {
  divideLabelled,
  type LabelledDataset,
  type LabelledPictures,
  type LabelledShares,
  labelledFingerprint,
  pickPictures,
  pictureInto,
} from './labels/labelled-pictures.js';
export { type Augmentation, augment } from './pictures/augmentation.js';
export type { Box, ImageSource, Pixels } from './pictures/pixels.js';
export {
  type PictureSize,
  PREPROCESSING,
  type Preprocessing,
  type PreprocessingName,
  parsePreprocessing,
  preprocess,
} from './pictures/preprocessing.js';
export { resizePixels } from './pictures/resize.js';
export { imagesNotFinite, type Source } from './source.js';
export type { SplitName } from './splits.js';
export { tokenize } from './text/tokenize.js';
export {
  END_INDEX,
  NULL_INDEX,
  START_INDEX,
  UNKNOWN_INDEX,
  Vocabulary,
  type VocabularyJson,
} from './text/vocabulary.js';
export type { CaptionedClip, ClipCaptionDataset, NamedTrack } from './video/captioned-clips.js';
export type {
  AwaitedClip,
  Clip,
  ClipFile,
  ClipSource,
  DrawnClip,
  FramePixels,
  Sequence,
  TimedFrame,
} from './video/clip.js';
export {
  bouncingDigitSet,
  type DigitSetOptions,
  type DrawnSetOptions,
  glidingDigitSet,
  type MovingSetOptions,
  movingEventSet,
  movingSceneSet,
} from './video/drawn-sets.js';
export type { FrameRequest } from './video/frame-list.js';
export type { FileInPage } from './video/in-page/file.js';
export {
  clipFramesInPage,
  type PageClipRequest,
  readClipInPage,
} from './video/in-page/read-clip.js';
export type { ClipDataset, LabelledClip } from './video/labelled-clips.js';
export type { MovingDigitsOptions } from './video/moving-digits.js';
export {
  type MovingScene,
  type MovingSceneOptions,
  type MovingThing,
  movingScene,
} from './video/moving-scenes.js';
export { type Sampling, samplingSchema } from './video/sampling.js';
