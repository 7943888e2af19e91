/** Scores of a captioner, or of several as an ensemble, on images with true captions. */
import type { TensorTree } from '../../autograd/tree.js';
import type { EncodedCaption } from '../../data/captions/batches.js';
import type { Captioned } from '../../data/captions/captioned-images.js';
import { batchOf, type Source } from '../../data/source.js';
import { decodeAll, rescore } from '../../decoding/decode.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import type { DecodingOptions } from '../../decoding/options.js';
import type { WordModel } from '../../decoding/word-model.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import {
  type CaptionScores,
  type ScoreOptions,
  scoreCaptions,
} from '../../metrics/score-captions.js';
import { isExact } from '../../metrics/words.js';
import type { Tensor } from '../../tensor/tensor.js';
import { jointModel, type Speaker } from './found.js';
import { evaluateLoss, type LossReport } from './measures.js';
import { encodeCaptions } from './words.js';

/** A model and the images, or clips, that it is measured on, as it takes them in. */
export interface Examinee<I = Tensor, M extends Speaker<I> = Speaker<I>> {
  readonly model: M;
  readonly inputs: Source<I>;
}

/** How good models are on images, and the captions that they decode. */
export interface Evaluation {
  /** How well the words of the true captions are predicted. */
  readonly loss: LossReport;
  /** Captions against the true ones; `perImage` is in the order of the images. */
  readonly scores: CaptionScores;
  /** Share of captions that are, word for word, a true one. */
  readonly exactMatch: number;
  /** For each image what the decoder found, best first. */
  readonly found: readonly (readonly Hypothesis[])[];
}

/** How models are measured: the options of decoding, and those of scoring. */
export interface EvaluationOptions extends DecodingOptions {
  /** Images that go through the models together (default 100). */
  readonly batchSize?: number;
  readonly scoring?: Omit<ScoreOptions, 'subset'>;
}

/**
 * Measures a model, or several together as an `ensemble`, on images: the loss of the true
 * captions, and the scores of the captions that they decode.
 *
 * @throws ValueError when there are no images, or the models' vocabularies or numbers of images
 *   differ; UsageError for options of decoding that are wrong.
 */
export async function evaluateModels<I = Tensor>(
  examinees: readonly Examinee<I>[],
  images: readonly Captioned[],
  { batchSize = 100, scoring = {}, ...decoding }: EvaluationOptions = {},
): Promise<Evaluation> {
  for (const { inputs } of examinees) {
    if (inputs.size === images.length) continue;
    throw new ValueError(`there are ${images.length} images but inputs of ${inputs.size}`);
  }
  const joint = jointModel(examinees.map(({ model }) => model));
  const inputsOf = (some: readonly number[]) =>
    Promise.all(examinees.map(({ inputs }) => batchOf(inputs, some)));
  const truths = encodeCaptions(images, joint.vocabulary, Number.POSITIVE_INFINITY);
  const [first, second] = examinees;
  const loss =
    first && !second
      ? await evaluateLoss(first.model.captioner, first.inputs, truths)
      : await jointLoss(joint, inputsOf, truths, batchSize);
  const found = await decodeAll(joint, images.length, inputsOf, { ...decoding, batchSize });
  const captions = found.map(([best]) => joint.vocabulary.decode(best?.words ?? []));
  const exact = images.filter((image, index) => isExact(captions[index] ?? '', image.captions));
  return {
    loss,
    scores: scoreCaptions(
      new Map(images.map(({ id }, index) => [id, captions[index] ?? ''])),
      new Map(images.map(({ id, captions }) => [id, captions])),
      scoring,
    ),
    exactMatch: exact.length / images.length,
    found,
  };
}

/** What `evaluateLoss` is for one captioner, for several together: word for word, by rescoring. */
async function jointLoss<S extends TensorTree, I>(
  joint: WordModel<S, I>,
  inputsOf: (images: readonly number[]) => Promise<I>,
  captions: readonly EncodedCaption[],
  batchSize: number,
): Promise<LossReport> {
  let [sum, words] = [0, 0];
  for (let start = 0; start < captions.length; start += batchSize) {
    using _batch = scope();
    const some = captions.slice(start, start + batchSize);
    const given = some.map(({ words }) => ({ words: [...words.slice(1, -1)], finished: true }));
    const inputs = await inputsOf(some.map(({ imageIndex }) => imageIndex));
    for (const { logProbability, wordLogProbabilities } of await rescore(joint, inputs, given)) {
      sum -= logProbability;
      words += wordLogProbabilities.length;
    }
  }
  return { lossPerWord: sum / words, perplexity: Math.exp(sum / words), words };
}
