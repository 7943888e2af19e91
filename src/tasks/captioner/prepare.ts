import type { CaptionDataset, CaptionedImage } from '../../data/captions/captioned-images.js';
import { firstNotFinite, notFinite } from '../../data/formats/notes.js';
import type { Augmentation } from '../../data/pictures/augmentation.js';
import { loadPixels } from '../../data/pictures/photos.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
  preprocess,
} from '../../data/pictures/preprocessing.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError, ValueError } from '../../errors.js';
import type { SkippedPhoto } from '../../features/feature-file.js';
import type { Features } from '../../features/features.js';
import { CIDER_OF_ONE } from '../../metrics/cider.js';
import type { CaptionerConfig } from '../../models/captioner-config.js';
import {
  type Encoder,
  encoderFingerprint,
  type SavedEncoder,
} from '../../models/encoders/encoder.js';
import { locationsOf, type View, viewThrough } from '../../models/encoders/grids.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import type { EncoderTail } from '../../models/encoders/squeezenet-tail.js';
import { elementCount } from '../../tensor/shape.js';
import type { ImageInputs } from './evaluate.js';
import {
  byteInputs,
  encodeCaptions,
  fingerprint,
  inputsFrom,
  inputsThrough,
  MOST_IN_MEMORY,
  pictureInputs,
} from './examples.js';
import { type CaptionerModel, FEATURES_ONLY } from './kind.js';
import type { CaptionData } from './objective.js';
import {
  PhotoLoader,
  type PhotoReader,
  readableSplits,
  unreadablePhotos,
} from './readable-images.js';
import type { CaptionerRecipe } from './recipe.js';
import { requireTrainAndDev, trainingWords } from './words.js';

/** How images reach a captioner: as an encoder's features, or as pixels that it sees itself. */
export interface Sight extends PhotoReader {
  /** What photos go through; undefined, as the encoder is, for features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  readonly encoder: SavedEncoder | undefined;
  /**
   * The end of the encoder, where that is trained along (`sightForTuning`): inputs are then what goes
   * into this end, and `shape` is that of the features that come out.
   */
  readonly tail?: EncoderTail;
  /** Shape of an image's input: (D), a grid (L, D) with channels last, or pixels (3, S, S). */
  readonly shape: readonly number[];
  /** The places of a grid, L = H W row by row; undefined for the others. */
  readonly locations: readonly [H: number, W: number] | undefined;
  /** The inputs of some images, loaded. */
  inputs(images: readonly CaptionedImage[]): Promise<ImageInputs>;
  /** The same, changed a little in every epoch; only where pixels are what is learned from. */
  augmented?(
    images: readonly CaptionedImage[],
    augmentation: Augmentation & { readonly seed: number },
  ): Promise<ImageInputs>;
}

/** What of an encoder's features a captioner takes in. */
export interface SightOptions {
  /** Grids, for attention, instead of vectors (default false). */
  readonly grid?: boolean;
  /** Bytes of grids that may be kept in memory; more are read as they are needed. */
  readonly memory?: number;
}

/**
 * Photos through features that were extracted before.
 * @param encoder that made them; undefined where it is not known.
 * @throws ValueError when grids are asked for and there are none.
 */
export async function sightThroughFeatures(
  features: Features,
  encoder: Encoder | undefined,
  { grid = false, memory = MOST_IN_MEMORY }: SightOptions = {},
): Promise<Sight> {
  const { shape, locations } = encoder ? viewThrough(encoder, { grid }) : viewOn(features, grid);
  if (encoder) {
    const { pooled, grid: gridShape } = encoder.outputs;
    features.require(grid ? { grid: gridShape } : { D: pooled });
  }
  return {
    preprocessing: encoder?.preprocessing,
    encoder: encoder?.save(),
    shape,
    locations,
    leftOut: features.skipped,
    async inputs(images) {
      const ids = images.map(({ id }) => id);
      features.require({ ids });
      if (!grid) return inputsFrom(features.pooled(ids), shape);
      return inputsThrough(ids.length, shape, features.gridReader(ids).read, memory);
    },
  };
}

