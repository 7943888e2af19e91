/** Decoding: from a model that scores words to captions, with their log-probabilities. */

export { englishBadEndings } from './constraints.js';
export { decode, decodeAll, rescore } from './decode.js';
export { ensemble } from './ensemble.js';
export type { Hypothesis } from './hypothesis.js';
export { type LengthPenalty, penalisedScore } from './hypothesis.js';
export {
  type Decoder,
  type Decoding,
  type DecodingOptions,
  decoders,
  decodingSchema,
  parseDecoding,
} from './options.js';
export { type SamplingSettings, samplingProbabilities } from './sampling.js';
export type { Candidates } from './scored-step.js';
export {
  captionerModel,
  type StepModel,
  type StepwiseCaptioner,
  selectRows,
  type WordModel,
  type WordStep,
} from './word-model.js';
