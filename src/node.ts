/** What needs Node: files, photos, datasets on disk, feature files, and runs that save themselves. */
export { type CaptionTableOptions, openCaptionTable } from './data/captions/caption-table.js';
export { type CocoOptions, openCoco } from './data/captions/coco.js';
export { DATASET_FORMATS, openDataset } from './data/captions/dataset.js';
export { openFlickr8k, openKaggleFlickr8k } from './data/captions/flickr8k.js';
export { type KarpathyOptions, openKarpathy } from './data/captions/karpathy.js';
export { readBytes, readText } from './data/formats/files.js';
export {
  readSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from './data/formats/safetensors-files.js';
export type { WorkLock } from './data/formats/work-lock.js';
export { type FileContent, writeFileAtomically } from './data/formats/write-files.js';
export {
  LABELLED_FORMATS,
  openLabelledDataset,
  openPictureSet,
} from './data/labels/labelled-dataset.js';
export { LARGEST_PHOTO, LONGEST_SIDE } from './data/pictures/photo-limits.js';
export {
  decodePhoto,
  encodePng,
  loadPixels,
} from './data/pictures/photos.js';
export { CAPTIONED_CLIP_FORMATS, openCaptionedClips } from './data/video/clip-caption-dataset.js';
export { CLIP_FORMATS, openClips } from './data/video/clip-dataset.js';
export { type Film, readFilm } from './data/video/film.js';
export { type PanOptions, pannedPhoto, pannedPhotoSet } from './data/video/panned-photos.js';
export { type ClipRequest, clipFrames, probeClip, readClip } from './data/video/read-clip.js';
export { type ClipsRequest, type PlacedClip, readClips } from './data/video/read-clips.js';
export { type Stretch, stretchesOf } from './data/video/stretches.js';
export type { ClipHeader } from './data/video/video-header.js';
export { type ClipWriting, encodeClip, writeClip } from './data/video/write-clip.js';
export { ClipFeatures, type NeededClipFeatures } from './features/clip-features.js';
export {
  type ExtractionOptions,
  type ExtractionProgress,
  type ExtractionResult,
  extractFeatures,
  type Photo,
} from './features/extract.js';
export {
  extractFrames,
  type FilmedClip,
  type FrameExtractionOptions,
  type FrameExtractionResult,
} from './features/extract-frames.js';
export type { FeatureEncoder, SkippedPhoto } from './features/feature-file.js';
export { Features } from './features/features.js';
export type { ForeignOptions } from './features/open-features.js';
export { openFeatures } from './features/open-features.js';
export { loadWordNet } from './metrics/wordnet-package.js';
export { openEncoder } from './models/encoders/open-file.js';
export { chartAssets } from './report/assets.js';
export { type CaptionReport, renderCaptionReport } from './report/caption-report.js';
export { type ClassifierPage, renderClassifierReport } from './report/classifier-report.js';
export { type ClipCaptionPage, renderClipCaptionReport } from './report/clip-caption-report.js';
export { type ClipReportPage, renderClipReport } from './report/clip-report.js';
export type { ChartAssets, Figure } from './report/page.js';
export type { ReportCard } from './report/picture-cards.js';
export type { AttentionKind, ReportPicture, ReportWord } from './report/report-picture.js';
export { renderTrainingReport, type TrainingReport } from './report/training-report.js';
export {
  featurePipeline,
  type InputPipeline,
  picturePipeline,
  pipelineOf,
  tuningPipeline,
} from './tasks/captioner/pipelines.js';
export { type PreparedData, prepareData } from './tasks/captioner/prepare.js';
export { minimumCountFor, type TrainingWords, trainingWords } from './tasks/captions/words.js';
export { kinds } from './tasks/index.js';
export { type TaskEntry, type TaskKind, taskEntry } from './tasks/kind.js';
export {
  type CaptionedStretch,
  type ClipAttentionForm,
  type ClipCaption,
  ClipCaptioner,
  type LoadedClip,
} from './tasks/video-captioner/clip-captioner.js';
export { type VideoCaptionerModel, videoCaptionerKind } from './tasks/video-captioner/kind.js';
export { TrainingLog } from './training/log.js';
export { type RunOptions, readModel, TrainingRun } from './training/run.js';
export { claimRunFolder, type RunFile, runFile, runFiles } from './training/run-folder.js';
