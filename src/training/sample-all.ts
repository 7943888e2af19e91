import type { Vocabulary } from '../data/vocabulary.js';
import { decode } from '../decoding/decode.js';
import { type DecodingOptions, parseDecoding } from '../decoding/options.js';
import { captionerModel } from '../decoding/word-model.js';
import { scope } from '../engine/engine.js';
import type { Captioner } from '../models/captioner.js';
import { Random } from '../random.js';
import type { ImageInputs } from './evaluate.js';

/**
 * A caption for every image, in order: greedy, unless the options say otherwise.
 * @param options.batchSize images decoded together (default 100).
 * @throws UsageError for options of decoding that are wrong or do not go together.
 */
export async function sampleAll(
  captioner: Captioner,
  vocabulary: Vocabulary,
  inputs: ImageInputs,
  { batchSize = 100, ...options }: DecodingOptions & { batchSize?: number } = {},
): Promise<string[]> {
  const model = captionerModel(captioner, vocabulary);
  const random = new Random(parseDecoding(options).seed);
  const captions: string[] = [];
  for (let start = 0; start < inputs.size; start += batchSize) {
    using _batch = scope();
    const count = Math.min(batchSize, inputs.size - start);
    const images = Array.from({ length: count }, (_, index) => start + index);
    for (const [best] of await decode(model, inputs.batch(images), options, random)) {
      captions.push(vocabulary.decode(best?.words ?? []));
    }
  }
  return captions;
}
