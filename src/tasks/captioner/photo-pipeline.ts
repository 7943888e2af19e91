/** From photos to the inputs of captioners, in Node and in a browser. */
import { firstNotFinite, notFinite } from '../../data/formats/notes.js';
import type { ImageSource, Pixels } from '../../data/pictures/pixels.js';
import { type Preprocessing, preprocess } from '../../data/pictures/preprocessing.js';
import { UsageError, ValueError } from '../../errors.js';
import { encoderFingerprint } from '../../models/encoders/encoder.js';
import { locationsOf, type View, viewThrough } from '../../models/encoders/grids.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type CaptionerModel, FEATURES_ONLY } from './kind.js';

/** Loads a picture in the size that a model takes: `loadPixels` in Node, a canvas in a page. */
export type PictureLoader = (source: ImageSource, preprocessing: Preprocessing) => Promise<Pixels>;

/**
 * From pictures to a captioner's inputs: pixels of one size, or what one encoder makes of them, a vector
 * or a grid for attention. Models of an ensemble with the same inputs share a pipeline, so that each
 * picture is loaded and encoded once.
 */
export class PhotoPipeline {
  readonly preprocessing: Preprocessing;
  readonly #encoder: View | undefined;

  private constructor(preprocessing: Preprocessing, encoder: View | undefined) {
    this.preprocessing = preprocessing;
    this.#encoder = encoder;
  }

  /**
   * The pipelines of models, in their order: the same object for models with the same inputs.
   * @throws UsageError for a model that takes no photos.
   */
  static async ofEach(models: readonly CaptionerModel[]): Promise<PhotoPipeline[]> {
    const known = new Map<string, PhotoPipeline>();
    // A page that is not served securely cannot compute fingerprints, nor needs one for one model.
    const several = models.length > 1;
    const pipelines: PhotoPipeline[] = [];
    for (const { preprocessing, encoder, captioner } of models) {
      if (!preprocessing || !(encoder || captioner.config.cnn)) {
        throw new UsageError(
          `${FEATURES_ONLY}: to get one that takes photos, train with --features and --encoder <file>, with --encoder alone, or on from this one (--from) with --encoder`,
        );
      }
      const size = JSON.stringify(preprocessing);
      const grid = locationsOf(captioner.config) !== undefined;
      const key = encoder && several ? `${await encoderFingerprint(encoder)} ${grid}` : size;
      const pipeline =
        known.get(key) ??
        new PhotoPipeline(
          preprocessing,
          encoder && viewThrough(await restoreEncoder(encoder), { grid }),
        );
      known.set(key, pipeline);
      pipelines.push(pipeline);
    }
    return pipelines;
  }

  /** The numbers of pictures of the right size, which `inputs` makes a tensor of. */
  async values(pictures: readonly Pixels[]): Promise<Float32Array> {
    const each = 3 * this.preprocessing.width * this.preprocessing.height;
    const values = new Float32Array(pictures.length * each);
    for (const [index, pixels] of pictures.entries()) {
      preprocess(pixels, this.preprocessing, values, index * each);
    }
    if (!this.#encoder) return values;
    const features = await this.#encoder.encode(values, pictures.length);
    const bad = firstNotFinite(features, features.length / pictures.length);
    if (!bad) return features;
    throw new ValueError(`the features that the model's encoder makes ${notFinite(bad)}`);
  }

  /** What `values` returned for N pictures, as captioners take it. */
  inputs(values: Float32Array, N: number): Tensor {
    const { width, height } = this.preprocessing;
    return tensor(values, { shape: [N, ...(this.#encoder?.shape ?? [3, height, width])] });
  }
}
