/** How well captions agree with what people wrote. */
export { type BleuReport, corpusBleu } from './bleu.js';
