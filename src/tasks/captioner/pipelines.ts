/** Input pipelines: how images become the numbers that a captioner takes in. */
import type { CaptionedImage } from '../../data/captions/captioned-images.js';
import { firstNotFinite, notFinite } from '../../data/formats/notes.js';
import type { Augmentation } from '../../data/pictures/augmentation.js';
import { loadPixels } from '../../data/pictures/photos.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
  preprocess,
} from '../../data/pictures/preprocessing.js';
import { scope } from '../../engine/engine.js';
import { UsageError, ValueError } from '../../errors.js';
import type { Features } from '../../features/features.js';
import type { CaptionerConfig } from '../../models/captioner-config.js';
import {
  type Encoder,
  encoderFingerprint,
  type SavedEncoder,
} from '../../models/encoders/encoder.js';
import { locationsOf, type View, viewThrough } from '../../models/encoders/grids.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { squeezenetGrid } from '../../models/encoders/squeezenet.js';
import { type EncoderTail, SqueezenetTail } from '../../models/encoders/squeezenet-tail.js';
import { copyInto } from '../../tensor/arithmetic.js';
import { elementCount } from '../../tensor/shape.js';
import { empty } from '../../tensor/tensor.js';
import {
  byteInputs,
  type ImageInputs,
  inputsFrom,
  inputsThrough,
  MOST_IN_MEMORY,
  pictureInputs,
} from './image-inputs.js';
import { type CaptionerModel, FEATURES_ONLY } from './kind.js';
import { PhotoLoader, type PhotoReader, unreadablePhotos } from './readable-images.js';

/** How images reach a captioner: as an encoder's features, or as pixels for its own cnn. */
export interface InputPipeline extends PhotoReader {
  /** How photos become input; undefined, as the encoder is, for features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  readonly encoder: SavedEncoder | undefined;
  /**
   * The end of the encoder, where that is trained along (`tuningPipeline`): inputs are then what goes
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

/** Which of an encoder's features a captioner takes. */
export interface FeaturePipelineOptions {
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
export async function featurePipeline(
  features: Features,
  encoder: Encoder | undefined,
  { grid = false, memory = MOST_IN_MEMORY }: FeaturePipelineOptions = {},
): Promise<InputPipeline> {
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

/** What a captioner takes of features as they are. @throws ValueError when there are no grids */
function viewOn(features: Features, grid: boolean): Pick<View, 'shape' | 'locations'> {
  if (!grid) return { shape: [features.D], locations: undefined };
  const [C, H, W] = features.requireGrids();
  return { shape: [H * W, C], locations: [H, W] };
}

/** Small pictures as they are: for a captioner with a cnn of its own. */
export function picturePipeline(
  size: number,
): InputPipeline & { readonly preprocessing: Preprocessing } {
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

/**
 * The pipeline of a trained model: pictures for its own cnn, its encoder (used now, or features that it
 * made before), or features only.
 * @throws ValueError when the features are another encoder's or do not fit the model; UsageError
 *   for features that it does not take, or none where it takes nothing else.
 */
export async function pipelineOf(
  { captioner, encoder, preprocessing }: CaptionerModel,
  features: Features | undefined,
): Promise<InputPipeline> {
  const { config } = captioner;
  if (config.cnn) {
    if (features) {
      throw new UsageError(
        `${features.path}: the model sees pictures itself and takes no features`,
      );
    }
    return picturePipeline(config.cnn.size);
  }
  if (!encoder) {
    if (!features) throw new UsageError(`${FEATURES_ONLY}: name them with --features <file>`);
    const pipeline = await featurePipeline(features, undefined, { grid: takesGrids(config) });
    checkView(config, pipeline, features.path);
    return pipeline;
  }
  const restored = await restoreEncoder(encoder);
  const grid = takesGrids(config);
  const view = viewThrough(restored, { grid });
  checkView(config, view, restored.name);
  if (features) {
    features.require({ sha256: await encoderFingerprint(encoder) });
    return featurePipeline(features, restored, { grid });
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

/**
 * Photos for a captioner that trains the end of its encoder along: what goes into that end. The bytes
 * of all photos stay in memory, and the part of the encoder before it runs anew for every batch.
 * @param from the module that the end begins with, such as `features.9`.
 * @throws UsageError when the encoder is no SqueezeNet, or has no such module.
 */
export function tuningPipeline(
  encoder: SavedEncoder,
  from: string,
  { grid = false } = {},
): InputPipeline & { readonly tail: SqueezenetTail } {
  const tail = new SqueezenetTail(encoder, from);
  const { preprocessing } = tail;
  const [C, H, W] = squeezenetGrid(preprocessing.height, preprocessing.width);
  const photos = new PhotoLoader(preprocessing);
  const inputs = async (
    images: readonly CaptionedImage[],
    augmentation?: Augmentation & { readonly seed: number },
  ) => {
    const pictures = await photos.load(images);
    return beforeTail(tail, byteInputs(pictures, preprocessing, augmentation));
  };
  return {
    preprocessing,
    encoder,
    tail,
    shape: grid ? [H * W, C] : [C],
    locations: grid ? [H, W] : undefined,
    unreadable: (images) => photos.unreadable(images),
    inputs: (images) => inputs(images),
    augmented: inputs,
  };
}

/** Pictures as inputs of the tail, encoded one at a time: that needs little memory and stays in the cache. */
function beforeTail(tail: SqueezenetTail, pictures: ImageInputs): ImageInputs {
  return {
    size: pictures.size,
    batch(images, epoch) {
      const out = empty('f32', [images.length, ...tail.inputShape]);
      for (let n = 0; n < images.length; n++) {
        using _picture = scope();
        const x = tail.before(pictures.batch([images[n] ?? 0], epoch));
        copyInto(out.at(n), x.view(...tail.inputShape));
      }
      return out;
    },
  };
}
