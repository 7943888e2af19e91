/** Captions of clips: of a whole clip, or of each stretch of a long one. */
import { batchOf } from '../../data/source.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import type { ClipSource } from '../../data/video/clip.js';
import { clipFrames, readClip } from '../../data/video/read-clip.js';
import { stretchesOf } from '../../data/video/stretches.js';
import { decode } from '../../decoding/decode.js';
import { type DecodingOptions, parseDecoding } from '../../decoding/options.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import type { ClipFrames } from '../../models/clip-state.js';
import { encoderFingerprint } from '../../models/encoders/encoder.js';
import { seesGrids } from '../../models/video-captioner-config.js';
import { Random } from '../../random.js';
import {
  type BatchCaptioner,
  type FoundCaption,
  foundCaption,
  jointModel,
  type SpokenCaption,
} from '../captions/found.js';
import { ClipInputs, type FrameForm, frameForm, type KnownClip } from './clip-inputs.js';
import type { VideoCaptionerModel } from './kind.js';

/** What happens in a clip, in words. */
export interface ClipCaption extends FoundCaption {
  /**
   * When the frames that were seen are shown, in seconds from the clip's begin: of the weights of a word's
   * attention to frames one belongs to each (and to each place of it). Of an ensemble: what its first model saw.
   */
  readonly seen: readonly number[];
}

/** What happens in a stretch of a clip, in seconds from the clip's begin. */
export interface CaptionedStretch extends ClipCaption {
  readonly from: number;
  readonly to: number;
}

/** What the numbers of attention mean that a model of clips gives for each word. */
export interface ClipAttentionForm {
  /** `weights`: one for each place, frame by frame and row by row. `window`: as `AttentionForm` of photos. */
  readonly form: 'weights' | 'window';
  /** Frames, and rows and columns of the grid of each. One frame: the mean of all. Short clips have fewer. */
  readonly locations: readonly [T: number, H: number, W: number];
}

/** A clip as the models of a `ClipCaptioner` take it in: one for each way of reading it. */
export type LoadedClip = readonly KnownClip[];

/** A model, and which of the ways of reading clips is its own. */
interface Member {
  readonly model: VideoCaptionerModel;
  readonly way: number;
}

/**
 * Says what happens in clips: reads videos, animations and folders of frames, and decodes captions. Several models
 * caption together, as an `ensemble`. Start a call only when the last one is done.
 *
 *     const { model } = await readModel(videoCaptionerKind, 'clips.safetensors');
 *     const captioner = await ClipCaptioner.create(model);
 *     const [said] = await captioner.caption([{ path: 'dog.mp4' }]);
 */
export class ClipCaptioner implements BatchCaptioner<ClipSource, LoadedClip, ClipCaption> {
  readonly vocabulary: Vocabulary;
  /** What `SpokenWord.attention` is; undefined when words have none. */
  readonly attentionForm: ClipAttentionForm | undefined;
  readonly #members: readonly Member[];
  /** How some models see clips: of which size, which frames, and through which encoder. */
  readonly #ways: readonly FrameForm[];
  readonly #model: ReturnType<typeof jointModel<ClipFrames>>;
  readonly #note: ((text: string) => void) | undefined;

  private constructor(
    members: readonly Member[],
    ways: readonly FrameForm[],
    note: ((text: string) => void) | undefined,
  ) {
    this.#members = members;
    this.#ways = ways;
    this.#model = jointModel(members.map(({ model }) => model));
    this.#note = note;
    this.vocabulary = this.#model.vocabulary;
    this.attentionForm = attentionFormOf(members);
  }

  /**
   * Makes a captioner of what one model file holds, or several.
   * @param options.onNote hears what is wrong with a file that can be read all the same.
   * @throws ValueError when the vocabularies of several differ, or there is no model; UsageError for a model that
   *   takes features only.
   */
  static async create(
    models: VideoCaptionerModel | readonly VideoCaptionerModel[],
    { onNote }: { readonly onNote?: (text: string) => void } = {},
  ): Promise<ClipCaptioner> {
    const known = new Map<string, number>();
    const ways: FrameForm[] = [];
    const members: Member[] = [];
    for (const model of 'captioner' in models ? [models] : models) {
      const key = await wayOf(model);
      const way = known.get(key) ?? ways.push(await frameForm(model)) - 1;
      known.set(key, way);
      members.push({ model, way });
    }
    return new ClipCaptioner(members, ways, onNote);
  }