/** What a captioner takes in of features as they are. @throws ValueError when there are no grids */
function viewOn(features: Features, grid: boolean): Pick<View, 'shape' | 'locations'> {
  if (!grid) return { shape: [features.D], locations: undefined };
  const [C, H, W] = features.requireGrids();
  return { shape: [H * W, C], locations: [H, W] };
}

/** Pictures as they are, small: for a captioner with a vision network of its own. */
export function sightOfPictures(size: number): Sight & { readonly preprocessing: Preprocessing } {
  const preprocessing = parsePreprocessing(
    { ...PREPROCESSING.imagenet, width: size, height: size },
    'picture size',
  );
  const photos = new PhotoLoader(preprocessing);
  return {
    preprocessing,
    encoder: undefined,
    shape: [3, size, size],
    locations: undefined,
    unreadable: (images) => photos.unreadable(images),
    inputs: async (images) => pictureInputs(await photos.load(images), preprocessing),
    augmented: async (images, augmentation) =>
      byteInputs(await photos.load(images), preprocessing, augmentation),
  };
}

/** What a run learns from, ready for the trainer. */
export interface PreparedData {
  readonly vocabulary: Vocabulary;
  readonly data: CaptionData;
  readonly dataset: { readonly name: string; readonly fingerprint: string };
  /** Photos of train and dev that are left out, since they cannot be read. */
  readonly leftOut: readonly SkippedPhoto[];
}

/**
 * Refuses what asks for CIDEr of one image, which is always 0: it tells no epoch and no caption apart.
 * @throws UsageError naming the flag, and what to do.
 */
export function refuseCiderOfOne(
  { name, splits: { train, dev } }: CaptionDataset,
  { select, selfCritical }: Pick<CaptionerRecipe, 'select' | 'selfCritical'>,
): void {
  if (select === 'cider' && dev.length === 1) {
    throw new UsageError(
      `--select cider, but ${name} has one dev image. ${CIDER_OF_ONE}. Give it more dev images, or --select loss`,
    );
  }
  if (selfCritical && train.length === 1) {
    throw new UsageError(
      `--self-critical, but ${name} has one train image. ${CIDER_OF_ONE}, and CIDEr-D is the reward. Give it more train images`,
    );
  }
}

/**
 * Captions of train and dev as words, and the images' inputs.
 * @param vocabulary of a run that is resumed, or of `trainingWords`, which also has notes on it for people;
 *   otherwise the dataset's own, or made of the training captions.
 * @param options.skipBad leave out photos that cannot be decoded; those that features say were left out
 *   always are.
 * @throws UsageError when the dataset has no train or no dev images, when none of its words are known,
 *   when pictures are to be changed that the captioner does not see itself, or as `refuseCiderOfOne`;
 *   FormatError when more than a third of the photos cannot be read, or all of a split.
 */
export async function prepareData(
  dataset: CaptionDataset,
  sight: Sight,
  options: CaptionerRecipe & { vocabulary?: Vocabulary; skipBad?: boolean | undefined },
): Promise<PreparedData> {
  requireTrainAndDev(dataset);
  const { splits, leftOut } = await readableSplits(dataset, sight, options);
  const { name } = dataset;
  refuseCiderOfOne({ ...dataset, splits }, options);
  const vocabulary =
    options.vocabulary ?? trainingWords({ ...dataset, splits }, options).vocabulary;
  const train = encodeCaptions(splits.train, vocabulary, options.maxWords);
  const devCaptions = encodeCaptions(splits.dev, vocabulary, options.maxWords);
  return {
    vocabulary,
    data: {
      vocabulary,
      train,
      inputs: await trainingInputs(splits.train, sight, options),
      ids: splits.train.map(({ id }) => id),
      dev: {
        captions: devCaptions,
        inputs: await sight.inputs(splits.dev),
        ids: splits.dev.map(({ id }) => id),
        references: splits.dev.map(({ captions }) => captions),
      },
    },
    dataset: { name, fingerprint: fingerprint(train) },
    leftOut,
  };
}

