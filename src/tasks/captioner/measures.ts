/** What a captioner is measured by: the loss of true captions, captions of its own, and their scores. */
import {
  type CaptionBatch,
  CaptionBatches,
  type EncodedCaption,
} from '../../data/captions/batches.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { decodeAll } from '../../decoding/decode.js';
import type { DecodingOptions } from '../../decoding/options.js';
import { captionerModel } from '../../decoding/word-model.js';
import { scope } from '../../engine/engine.js';
import { corpusBleu } from '../../metrics/bleu.js';
import { CiderScorer } from '../../metrics/cider.js';
import { ptbTokenize } from '../../metrics/ptb-tokenizer.js';
import { splitAtSpaces, type Words } from '../../metrics/words.js';
import { Captioner } from '../../models/captioner.js';
import { tensor } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type ImageInputs, inputsThrough, MOST_IN_MEMORY } from './image-inputs.js';

/** How well a captioner predicts the words of true captions. */
export interface LossReport {
  /** Mean negative log-probability (nats) of a word, `<END>` included. */
  lossPerWord: number;
  /** exp(lossPerWord). */
  perplexity: number;
  words: number;
}

/** Loss of a captioner on captions, without dropout and without changing anything. */
export function evaluateLoss(
  captioner: Captioner,
  inputs: ImageInputs,
  captions: readonly EncodedCaption[],
  { batchSize = 128 } = {},
): LossReport {
  const batches = new CaptionBatches(captions, { batchSize, lengths: 'equal', seed: 0 });
  let sum = 0;
  let words = 0;
  for (const batch of batches.batches(0)) {
    using _step = scope();
    const loss = captioner.forward(
      captioner.parameters,
      inputs.batch(batch.imageIndices),
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
export async function sampleAll(
  captioner: Captioner,
  vocabulary: Vocabulary,
  inputs: ImageInputs,
  options: DecodingOptions & { batchSize?: number } = {},
): Promise<string[]> {
  const model = captionerModel(captioner, vocabulary);
  const found = await decodeAll(model, inputs.size, (images) => inputs.batch(images), options);
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

/**
 * A captioner as its model file will hold it, with features of its encoder as that is now: each image
 * goes through the tail once, however many captions are measured. Without a tail, both as they are.
 */
export function encodedOnce(
  captioner: Captioner,
  inputs: ImageInputs,
  { memory = MOST_IN_MEMORY } = {},
): { readonly captioner: Captioner; readonly inputs: ImageInputs } {
  const { tail, config, parameters } = captioner;
  if (!tail) return { captioner, inputs };
  const { attention, featureSize } = config;
  const [H = 1, W = 1] = attention?.locations ?? [];
  const shape = attention ? [H * W, featureSize] : [featureSize];
  const each = elementCount(shape);
  const features = inputsThrough(
    inputs.size,
    shape,
    (image, out, offset) => {
      using _image = scope();
      const encoded = captioner.features(inputs.batch([image])).dataSync();
      for (let i = 0; i < each; i++) out[offset + i] = encoded[i] ?? Number.NaN;
    },
    memory,
  );
  return { captioner: new Captioner(config, { parameters }), inputs: features };
}