  /** Reads of a clip what the models see of it. @throws as `readClip` */
  load(source: ClipSource): Promise<LoadedClip> {
    return Promise.all(
      this.#ways.map(async (way) =>
        way.known(await readClip(source, { ...way.request, onNote: this.#note })),
      ),
    );
  }

  /**
   * A caption for each clip, in order: greedy, unless the options say otherwise.
   * @throws UsageError for options of decoding that are wrong; as `readClip`.
   */
  async caption(
    sources: readonly ClipSource[],
    options: DecodingOptions = {},
  ): Promise<ClipCaption[]> {
    return this.captionLoaded(
      await Promise.all(sources.map((source) => this.load(source))),
      options,
    );
  }

  /** As `caption`, for clips that `load` has loaded. @param random as of `decode`. */
  async captionLoaded(
    clips: readonly LoadedClip[],
    options: DecodingOptions = {},
    random?: Random,
  ): Promise<ClipCaption[]> {
    if (clips.length === 0) return [];
    using _work = scope();
    const all = clips.map((_, index) => index);
    const inputs = await Promise.all(
      this.#members.map(({ model, way }) => {
        const { config } = model.captioner;
        const known = (index: number) => Promise.resolve(knownBy(clips[index], way));
        return batchOf(new ClipInputs(clips.length, known, config, { seed: 0 }), all);
      }),
    );
    const found = await decode(this.#model, inputs, options, random);
    return found.map((hypotheses, index) => {
      const seen = Array.from(knownBy(clips[index], 0).frames?.clip.times ?? []);
      const { alternatives, ...best } = foundCaption(hypotheses, this.vocabulary);
      const seenOnly = (one: SpokenCaption) => this.#withoutPadding(one, seen.length);
      return { ...seenOnly(best), alternatives: alternatives.map(seenOnly), seen };
    });
  }

  /**
   * What happens in each stretch of so many seconds, as soon as it is known. A clip of any length: few stretches
   * are in memory. How stretches end: see `stretchesOf`.
   * @throws UsageError for options of decoding that are wrong; ValueError unless `every` is above 0, and for an
   *   ensemble whose models see frames of different sizes or rates; as `clipFrames`.
   */
  async *follow(
    source: ClipSource,
    every: number,
    options: DecodingOptions = {},
  ): AsyncGenerator<CaptionedStretch, void> {
    const random = new Random(parseDecoding(options).seed);
    const [first, ...others] = this.#ways.map(({ stretchRequest }) => stretchRequest);
    if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) {
      throw new ValueError(
        'The models see frames of different sizes, or other frames a second, but a clip is followed in one way: take models that see alike.',
      );
    }
    const name = 'path' in source ? source.path : 'a clip';
    const frames = clipFrames(source, { ...first, onNote: this.#note });
    for await (const { from, to, clip } of stretchesOf(frames, every, name)) {
      const loaded = await Promise.all(this.#ways.map((way) => way.known(clip)));
      const [said] = await this.captionLoaded([loaded], options, random);
      if (said) yield { ...said, from, to, seen: said.seen.map((time) => from + time) };
    }
  }

  /** Behind the frames of a short clip there is padding, which nothing looks at. */
  #withoutPadding({ words, ...rest }: SpokenCaption, frames: number): SpokenCaption {
    const [T = 1, H = 1, W = 1] = this.attentionForm?.locations ?? [];
    if (T === 1) return { ...rest, words };
    return {
      ...rest,
      words: words.map(({ attention, ...word }) => ({
        ...word,
        ...(attention && { attention: attention.slice(0, frames * H * W) }),
      })),
    };
  }
}

function knownBy(clip: LoadedClip | undefined, way: number): KnownClip {
  const known = clip?.[way];
  if (known) return known;
  throw new ValueError('a clip was not loaded by this captioner: load comes before captionLoaded');
}

/** The same for models that see the same frames in the same way. */
async function wayOf({ preprocessing, captioner, encoder }: VideoCaptionerModel): Promise<string> {
  const { frames, frameRate } = captioner.config;
  const through = encoder && [
    encoder.frames,
    seesGrids(captioner.config),
    await encoderFingerprint(encoder),
  ];
  return JSON.stringify([preprocessing, frames, frameRate, through]);
}

/** The form that models give together; undefined when one has none, or they look at different things. */
function attentionFormOf(members: readonly Member[]): ClipAttentionForm | undefined {
  const [first, ...others] = members.map(({ model, way }) => {
    const { attention } = model.captioner.config;
    if (!attention) return undefined;
    const form = attention.kind === 'spatial-transformer' ? 'window' : 'weights';
    return { form, locations: attention.locations, way } as const;
  });
  if (!first || others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) {
    return undefined;
  }
  return { form: first.form, locations: first.locations };
}
