/** Captions of photos, by one model or several together. */
import type { ImageSource, Pixels } from '../../data/pictures/pixels.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { decode } from '../../decoding/decode.js';
import type { DecodingOptions } from '../../decoding/options.js';
import { scope } from '../../engine/engine.js';
import type { Random } from '../../random.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  type BatchCaptioner,
  type FoundCaption,
  foundCaption,
  jointModel,
} from '../captions/found.js';
import { type AttentionForm, attentionFormOf, type CaptionerModel } from './kind.js';
import { PhotoPipeline, type PictureLoader } from './photo-pipeline.js';

/** What a picture shows, in words. */
export type PhotoCaption = FoundCaption;

/** A picture as the models of a `PhotoCaptioner` take it in: one for each of their pipelines. */
export type LoadedPicture = readonly Pixels[];

/**
 * Captions pictures: loads them, encodes them as in training, and decodes captions. Several models
 * caption together, as an `ensemble`. Start a call only when the last one is done.
 */
export class PhotoCaptioner implements BatchCaptioner<ImageSource, LoadedPicture, PhotoCaption> {
  readonly vocabulary: Vocabulary;
  /** What `SpokenWord.attention` is; undefined when words have none. */
  readonly attentionForm: AttentionForm | undefined;
  /** For each model its pipeline. */
  readonly #pipelineOf: readonly PhotoPipeline[];
  /** Those that differ. */
  readonly #pipelines: readonly PhotoPipeline[];
  readonly #model: ReturnType<typeof jointModel<Tensor>>;
  readonly #load: PictureLoader;

  private constructor(
    models: readonly CaptionerModel[],
    pipelineOf: readonly PhotoPipeline[],
    load: PictureLoader,
  ) {
    this.#pipelineOf = pipelineOf;
    this.#pipelines = [...new Set(pipelineOf)];
    this.#model = jointModel(models);
    this.#load = load;
    this.vocabulary = this.#model.vocabulary;
    this.attentionForm = attentionFormOf(models);
  }

  /**
   * Makes a captioner of what one model file holds, or several.
   * @throws ValueError when the vocabularies of several differ, or there is no model; UsageError for a
   *   model that takes features only.
   */
  static async create(
    models: CaptionerModel | readonly CaptionerModel[],
    load: PictureLoader,
  ): Promise<PhotoCaptioner> {
    const all = 'captioner' in models ? [models] : models;
    return new PhotoCaptioner(all, await PhotoPipeline.ofEach(all), load);
  }

  /** Loads a picture in the sizes that the models take. @throws what the loader throws. */
  load(source: ImageSource): Promise<LoadedPicture> {
    const load = ({ preprocessing }: PhotoPipeline) => this.#load(source, preprocessing);
    return Promise.all(this.#pipelines.map(load));
  }

  /**
   * A caption for each picture, in order: greedy, unless the options say otherwise.
   * @throws UsageError for options of decoding that are wrong; what the loader throws.
   */
  async caption(
    sources: readonly ImageSource[],
    options: DecodingOptions = {},
  ): Promise<PhotoCaption[]> {
    return this.captionLoaded(
      await Promise.all(sources.map((source) => this.load(source))),
      options,
    );
  }

  /** As `caption`, for pictures that `load` has loaded. @param random as of `decode`. */
  async captionLoaded(
    pictures: readonly LoadedPicture[],
    options: DecodingOptions = {},
    random?: Random,
  ): Promise<PhotoCaption[]> {
    if (pictures.length === 0) return [];
    const values = new Map<PhotoPipeline, Float32Array>();
    for (const [index, pipeline] of this.#pipelines.entries()) {
      values.set(pipeline, await pipeline.values(pictures.flatMap((sizes) => sizes[index] ?? [])));
    }
    using _work = scope();
    const inputs = this.#pipelineOf.flatMap((pipeline) => {
      const own = values.get(pipeline);
      return own ? [pipeline.inputs(own, pictures.length)] : [];
    });
    const found = await decode(this.#model, inputs, options, random);
    return found.map((hypotheses) => foundCaption(hypotheses, this.vocabulary));
  }
}
