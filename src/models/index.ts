/** Models: the captioner, and the encoders that make features of photos. */
export { CaptionModel, type LossOptions } from './caption-model.js';
export { Captioner } from './captioner.js';
export {
  type AttentionConfig,
  type AttentionKind,
  attentionKinds,
  type CaptionerConfig,
  type Cell,
  cells,
  type FullAttention,
} from './captioner-config.js';
export type { CaptionerParameters, CellParameters } from './captioner-parameters.js';
export type { CaptionerState, CaptionerStep } from './captioner-state.js';
export type { ClipFrames } from './clip-state.js';
export type { CnnConfig, CnnParameters } from './cnn.js';
export {
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  encoderFingerprint,
  type SavedEncoder,
} from './encoders/encoder.js';
export { encoderFromBytes, restoreEncoder } from './encoders/open.js';
export {
  type SqueezenetOutputs,
  type SqueezenetParameters,
  squeezenet,
  squeezenetModules,
} from './encoders/squeezenet.js';
export { squeezenetParameters, squeezenetShapes } from './encoders/squeezenet-encoder.js';
export { type EncoderTail, SqueezenetTail } from './encoders/squeezenet-tail.js';
export {
  type AutoencoderConfig,
  type AutoencoderOptions,
  type AutoencoderParameters,
  type AutoencoderPlan,
  autodecode,
  autodecoded,
  autoencode,
  autoencoderLoss,
  autoencoderShapes,
  fullAutoencoder,
  planAutoencoder,
} from './generative/autoencoder.js';
export {
  boundParts,
  fullVae,
  logWeights,
  negativeBound,
  negativeImportanceBound,
  pixelMeans,
  planVae,
  type VaeConfig,
  type VaeOptions,
  type VaeParameters,
  type VaePlan,
  vaeDecode,
  vaeEncode,
  vaeShapes,
} from './generative/vae.js';
export type { ModelKind, ModelParts } from './kind.js';
export {
  constant,
  given,
  type Init,
  initialise,
  normal,
  Parameter,
  type ShapesOf,
  type ShapeTree,
  shapesCount,
} from './parameters.js';
export type { CellState } from './recurrent.js';
export {
  type Transform,
  type TransformerConfig,
  transforms,
} from './spatial-transformer.js';
export { VideoCaptioner } from './video-captioner.js';
export {
  type Combination,
  combinations,
  type FullVideoConfig,
  type VideoCaptionerConfig,
} from './video-captioner-config.js';
