/** Models: the captioner, and the encoders that make features of photos. */
export {
  Captioner,
  type CaptionerConfig,
  type CaptionerParameters,
  type Cell,
  type CellState,
  cells,
} from './captioner.js';
export {
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  encoderFingerprint,
  encoderFromBytes,
  restoreEncoder,
  type SavedEncoder,
} from './encoder.js';
export {
  type SqueezenetOutputs,
  type SqueezenetParameters,
  squeezenet,
  squeezenetParameters,
  squeezenetShapes,
} from './squeezenet.js';
export type { VisionConfig, VisionParameters } from './vision.js';
