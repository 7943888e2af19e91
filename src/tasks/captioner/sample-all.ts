import type { Vocabulary } from '../../data/text/vocabulary.js';
import { decodeAll } from '../../decoding/decode.js';
import type { DecodingOptions } from '../../decoding/options.js';
import { captionerModel } from '../../decoding/word-model.js';
import type { Captioner } from '../../models/captioner.js';
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
  options: DecodingOptions & { batchSize?: number } = {},
): Promise<string[]> {
  const model = captionerModel(captioner, vocabulary);
  const found = await decodeAll(model, inputs.size, (images) => inputs.batch(images), options);
  return found.map(([best]) => vocabulary.decode(best?.words ?? []));
}
