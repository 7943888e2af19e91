/** Captions of photos, by one model or several together, of a few photos or of any number. */

import { isFaultOfFile } from '../data/formats/notes.js';
import type { ImageSource, Pixels } from '../data/pictures/pixels.js';
import type { Vocabulary } from '../data/text/vocabulary.js';
import { decode } from '../decoding/decode.js';
import { ensemble } from '../decoding/ensemble.js';
import type { Hypothesis } from '../decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '../decoding/options.js';
import { captionerModel } from '../decoding/word-model.js';
import { scope } from '../engine/engine.js';
import type { FileError, FormatError } from '../errors.js';
import { Random } from '../random.js';
import {
  type AttentionForm,
  attentionFormOf,
  type CaptionerModel,
} from '../tasks/captioner/kind.js';
import type { HostArray } from '../tensor/tensor.js';
import { PhotoPipeline, type PictureLoader } from './photo-pipeline.js';

/** A word of a caption. */
export interface SpokenWord {
  readonly word: string;
  /** Log-probability of the word after those before it, in nats. */
  readonly logProbability: number;
  /** Of a model with attention: the weights of the places for this word, or the numbers of its window. */
  readonly attention?: HostArray;
}

/** One caption, word by word. */
export interface SpokenCaption {
  readonly caption: string;
  /** Log-probability of the caption, its end included, in nats. */
  readonly logProbability: number;
  readonly words: readonly SpokenWord[];
}

/** What a picture shows, in words. */
export interface PhotoCaption extends SpokenCaption {
  /** All captions that were asked for (`nBest`), the one above first. */
  readonly alternatives: readonly SpokenCaption[];
}

/** A picture as the models of a `PhotoCaptioner` take it in: one for each of their pipelines. */
export type LoadedPicture = readonly Pixels[];

/**
 * Captions pictures: loads them, encodes them as in training, and decodes captions. Several models
 * caption together, as an `ensemble`. Start a call only when the last one is done.
 */
export class PhotoCaptioner {
  readonly vocabulary: Vocabulary;
  /** What `SpokenWord.attention` is; undefined when words have none. */
  readonly attentionForm: AttentionForm | undefined;
  /** For each model its pipeline. */
  readonly #pipelineOf: readonly PhotoPipeline[];
  /** Those that differ. */
  readonly #pipelines: readonly PhotoPipeline[];
  readonly #model: ReturnType<typeof jointModel>;
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
    return found.map((hypotheses) => {
      const alternatives = hypotheses.map((one) => captionOf(one, this.vocabulary));
      const [first = { caption: '', logProbability: 0, words: [] }] = alternatives;
      return { ...first, alternatives };
    });
  }
}

function jointModel(models: readonly CaptionerModel[]) {
  return ensemble(models.map(({ captioner, vocabulary }) => captionerModel(captioner, vocabulary)));
}

function captionOf(
  { words, logProbability, wordLogProbabilities, attention }: Hypothesis,
  vocabulary: Vocabulary,
): SpokenCaption {
  return {
    caption: vocabulary.decode(words),
    logProbability,
    words: words.map((word, index) => {
      const weights = attention?.[index];
      return {
        word: vocabulary.word(word),
        logProbability: wordLogProbabilities[index] ?? Number.NaN,
        ...(weights && { attention: weights }),
      };
    }),
  };
}

/** What became of one of many pictures. */
export type CaptionOutcome<S extends ImageSource> =
  | { readonly source: S; readonly caption: PhotoCaption; readonly error?: never }
  /** A picture that could not be read or decoded. */
  | { readonly source: S; readonly caption?: never; readonly error: FileError | FormatError };

/**
 * Captions any number of pictures, some at a time, and yields each in order as soon as it is done. While
 * some are captioned, the next are loaded. After a bad picture the others still get their captions.
 *
 * @param options.batchSize pictures that go through the models together (default 16).
 * @throws UsageError for options of decoding that are wrong; what the loader throws, other than the
 *   errors of a file.
 */
export async function* captionEach<S extends ImageSource>(
  captioner: PhotoCaptioner,
  sources: readonly S[],
  { batchSize = 16, ...decoding }: DecodingOptions & { batchSize?: number } = {},
): AsyncGenerator<CaptionOutcome<S>> {
  const random = new Random(parseDecoding(decoding).seed);
  const loadFrom = (start: number) =>
    Promise.allSettled(
      sources.slice(start, start + batchSize).map((source) => captioner.load(source)),
    );
  let loading = loadFrom(0);
  for (let start = 0; start < sources.length; start += batchSize) {
    const loaded = await loading;
    loading = loadFrom(start + batchSize);
    const good = loaded.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const captions = await captioner.captionLoaded(good, decoding, random);
    for (const [index, one] of loaded.entries()) {
      const source = sources[start + index];
      if (source === undefined) continue;
      if (one.status === 'rejected') {
        yield { source, error: fileError(one.reason) };
      } else {
        const caption = captions.shift();
        if (caption) yield { source, caption };
      }
    }
  }
}

function fileError(reason: unknown): FileError | FormatError {
  if (isFaultOfFile(reason)) return reason;
  throw reason;
}
