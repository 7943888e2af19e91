import { corpusBleu } from '../../metrics/bleu.js';
import { CiderScorer } from '../../metrics/cider.js';
import { ptbTokenize } from '../../metrics/ptb-tokenizer.js';
import { splitAtSpaces, type Words } from '../../metrics/words.js';

/**
 * Scores captions of the same images again and again, epoch after epoch: the references are
 * tokenised and weighed once. The scores are those of `scoreCaptions`.
 */
export class DevScorer {
  readonly #references: readonly (readonly Words[])[];
  readonly #cider: CiderScorer;

  /** @param references for each image what people wrote. @throws ValueError when one has none. */
  constructor(references: readonly (readonly string[])[]) {
    this.#references = references.map((captions) => captions.map(words));
    this.#cider = new CiderScorer(this.#references);
  }

  /** Scores one caption for each image. */
  score(captions: readonly string[]): { cider: number; bleu4: number } {
    const candidates = captions.map(words);
    const cider = this.#cider.scores(candidates);
    return {
      cider: cider.reduce((sum, score) => sum + score, 0) / cider.length,
      bleu4: corpusBleu(candidates, this.#references).bleu[3],
    };
  }
}

function words(caption: string): Words {
  return splitAtSpaces(ptbTokenize(caption));
}
