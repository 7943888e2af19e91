import { vocabularyOf } from '@test/decoding/models.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { Captioner } from '@/models/captioner.js';
import type { CaptionerConfig } from '@/models/captioner-config.js';
import { type CnnConfig, cnnFeatureSize, cnnMapSize } from '@/models/cnn.js';
import { Random } from '@/random.js';
import type { CaptionerModel } from '@/tasks/captioner/kind.js';
import { randomNormal } from '@/tensor/create.js';

/** A model that sees pictures of `size` pixels a side itself, with random weights. */
export function modelOf(seed: number, size: number, ...words: string[]): CaptionerModel {
  const cnn = { size, filters: [4] };
  return checkpointOf(seed, { cnn, featureSize: cnnFeatureSize(cnn) }, words);
}

/** The same, but that it looks at the places of its own map for each word. */
export function attentionModelOf(seed: number, size: number): CaptionerModel {
  const cnn = { size, filters: [4] };
  const side = cnnMapSize(cnn);
  const attention = { kind: 'additive', locations: [side, side], valueSize: 6, size: 5 } as const;
  return checkpointOf(seed, { cnn, featureSize: 4, attention });
}

function checkpointOf(
  seed: number,
  sight: Pick<CaptionerConfig, 'featureSize' | 'attention'> & { cnn: CnnConfig },
  words: readonly string[] = [],
): CaptionerModel {
  const vocabulary = vocabularyOf(
    ...(words.length > 0 ? words : ['a', 'dog', 'runs', "'s", 'far']),
  );
  const random = new Random(seed);
  const sizes = { embeddingSize: 5, hiddenSize: 8, vocabularySize: vocabulary.size };
  const captioner = new Captioner({ cell: 'lstm', ...sight, ...sizes }, { random });
  const { W } = captioner.parameters.vocabulary;
  W?.assign(randomNormal(random, W.shape, 2).dataSync());
  const { size } = sight.cnn;
  const preprocessing = { ...PREPROCESSING.imagenet, width: size, height: size };
  return { captioner, vocabulary, preprocessing, encoder: undefined };
}
