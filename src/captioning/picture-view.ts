import type { ImageSource, Pixels } from '../data/captioned-images.js';
import { type Preprocessing, preprocess } from '../data/preprocessing.js';
import { type Encoder, encoderFingerprint, restoreEncoder } from '../models/encoder.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Checkpoint } from '../training/checkpoint.js';

/** How pictures get to the size that a model sees: `loadPixels` in Node, a canvas in a page. */
export type PictureLoader = (source: ImageSource, preprocessing: Preprocessing) => Promise<Pixels>;

/**
 * How models see pictures: in one size, and through one encoder or with their own eyes. Models of an
 * ensemble that see alike share a view, so that each picture is loaded and encoded once.
 */
export class PictureView {
  readonly preprocessing: Preprocessing;
  readonly #encoder: Encoder | undefined;

  private constructor(preprocessing: Preprocessing, encoder: Encoder | undefined) {
    this.preprocessing = preprocessing;
    this.#encoder = encoder;
  }

  /** The views of models, in their order: the same object for models that see alike. */
  static async ofEach(models: readonly Checkpoint[]): Promise<PictureView[]> {
    const known = new Map<string, PictureView>();
    const views: PictureView[] = [];
    for (const { preprocessing, encoder } of models) {
      const key = encoder ? await encoderFingerprint(encoder) : JSON.stringify(preprocessing);
      const view =
        known.get(key) ??
        new PictureView(preprocessing, encoder && (await restoreEncoder(encoder)));
      known.set(key, view);
      views.push(view);
    }
    return views;
  }

  /** What captioners take in of pictures of the right size; made into tensors by `asInputs`. */
  async see(pictures: readonly Pixels[]): Promise<Float32Array> {
    const each = 3 * this.preprocessing.width * this.preprocessing.height;
    const values = new Float32Array(pictures.length * each);
    for (const [index, pixels] of pictures.entries()) {
      preprocess(pixels, this.preprocessing, values, index * each);
    }
    const encoded = await this.#encoder?.encode(values, pictures.length);
    return encoded?.pooled ?? values;
  }

  /** What `see` returned for N pictures, as one of the models takes it in. */
  asInputs(values: Float32Array, N: number, { captioner }: Checkpoint): Tensor {
    const { width, height } = this.preprocessing;
    const { featureSize } = captioner.config;
    return tensor(values, { shape: this.#encoder ? [N, featureSize] : [N, 3, height, width] });
  }
}
