/** Captioned clips as batches for a captioner: the frames that are seen of each, padded to the longest. */
import { type Augmentation, augment } from '../../data/pictures/augmentation.js';
import type { Preprocessing } from '../../data/pictures/preprocessing.js';
import type { Source } from '../../data/source.js';
import type { CaptionedClip } from '../../data/video/captioned-clips.js';
import type { Clip } from '../../data/video/clip.js';
import { ClipStore, type PreparedClip, preparedFrames } from '../../data/video/prepared-clips.js';
import { type ClipRequest, readClip } from '../../data/video/read-clip.js';
import { evenPlaces } from '../../data/video/sampling.js';
import { type View, viewInTraining, viewsToJudge } from '../../data/video/views.js';
import { UsageError, ValueError } from '../../errors.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import type { ClipFrames } from '../../models/clip-state.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { type FullVideoConfig, seesGrids } from '../../models/video-captioner-config.js';
import { randomAt } from '../../random.js';
import { elementCount } from '../../tensor/shape.js';
import { empty } from '../../tensor/tensor.js';
import { type FrameReader, samplingOf } from '../frame-encoder.js';
import { encodedFrames, requireFeatures, storedFrames } from '../frame-readers.js';
import type { VideoCaptionerModel } from './kind.js';

/** How clips are changed on their way to the model. */
export interface ClipInputsOptions {
  /** Of all that is drawn. */
  readonly seed: number;
  /** Changes all frames of a clip alike, a little in every epoch of training. */
  readonly augmentation?: Augmentation | undefined;
  /** Shows the frames of each clip in another order: does order matter to the model? */
  readonly shuffled?: boolean;
}

/** A clip as numbers, frame by frame, and the bytes of its frames where they were made of such. */
export interface KnownClip extends PreparedClip {
  readonly frames?: { readonly clip: Clip; readonly preprocessing: Preprocessing };
}

/** What a captioner says of the clips that it takes. */
type Form = Pick<FullVideoConfig, 'cnn' | 'featureSize' | 'frames' | 'attention'>;

/**
 * Clips as a source of batches (M, T, ...). Each is read when it is first needed, and kept as far as memory
 * allows. A clip of more frames than the captioner sees is thinned out: in training one frame of each of T
 * parts is drawn, otherwise it is the one in the middle.
 */
export class ClipInputs implements Source<ClipFrames> {
  readonly size: number;
  readonly #form: Form;
  readonly #options: ClipInputsOptions;
  readonly #store: ClipStore<KnownClip>;
  /** What `load` was asked for last. */
  #loaded = new Map<number, KnownClip>();
  /** Kept from batch to batch: fresh memory of many megabytes costs more than filling it. */
  #values = new Float32Array(0);

  /** @param read the clip of a number. */
  constructor(
    size: number,
    read: (index: number) => Promise<KnownClip>,
    form: Form,
    options: ClipInputsOptions,
  ) {
    this.size = size;
    this.#form = form;
    this.#options = options;
    this.#store = new ClipStore(size, read);
  }

  /** @throws what reading a clip throws. */
  async load(indices: ArrayLike<number>): Promise<void> {
    const found = await this.#store.get(indices);
    this.#loaded = new Map(found.map((clip, n) => [indices[n] ?? 0, clip]));
  }

  expect(indices: ArrayLike<number>): void {
    this.#store.expect(indices);
  }

