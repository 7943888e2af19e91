import { UNKNOWN_INDEX, type Vocabulary } from '../data/vocabulary.js';
import { scope } from '../engine/engine.js';
import type { Captioner } from '../models/captioner.js';
import type { ImageInputs } from './evaluate.js';

/** A greedy caption for every image, in order; `<UNK>` is never said. */
export async function sampleAll(
  captioner: Captioner,
  vocabulary: Vocabulary,
  inputs: ImageInputs,
  { maxLength = 30, batchSize = 100 } = {},
): Promise<string[]> {
  const captions: string[] = [];
  for (let start = 0; start < inputs.size; start += batchSize) {
    using _batch = scope();
    const images = Array.from(
      { length: Math.min(batchSize, inputs.size - start) },
      (_, index) => start + index,
    );
    const sampled = await captioner.sample(inputs.batch(images), {
      maxLength,
      avoid: [UNKNOWN_INDEX],
    });
    for (const words of sampled) captions.push(vocabulary.decode(words));
  }
  return captions;
}
