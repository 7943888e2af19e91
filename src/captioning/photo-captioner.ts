import type { ImageSource, Pixels } from '../data/captioned-images.js';
import { type Preprocessing, preprocess } from '../data/preprocessing.js';
import { decode } from '../decoding/decode.js';
import type { DecodingOptions } from '../decoding/options.js';
import { captionerModel } from '../decoding/word-model.js';
import { scope } from '../engine/engine.js';
import { type Encoder, restoreEncoder } from '../models/encoder.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Checkpoint } from '../training/checkpoint.js';

/** What a picture shows, in words. */
export interface PhotoCaption {
  readonly caption: string;
  /** Log-probability of the caption, in nats. */
  readonly logProbability: number;
  /** All captions that were asked for (`nBest`), the one above first. */
  readonly alternatives: readonly { readonly caption: string; readonly logProbability: number }[];
}

/** How pictures get to the size that the model sees: `loadPixels` in Node, a canvas in a page. */
export type PictureLoader = (source: ImageSource, preprocessing: Preprocessing) => Promise<Pixels>;

/**
 * Captions pictures with one model: loads them, encodes them the way the model was trained, and
 * lets it speak. Calls take turns; start the next when the last is done.
 */
export class PhotoCaptioner {
  readonly checkpoint: Checkpoint;
  readonly #encoder: Encoder | undefined;
  readonly #load: PictureLoader;

  private constructor(checkpoint: Checkpoint, encoder: Encoder | undefined, load: PictureLoader) {
    this.checkpoint = checkpoint;
    this.#encoder = encoder;
    this.#load = load;
  }

  /** Makes a captioner of what a model file holds. */
  static async create(checkpoint: Checkpoint, load: PictureLoader): Promise<PhotoCaptioner> {
    const encoder = checkpoint.encoder && (await restoreEncoder(checkpoint.encoder));
    return new PhotoCaptioner(checkpoint, encoder, load);
  }

  /**
   * A caption for each picture, in order: greedy, unless the options say otherwise.
   * @throws UsageError for options of decoding that are wrong; what the loader throws.
   */
  async caption(
    sources: readonly ImageSource[],
    options: DecodingOptions = {},
  ): Promise<PhotoCaption[]> {
    const { preprocessing } = this.checkpoint;
    const pictures = await Promise.all(sources.map((source) => this.#load(source, preprocessing)));
    return this.captionPixels(pictures, options);
  }

  /** As `caption`, for pictures that have the right size already. */
  async captionPixels(
    pictures: readonly Pixels[],
    options: DecodingOptions = {},
  ): Promise<PhotoCaption[]> {
    if (pictures.length === 0) return [];
    const { captioner, vocabulary, preprocessing } = this.checkpoint;
    const each = 3 * preprocessing.width * preprocessing.height;
    const values = new Float32Array(pictures.length * each);
    for (const [index, pixels] of pictures.entries()) {
      preprocess(pixels, preprocessing, values, index * each);
    }
    const encoded = await this.#encoder?.encode(values, pictures.length);
    using _work = scope();
    const inputs = this.#asInputs(encoded?.pooled ?? values, pictures.length);
    const found = await decode(captionerModel(captioner, vocabulary), inputs, options);
    return found.map((hypotheses) => {
      const alternatives = hypotheses.map(({ words, logProbability }) => ({
        caption: vocabulary.decode(words),
        logProbability,
      }));
      return { ...(alternatives[0] ?? { caption: '', logProbability: 0 }), alternatives };
    });
  }

  #asInputs(values: Float32Array, N: number): Tensor {
    const { width, height } = this.checkpoint.preprocessing;
    const { featureSize } = this.checkpoint.captioner.config;
    return tensor(values, { shape: this.#encoder ? [N, featureSize] : [N, 3, height, width] });
  }
}