  /** @throws ValueError for a clip that was not loaded */
  batch(indices: ArrayLike<number>, epoch?: number): ClipFrames {
    const shown = Array.from(indices, (index) => {
      const clip = this.#loaded.get(index);
      if (!clip) throw new ValueError(`clip ${index} is not in memory: load comes before batch`);
      return { clip: this.#changed(clip, index, epoch), view: this.#view(clip, index, epoch) };
    });
    const M = shown.length;
    const lengths = shown.map(({ view }) => view.length);
    const T = Math.max(1, ...lengths);
    const frame = this.frame;
    const each = elementCount(frame);
    if (this.#values.length !== M * T * each) this.#values = new Float32Array(M * T * each);
    const values = this.#values;
    const area = frame.length === 3 ? each / 3 : each;
    for (const [m, { clip, view }] of shown.entries()) {
      for (const [t, place] of view.entries()) clip.write(place, values, (m * T + t) * each, area);
      values.fill(0, (m * T + view.length) * each, (m + 1) * T * each);
    }
    const x = empty('f32', [M, T, ...frame]).assign(values);
    return lengths.every((length) => length === T) ? { x } : { x, lengths };
  }

  /** The shape of one frame: (3, S, S), (D), or (L, D) of a grid. */
  get frame(): readonly number[] {
    const { cnn, featureSize: D } = this.#form;
    if (cnn) return [3, cnn.size, cnn.size];
    const [, H, W] = this.#form.attention?.locations ?? [1, 1, 1];
    return seesGrids(this.#form) ? [H * W, D] : [D];
  }

  #view({ length }: KnownClip, index: number, epoch: number | undefined): View {
    const { frames } = this.#form;
    const { seed, shuffled } = this.#options;
    const take = { take: 'whole', frames } as const;
    if (epoch !== undefined) {
      return viewInTraining(take, length, randomAt(seed, 'frames', epoch, index));
    }
    const [view = new Int32Array()] = viewsToJudge(take, length);
    return shuffled ? randomAt(seed, 'control', 0, index).shuffle(view.slice()) : view;
  }

  #changed(known: KnownClip, index: number, epoch: number | undefined): PreparedClip {
    const { augmentation, seed } = this.#options;
    if (!augmentation || epoch === undefined || !known.frames) return known;
    const { clip, preprocessing } = known.frames;
    const draw = () => randomAt(seed, 'augmentation', epoch, index);
    return preparedFrames(augmented(clip, augmentation, draw), preprocessing);
  }
}

type CaptionedFrames = Pick<CaptionedClip, 'id' | 'clip'>;

/**
 * Clips as a trained model takes them: frames for a cnn of its own, or features that its encoder makes of them
 * now, or made before.
 * @throws UsageError for features that it does not take, or a model that takes no clips; ValueError when another
 *   encoder made the features, or of other frames; as `readClip`, when a clip is read.
 */
export async function clipInputs(
  clips: readonly CaptionedFrames[],
  model: VideoCaptionerModel,
  options: ClipInputsOptions,
  features?: ClipFeatures,
): Promise<ClipInputs> {
  const { encoder, preprocessing, captioner } = model;
  const { config } = captioner;
  const grid = seesGrids(config);
  if (encoder) {
    const sampling = samplingOf(encoder, config.frameRate);
    if (features) await requireFeatures(features, encoder, sampling);
    const reader = features
      ? storedFrames(features, grid)
      : encodedFrames(await restoreEncoder(encoder), sampling, { grid });
    return featureInputs(clips, reader, config, options);
  }
  if (!features) return frameInputs(clips, preprocessing, config, options);
  throw new UsageError(`${features.path}: the model sees frames itself and takes no features`);
}

/**
 * Clips whose frames come in as features.
 * @throws ValueError when these are not what the captioner takes
 */
export function featureInputs(
  clips: readonly CaptionedFrames[],
  { shape, read }: FrameReader,
  config: FullVideoConfig,
  options: ClipInputsOptions,
): ClipInputs {
  const inputs = new ClipInputs(
    clips.length,
    async (index) => read(clipAt(clips, index)),
    config,
    options,
  );
  if (`${shape}` === `${inputs.frame}`) return inputs;
  throw new ValueError(
    `the frames have features (${shape.join(', ')}), but the model takes (${inputs.frame.join(', ')})`,
  );
}

/**
 * Clips that are read for a captioner with a cnn of its own.
 * @throws UsageError for one that takes features; as `readClip`, when a clip is read.
 */
export function frameInputs(
  clips: readonly CaptionedFrames[],
  preprocessing: Preprocessing | undefined,
  config: FullVideoConfig,
  options: ClipInputsOptions,
): ClipInputs {
  if (!preprocessing) {
    throw new UsageError('the model takes features of frames, not clips');
  }
  const sampling = samplingOf(undefined, config.frameRate);
  const read = async (index: number): Promise<KnownClip> =>
    knownFrames(
      await readClip(clipAt(clips, index).clip, { size: preprocessing, sampling }),
      preprocessing,
    );
  return new ClipInputs(clips.length, read, config, options);
}

function knownFrames(clip: Clip, preprocessing: Preprocessing): KnownClip {
  return { ...preparedFrames(clip, preprocessing), frames: { clip, preprocessing } };
}

function clipAt(clips: readonly CaptionedFrames[], index: number): CaptionedFrames {
  const clip = clips[index];
  if (clip) return clip;
  throw new ValueError(`there is no clip ${index}, only ${clips.length}`);
}

/** How the frames of single clips are read for a captioner, and become numbers. */
export interface FrameForm {
  /** Of whole clips, and of stretches, of whose frames it is not known how many there will be. */
  readonly request: ClipRequest;
  readonly stretchRequest: ClipRequest;
  /** Makes numbers of those of the frames that the captioner sees. */
  known(frames: Clip): Promise<KnownClip>;
}

/** @throws UsageError for a captioner that takes features of an unknown encoder; as `restoreEncoder` */
export async function frameForm(model: VideoCaptionerModel): Promise<FrameForm> {
  const { encoder: saved, preprocessing: size, captioner } = model;
  if (!size) throw new UsageError('the model takes features of frames, not clips');
  const { config } = captioner;
  const sampling = samplingOf(saved, config.frameRate);
  const request = { size, sampling };
  if (!saved) {
    const known = async (clip: Clip) => knownFrames(seenFrames(clip, model), size);
    return { request, stretchRequest: request, known };
  }
  const { read } = encodedFrames(await restoreEncoder(saved), {}, { grid: seesGrids(config) });
  return {
    request,
    stretchRequest: sampling.frames === undefined ? request : { size },
    async known(frames) {
      const clip = seenFrames(frames, model);
      return {
        ...(await read({ id: 'a clip', clip })),
        frames: { clip, preprocessing: size },
      };
    },
  };
}

/** The frames of a clip that a captioner sees when it says what happens, as a clip of these alone. */
export function seenFrames(
  clip: Clip,
  { captioner, encoder }: Pick<VideoCaptionerModel, 'captioner' | 'encoder'>,
): Clip {
  const N = clip.times.length;
  const encoded =
    encoder?.frames === undefined
      ? Array.from({ length: N }, (_, place) => place)
      : evenPlaces(N, encoder.frames);
  const { frames } = captioner.config;
  const [view = []] = viewsToJudge({ take: 'whole', frames }, encoded.length);
  const places = Array.from(view, (place) => encoded[place] ?? 0);
  const bytes = clip.width * clip.height * clip.channels;
  const values = new Uint8Array(places.length * bytes);
  for (const [t, place] of places.entries()) {
    values.set(clip.values.subarray(place * bytes, (place + 1) * bytes), t * bytes);
  }
  return { ...clip, values, times: Float64Array.from(places, (place) => clip.times[place] ?? 0) };
}

/** All frames of a clip changed in the same way: `draw` begins the same numbers for each. */
function augmented(
  clip: Clip,
  augmentation: Augmentation,
  draw: () => ReturnType<typeof randomAt>,
): Clip {
  const { width, height, channels, values, times } = clip;
  if (channels !== 3) return clip;
  const bytes = width * height * channels;
  const changed = new Uint8Array(values.length);
  for (let t = 0; t < times.length; t++) {
    const data = values.subarray(t * bytes, (t + 1) * bytes);
    const frame = augment({ width, height, channels, data }, augmentation, draw());
    changed.set(frame.data, t * bytes);
  }
  return { ...clip, values: changed };
}