/** Only what is learned from is augmented, never what is measured on. */
function trainingInputs(
  images: readonly CaptionedImage[],
  sight: Sight,
  { augment, augmentShift, augmentColours, augmentFlip, seed }: CaptionerRecipe,
): Promise<ImageInputs> {
  if (!augment) return sight.inputs(images);
  if (!sight.augmented) {
    throw new UsageError(
      'augmentation changes pictures in every epoch, but this model learns from features, which are made once: leave it out',
    );
  }
  const options = { shift: augmentShift, colours: augmentColours, flip: augmentFlip, seed };
  return sight.augmented(images, options);
}

/**
 * How a trained model sees: through its own encoder (encoding the images now, or with features
 * that this encoder made before), by itself, or by features only.
 * @throws ValueError when the features are another encoder's or do not fit the model; UsageError
 *   for features that it does not take, or none where it takes nothing else.
 */
export async function sightOf(
  { captioner, encoder, preprocessing }: CaptionerModel,
  features: Features | undefined,
): Promise<Sight> {
  const { config } = captioner;
  if (config.vision) {
    if (features) {
      throw new UsageError(
        `${features.path}: the model sees pictures itself and takes no features`,
      );
    }
    return sightOfPictures(config.vision.size);
  }
  if (!encoder) {
    if (!features) throw new UsageError(`${FEATURES_ONLY}: name them with --features <file>`);
    const sight = await sightThroughFeatures(features, undefined, { grid: takesGrids(config) });
    checkView(config, sight, features.path);
    return sight;
  }
  const restored = await restoreEncoder(encoder);
  const grid = takesGrids(config);
  const view = viewThrough(restored, { grid });
  checkView(config, view, restored.name);
  if (features) {
    features.require({ sha256: await encoderFingerprint(encoder) });
    return sightThroughFeatures(features, restored, { grid });
  }
  return {
    preprocessing,
    encoder,
    shape: view.shape,
    locations: view.locations,
    unreadable: (images) => unreadablePhotos(images, restored.preprocessing),
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

/**
 * A model of features with the encoder that made them: from then on it takes photos.
 * @throws ValueError when the encoder's features do not fit the model.
 */
export function withEncoder(model: CaptionerModel, encoder: Encoder): CaptionerModel {
  const { config } = model.captioner;
  checkView(config, viewThrough(encoder, { grid: takesGrids(config) }), encoder.name);
  return { ...model, encoder: encoder.save(), preprocessing: encoder.preprocessing };
}

function takesGrids(config: CaptionerConfig): boolean {
  return locationsOf(config) !== undefined;
}

/** @throws ValueError when a model takes something else than `source` has. */
function checkView(
  config: CaptionerConfig,
  view: Pick<View, 'shape' | 'locations'>,
  source: string,
): void {
  const locations = locationsOf(config);
  const needed = locations
    ? [locations[0] * locations[1], config.featureSize]
    : [config.featureSize];
  if (`${needed}` !== `${view.shape}` || `${locations}` !== `${view.locations}`) {
    throw new ValueError(
      `${source} has features (${view.shape.join(', ')}), but the model takes (${needed.join(', ')})`,
    );
  }
}

/** Encodes images some at a time, so that thousands of photos need not be in memory at once. */
async function* encodeInBatches(
  images: readonly CaptionedImage[],
  { name, preprocessing }: Encoder,
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
    const encoded = await view.encode(batch, part.length);
    const bad = firstNotFinite(encoded, elementCount(view.shape));
    if (bad)
      throw new ValueError(`${name}: the features of ${part[bad.row]?.id} ${notFinite(bad)}`);
    yield { start, encoded };
  }
}
