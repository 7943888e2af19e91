import type { CaptionDataset, CaptionedImage } from '../data/captioned-images.js';
import { loadPixels } from '../data/photos.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
  preprocess,
} from '../data/preprocessing.js';
import type { Vocabulary } from '../data/vocabulary.js';
import { UsageError, ValueError } from '../errors.js';
import type { Features } from '../features/features.js';
import type { CaptionerConfig } from '../models/captioner-config.js';
import {
  type Encoder,
  encoderFingerprint,
  restoreEncoder,
  type SavedEncoder,
} from '../models/encoder.js';
import { locationsOf, type View, viewThrough } from '../models/grids.js';
import { elementCount } from '../tensor/shape.js';
import type { Checkpoint } from './checkpoint.js';
import type { ImageInputs } from './evaluate.js';
import {
  encodeCaptions,
  fingerprint,
  inputsFrom,
  inputsThrough,
  MOST_IN_MEMORY,
  pictureInputs,
  vocabularyOf,
} from './examples.js';
import type { TrainingData } from './lesson.js';
import type { Recipe } from './recipe.js';

/** How images reach a captioner: as an encoder's features, or as pixels that it sees itself. */
export interface Sight {
  readonly preprocessing: Preprocessing;
  readonly encoder: SavedEncoder | undefined;
  /** Shape of an image's input: (D), a grid (L, D) with channels last, or pixels (3, S, S). */
  readonly shape: readonly number[];
  /** The places of a grid, L = H W row by row; undefined for the others. */
  readonly locations: readonly [H: number, W: number] | undefined;
  /** The inputs of some images, loaded. */
  inputs(images: readonly CaptionedImage[]): Promise<ImageInputs>;
}

/** What of an encoder's features a captioner takes in. */
export interface SightOptions {
  /** Grids, for attention, instead of vectors (default false). */
  readonly grid?: boolean;
  /** Bytes of grids that may be kept in memory; more are read as they are needed. */
  readonly memory?: number;
}

/**
 * Photos through features that were extracted before, with the encoder that made them.
 * @throws ValueError when grids are asked for and there are none.
 */
export async function sightThroughFeatures(
  features: Features,
  encoder: Encoder,
  { grid = false, memory = MOST_IN_MEMORY }: SightOptions = {},
): Promise<Sight> {
  const { shape, locations } = viewThrough(encoder, { grid });
  const { pooled, grid: gridShape } = encoder.outputs;
  features.require(grid ? { grid: gridShape } : { D: pooled });
  return {
    preprocessing: encoder.preprocessing,
    encoder: encoder.save(),
    shape,
    locations,
    async inputs(images) {
      const ids = images.map(({ id }) => id);
      features.require({ ids });
      if (!grid) return inputsFrom(features.pooled(ids), shape);
      return inputsThrough(ids.length, shape, features.gridReader(ids).read, memory);
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
    locations: undefined,
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
 * @param vocabulary of a run that is resumed; otherwise the dataset's own, or made of the training captions.
 * @throws UsageError when the dataset has no train or no dev images.
 */
export async function prepareData(
  { name, splits, vocabulary: own }: CaptionDataset,
  sight: Sight,
  options: Pick<Recipe, 'minimumCount' | 'maxWords'> & { vocabulary?: Vocabulary },
): Promise<PreparedData> {
  for (const split of ['train', 'dev'] as const) {
    if (splits[split].length === 0) {
      throw new UsageError(`${name} has no ${split} images: training needs both train and dev`);
    }
  }
  const vocabulary = options.vocabulary ?? own ?? vocabularyOf(splits.train, options.minimumCount);
  const train = encodeCaptions(splits.train, vocabulary, options.maxWords);
  const devCaptions = encodeCaptions(splits.dev, vocabulary, options.maxWords);
  return {
    vocabulary,
    data: {
      vocabulary,
      train,
      inputs: await sight.inputs(splits.train),
      dev: {
        captions: devCaptions,
        inputs: await sight.inputs(splits.dev),
        references: splits.dev.map(({ captions }) => captions),
      },
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
  const view = viewOf(captioner.config, restored);
  const grid = view.locations !== undefined;
  if (features) {
    features.require({ sha256: await encoderFingerprint(encoder) });
    return sightThroughFeatures(features, restored, { grid });
  }
  return {
    preprocessing,
    encoder,
    shape: view.shape,
    locations: view.locations,
    async inputs(images) {
      const each = elementCount(view.shape);
      if (4 * each * images.length > MOST_IN_MEMORY) {
        throw new ValueError(
          `the features of ${images.length} photos, ${view.shape.join(' x ')} values each, are more than is kept in memory: ` +
            'write them to a file first (glimpse features --grid) and name it (--features)',
        );
      }
      const values = new Float32Array(images.length * each);
      for await (const { start, encoded } of encodeInBatches(images, restored, view)) {
        values.set(encoded, start * each);
      }
      return inputsFrom(values, view.shape);
    },
  };
}

/** What a model takes of its encoder. @throws ValueError when the encoder does not have that. */
function viewOf(config: CaptionerConfig, encoder: Encoder): View {
  const locations = locationsOf(config);
  const view = viewThrough(encoder, { grid: locations !== undefined });
  const needed = locations
    ? [locations[0] * locations[1], config.featureSize]
    : [config.featureSize];
  if (`${needed}` !== `${view.shape}` || `${locations}` !== `${view.locations}`) {
    throw new ValueError(
      `${encoder.name} makes features (${view.shape.join(', ')}), but the model takes (${needed.join(', ')})`,
    );
  }
  return view;
}

/** Encodes images some at a time, so that thousands of photos need not be in memory at once. */
async function* encodeInBatches(
  images: readonly CaptionedImage[],
  { preprocessing }: Encoder,
  view: View,
  size = 16,
) {
  const each = 3 * preprocessing.width * preprocessing.height;
  for (let start = 0; start < images.length; start += size) {
    const part = images.slice(start, start + size);
    const batch = new Float32Array(part.length * each);
    const pictures = await Promise.all(part.map(({ image }) => loadPixels(image, preprocessing)));
    for (const [index, pixels] of pictures.entries())
      preprocess(pixels, preprocessing, batch, index * each);
    yield { start, encoded: await view.encode(batch, part.length) };
  }
}
