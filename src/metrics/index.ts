/** Metrics: how well captions agree with their references, computed without Java; and what models make. */
export { type BleuReport, type BleuScores, corpusBleu } from './bleu.js';
export { candidatesFile, parseCandidates, parseReferences } from './caption-files.js';
export { type CiderKind, type CiderOptions, CiderScorer } from './cider.js';
export { type Diversity, diversity } from './diversity.js';
export { DocumentFrequencies, type DocumentFrequenciesJson } from './document-frequencies.js';
export * from './generative/index.js';
export { type MeteorReport, MeteorScorer } from './meteor.js';
export {
  type Extent,
  heaviestPlace,
  hottestPoint,
  middleOfWindow,
  type Point,
  type Pointed,
  type PointingReport,
  type PointingScore,
  pointingGame,
  SMOOTHING,
} from './pointing-game.js';
export { ptbTokenize, ptbTokens } from './ptb-tokenizer.js';
export { rougeL } from './rouge.js';
export {
  type ByImage,
  type CaptionScores,
  type ImageScores,
  type ScoreOptions,
  type Scores,
  scoreCaptions,
} from './score-captions.js';
export { stem } from './stem.js';
export { WordNet, type WordNetFiles } from './wordnet.js';
export { isExact, splitAtSpaces, type Words } from './words.js';
