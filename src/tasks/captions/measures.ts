/** What a captioner is measured by: the loss of true captions, captions of its own, and their scores. */
import {
  type CaptionBatch,
  CaptionBatches,
  type EncodedCaption,
} from '../../data/captions/batches.js';
import { batchOf, type Source } from '../../data/source.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { decodeAll } from '../../decoding/decode.js';
import type { DecodingOptions } from '../../decoding/options.js';
import { captionerModel } from '../../decoding/word-model.js';
import { scope } from '../../engine/engine.js';
import { corpusBleu } from '../../metrics/bleu.js';
import { CiderScorer } from '../../metrics/cider.js';
import { ptbTokenize } from '../../metrics/ptb-tokenizer.js';
import { splitAtSpaces, type Words } from '../../metrics/words.js';
import type { CaptionModel } from '../../models/caption-model.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Measures } from '../../training/task.js';

/** How well a captioner predicts the words of true captions. */
export interface LossReport {
  /** Mean negative log-probability (nats) of a word, `<END>` included. */
  lossPerWord: number;
  /** exp(lossPerWord). */
  perplexity: number;
  words: number;
}

/** Loss of a captioner on captions, without dropout and without changing anything. */
export async function evaluateLoss<I>(
  captioner: CaptionModel<I>,
  inputs: Source<I>,
  captions: readonly EncodedCaption[],
  { batchSize = 128 } = {},
): Promise<LossReport> {
  const batches = new CaptionBatches(captions, { batchSize, lengths: 'equal', seed: 0 });
  let sum = 0;
  let words = 0;
  for (const batch of batches.batches(0)) {
    using _step = scope();
    const loss = captioner.forward(
      captioner.parameters,
      await batchOf(inputs, batch.imageIndices),
      captionTensor(batch),
    );
    sum += loss.item() * batch.N;
    words += targetWords(batch);
  }
  const lossPerWord = sum / words;
  return { lossPerWord, perplexity: Math.exp(lossPerWord), words };
}

/** The captions of a batch as an (N, T) tensor. */
export function captionTensor({ captions, N, T }: CaptionBatch): Tensor {
  return tensor(captions, { shape: [N, T], dtype: 'i32' });
}

/** Words of a batch that count in the loss: all but `<START>` and padding. */
export function targetWords({ captions, N }: CaptionBatch): number {
  let words = 0;
  for (const word of captions) if (word !== 0) words++;
  return words - N;
}

/**
 * A caption for every image, in order: greedy, unless the options say otherwise.
 * @param options.batchSize images decoded together (default 100).
 * @throws UsageError for options of decoding that are wrong or do not go together.
 */
export async function sampleAll<I>(
  captioner: CaptionModel<I>,
  vocabulary: Vocabulary,
  inputs: Source<I>,
  options: DecodingOptions & { batchSize?: number } = {},
): Promise<string[]> {
  const model = captionerModel(captioner, vocabulary);
  const found = await decodeAll(model, inputs.size, (images) => batchOf(inputs, images), options);
  return found.map(([best]) => vocabulary.decode(best?.words ?? []));
}

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

/** Measures for people: `1.2300 (perplexity 3.42)  CIDEr 1.2000  BLEU-4 0.3000`, or of self-critical training the reward. */
export function describeMeasures({ loss = Number.NaN, reward, cider, bleu4 }: Measures): string {
  if (reward !== undefined) return `reward ${reward.toFixed(4)}`;
  const scores =
    cider === undefined || bleu4 === undefined
      ? ''
      : `  CIDEr ${cider.toFixed(4)}  BLEU-4 ${bleu4.toFixed(4)}`;
  return `${loss.toFixed(4)} (perplexity ${Math.exp(loss).toFixed(2)})${scores}`;
}
