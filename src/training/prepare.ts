import type { CaptionDataset, CaptionedImage } from '../data/captioned-images.js';
import { loadPixels } from '../data/photos.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
  preprocess,
} from '../data/preprocessing.js';
import type { Vocabulary } from '../data/vocabulary.js';
import { UsageError } from '../errors.js';
import type { Features } from '../features/feature-file.js';
import {
  type Encoder,
  encoderFingerprint,
  restoreEncoder,
  type SavedEncoder,
} from '../models/encoder.js';
import type { Checkpoint } from './checkpoint.js';
import type { ImageInputs } from './evaluate.js';
import {
  encodeCaptions,
  fingerprint,
  inputsFrom,
  pictureInputs,
  vocabularyOf,
} from './examples.js';
import type { Recipe } from './recipe.js';
import type { TrainingData } from './trainer.js';

/** How images reach a captioner: as an encoder's features, or as pixels that it sees itself. */
export interface Sight {
  readonly preprocessing: Preprocessing;
  readonly encoder: SavedEncoder | undefined;
  /** Shape of an image's input: (D), or (3, S, S). */
  readonly shape: readonly number[];
  /** The inputs of some images, loaded. */
  inputs(images: readonly CaptionedImage[]): Promise<ImageInputs>;
}

/** Photos through features that were extracted before, with the encoder that made them. */
export async function sightThroughFeatures(features: Features, encoder: Encoder): Promise<Sight> {
  return {
    preprocessing: encoder.preprocessing,
    encoder: encoder.save(),
    shape: [features.D],
    async inputs(images) {
      const ids = images.map(({ id }) => id);
      features.require({ ids });
      return inputsFrom(features.pooled(ids), [features.D]);
    },
  };
}

/** Pictures as they are, small: for a captioner with a vision network of its own. */
export function sightOfPictures(size: number): Sight {
  const preprocessing = parsePreprocessing(
    { ...PREPROCESSING.imagenet, width: size, height: size },
    'picture size',
  );
  return {
    preprocessing,
    encoder: undefined,
    shape: [3, size, size],
    async inputs(images) {
      const pictures = [];
      for (const { image } of images) pictures.push(await loadPixels(image, preprocessing));
      return pictureInputs(pictures, preprocessing);
    },
  };
}

/** What a run learns from, ready for the trainer. */
export interface PreparedData {
  readonly vocabulary: Vocabulary;
  readonly data: TrainingData;
  readonly dataset: { readonly name: string; readonly fingerprint: string };
}

/**
 * Captions of train and dev as words, and the images' inputs.
 * @param vocabulary of a run that is resumed; otherwise it is made of the training captions.
 * @throws UsageError when the dataset has no train or no dev images.
 */
export async function prepareData(
  { name, splits }: CaptionDataset,
  sight: Sight,
  options: Pick<Recipe, 'minimumCount' | 'maxWords'> & { vocabulary?: Vocabulary },
): Promise<PreparedData> {
  for (const split of ['train', 'dev'] as const) {
    if (splits[split].length === 0) {
      throw new UsageError(`${name} has no ${split} images: training needs both train and dev`);
    }
  }
  const vocabulary = options.vocabulary ?? vocabularyOf(splits.train, options.minimumCount);
  const train = encodeCaptions(splits.train, vocabulary, options.maxWords);
  const devCaptions = encodeCaptions(splits.dev, vocabulary, options.maxWords);
  return {
    vocabulary,
    data: {
      train,
      inputs: await sight.inputs(splits.train),
      dev: { captions: devCaptions, inputs: await sight.inputs(splits.dev) },
    },
    dataset: { name, fingerprint: fingerprint(train) },
  };
}

/**
 * How a trained model sees: through its own encoder (encoding the images now, or with features
 * that this encoder made before), or by itself.
 * @throws ValueError when the features are another encoder's or do not fit the model.
 */
export async function sightOf(
  { captioner, encoder, preprocessing }: Checkpoint,
  features: Features | undefined,
): Promise<Sight> {
  if (!encoder) {
    if (features) {
      throw new UsageError(
        `${features.path}: the model sees pictures itself and takes no features`,
      );
    }
    return sightOfPictures(preprocessing.width);
  }
  const restored = await restoreEncoder(encoder);
  if (features) {
    features.require({
      D: captioner.config.featureSize,
      sha256: await encoderFingerprint(encoder),
    });
    return sightThroughFeatures(features, restored);
  }
  return {
    preprocessing,
    encoder,
    shape: [captioner.config.featureSize],
    async inputs(images) {
      const vectors = new Float32Array(images.length * captioner.config.featureSize);
      for await (const { start, pooled } of encodeInBatches(images, restored)) {
        vectors.set(pooled, start * captioner.config.featureSize);
      }
      return inputsFrom(vectors, [captioner.config.featureSize]);
    },
  };
}

/** Encodes images some at a time, so that thousands of photos need not be in memory at once. */
async function* encodeInBatches(images: readonly CaptionedImage[], encoder: Encoder, size = 16) {
  const { preprocessing } = encoder;
  const each = 3 * preprocessing.width * preprocessing.height;
  for (let start = 0; start < images.length; start += size) {
    const part = images.slice(start, start + size);
    const batch = new Float32Array(part.length * each);
    const pictures = await Promise.all(part.map(({ image }) => loadPixels(image, preprocessing)));
    for (const [index, pixels] of pictures.entries())
      preprocess(pixels, preprocessing, batch, index * each);
    yield { start, pooled: (await encoder.encode(batch, part.length)).pooled };
  }
}
