import { tokenize } from '../data/vocabulary.js';

/** Whether a caption is, word for word as models see words, one of those that people gave. */
export function isExact(caption: string, references: readonly string[]): boolean {
  const words = tokenize(caption).join(' ');
  return references.some((truth) => tokenize(truth).join(' ') === words);
}
