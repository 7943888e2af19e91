import { PREPROCESSING } from '../../src/data/preprocessing.js';
import { Captioner } from '../../src/models/captioner.js';
import { visionFeatureSize } from '../../src/models/vision.js';
import { Random } from '../../src/random.js';
import { randomNormal } from '../../src/tensor/create.js';
import type { Checkpoint } from '../../src/training/checkpoint.js';
import { vocabularyOf } from '../decoding/models.js';

/** A model that sees pictures of `size` pixels a side itself, with random weights. */
export function modelOf(seed: number, size: number, ...words: string[]): Checkpoint {
  const vocabulary = vocabularyOf(
    ...(words.length > 0 ? words : ['a', 'dog', 'runs', "'s", 'far']),
  );
  const vision = { size, filters: [4] };
  const random = new Random(seed);
  const captioner = new Captioner(
    {
      cell: 'lstm',
      vision,
      featureSize: visionFeatureSize(vision),
      embeddingSize: 5,
      hiddenSize: 8,
      vocabularySize: vocabulary.size,
    },
    { random },
  );
  const { W } = captioner.parameters.vocabulary;
  W.assign(randomNormal(random, W.shape, 2).dataSync());
  const preprocessing = { ...PREPROCESSING.imagenet, width: size, height: size };
  return { captioner, vocabulary, preprocessing, encoder: undefined, training: undefined };
}
