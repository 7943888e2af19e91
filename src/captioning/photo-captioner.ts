/** Captions of photos: one model or several together, on some pictures or on any number of them. */

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
  /** What an attention model looked at when it said the word. */
  readonly attention?: HostArray;
}

/** Something to say about a picture. */
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

/** A picture as the models of a `PhotoCaptioner` take it in: one for each of their views. */
export type LoadedPicture = readonly Pixels[];

/**
 * Captions pictures: loads them, encodes them the way the model was trained, and lets it speak.
 * Several models speak together, as an `ensemble`. Calls take turns; start the next when the last
 * is done.
 */
export class PhotoCaptioner {
  readonly vocabulary: Vocabulary;
  /** What `SpokenWord.attention` is; undefined when words have none. */
  readonly attentionForm: AttentionForm | undefined;
  /** For each model, how it sees. */
  readonly #viewOf: readonly PhotoPipeline[];
  /** Those that differ. */
  readonly #views: readonly PhotoPipeline[];
  readonly #speaker: ReturnType<typeof speakerOf>;
  readonly #load: PictureLoader;

  private constructor(
    models: readonly CaptionerModel[],
    viewOf: readonly PhotoPipeline[],
    load: PictureLoader,
  ) {
    this.#viewOf = viewOf;
    this.#views = [...new Set(viewOf)];
    this.#speaker = speakerOf(models);
    this.#load = load;
    this.vocabulary = this.#speaker.vocabulary;
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

  /** Loads a picture in the sizes that the models see. @throws what the loader throws. */
  load(source: ImageSource): Promise<LoadedPicture> {
    const load = ({ preprocessing }: PhotoPipeline) => this.#load(source, preprocessing);
    return Promise.all(this.#views.map(load));
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
    const seen = new Map<PhotoPipeline, Float32Array>();
    for (const [index, view] of this.#views.entries()) {
      seen.set(view, await view.see(pictures.flatMap((views) => views[index] ?? [])));
    }
    using _work = scope();
    const inputs = this.#viewOf.flatMap((view) => {
      const values = seen.get(view);
      return values ? [view.asInputs(values, pictures.length)] : [];
    });
    const found = await decode(this.#speaker, inputs, options, random);
    return found.map((hypotheses) => {
      const alternatives = hypotheses.map((one) => spoken(one, this.vocabulary));
      const [first = { caption: '', logProbability: 0, words: [] }] = alternatives;
      return { ...first, alternatives };
    });
  }
}

function speakerOf(models: readonly CaptionerModel[]) {
  return ensemble(models.map(({ captioner, vocabulary }) => captionerModel(captioner, vocabulary)));
}

function spoken(
  { words, logProbability, wordLogProbabilities, attention }: Hypothesis,
  vocabulary: Vocabulary,
): SpokenCaption {
  return {
    caption: vocabulary.decode(words),
    logProbability,
    words: words.map((word, index) => {
      const looked = attention?.[index];
      return {
        word: vocabulary.word(word),
        logProbability: wordLogProbabilities[index] ?? Number.NaN,
        ...(looked && { attention: looked }),
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
 * Captions any number of pictures, some at a time, and tells of each in order as soon as it is known.
 * While some are captioned, the next are loaded. A bad picture does not cost the others their
 * captions.
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
