/** Labelled clips as batches for a network: views of them, changed a little in each epoch of training. */
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import { ClipStore, type PreparedClip } from '../../data/video/prepared-clips.js';
import type { SequenceScale } from '../../data/video/sequence-scale.js';
import { type JudgedBy, type View, viewInTraining, viewsToJudge } from '../../data/video/views.js';
import { UsageError } from '../../errors.js';
import type { ClipBatch } from '../../models/video/network.js';
import { type Random, randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import { type ClipChanges, changeFrames, changeSequence, type DrawnChanges } from './changes.js';
import type { VideoClassifierConfig } from './config.js';

/** What is done to the order of what a network sees, to find out whether order matters to it. */
export const controls = ['shuffle', 'still'] as const;
export type Control = (typeof controls)[number];

/** A view of a clip to judge it by. */
export interface ClipView {
  /** The clip's place in its split. */
  readonly index: number;
  readonly view: View;
}

/** Clips of a split, as a network takes them. */
export class ClipInputs {
  readonly clips: readonly LabelledClip[];
  readonly #config: VideoClassifierConfig;
  readonly #prepare: (clip: LabelledClip) => Promise<PreparedClip>;
  readonly #store: ClipStore;

  /** @param prepare makes numbers of a clip; throws for one that the network does not take */
  constructor(
    clips: readonly LabelledClip[],
    config: VideoClassifierConfig,
    prepare: (clip: LabelledClip) => Promise<PreparedClip>,
  ) {
    this.clips = clips;
    this.#config = config;
    this.#prepare = prepare;
    this.#store = new ClipStore(clips.length, (index) => {
      const clip = clips[index];
      if (clip) return prepare(clip);
      return Promise.reject(new UsageError(`there is no clip ${index}, only ${clips.length}`));
    });
  }

  /** So many of the clips, or all: evenly taken. */
  some(most: number): ClipInputs {
    if (most >= this.size) return this;
    const every = this.size / most;
    const taken = this.clips.filter(
      (_, i) => Math.floor(i / every) !== Math.floor((i - 1) / every),
    );
    return new ClipInputs(taken, this.#config, this.#prepare);
  }

  /** How many clips there are. */
  get size(): number {
    return this.clips.length;
  }

  /** The classes of some clips, (N) i32. */
  labels(indices: ArrayLike<number>): Int32Array {
    return Int32Array.from(indices, (index) => this.clips[index]?.label ?? 0);
  }

  /** Begins to read clips that come next. */
  expect(indices: ArrayLike<number>): void {
    this.#store.expect(indices);
  }

  /** Clips as they are seen in an epoch of training: a pure function of seed, epoch and place. */
  async training(
    indices: ArrayLike<number>,
    epoch: number,
    changes: ClipChanges,
  ): Promise<ClipBatch> {
    const clips = await this.#store.get(indices);
    const views = clips.map((clip, n) => {
      const random = randomAt(changes.seed, 'view', epoch, indices[n] ?? 0);
      return { clip, view: viewInTraining(this.#config.view, clip.length, random, changes.trim) };
    });
    const randoms = Array.from(indices, (index) =>
      randomAt(changes.seed, 'clip changes', epoch, index),
    );
    return this.#batch(views, { changes, randoms });
  }

  /** All views of all clips by which they are judged, some at a time. */
  async *judging(
    batchSize: number,
    by: JudgedBy,
    control?: Control,
    seed = 0,
  ): AsyncGenerator<{ readonly batch: ClipBatch; readonly views: readonly ClipView[] }> {
    let waiting: ClipView[] = [];
    for (let index = 0; index < this.size; index++) {
      if (index + 1 < this.size) this.expect([index + 1]);
      const [clip] = await this.#store.get([index]);
      for (const view of viewsToJudge(this.#config.view, clip?.length ?? 0, by)) {
        const random = randomAt(seed, 'control', 0, index);
        waiting.push({ index, view: controlled(view, control, random) });
        if (waiting.length < batchSize) continue;
        yield { batch: await this.#viewed(waiting), views: waiting };
        waiting = [];
      }
    }
    if (waiting.length > 0) yield { batch: await this.#viewed(waiting), views: waiting };
  }

  async #viewed(views: readonly ClipView[]): Promise<ClipBatch> {
    const clips = await this.#store.get(views.map(({ index }) => index));
    return this.#batch(
      clips.map((clip, n) => ({ clip, view: views[n]?.view ?? new Int32Array() })),
    );
  }

  /** (N, C, T, H, W), or (N, T, D); shorter views are filled up with zeros, and `lengths` says so. */
  #batch(
    seen: readonly { readonly clip: PreparedClip; readonly view: View }[],
    drawn?: DrawnChanges,
  ): ClipBatch {
    const { step, view, scale } = this.#config;
    const N = seen.length;
    const T = Math.max(...seen.map(({ view }) => view.length));
    const [channels, ...plane] = step;
    const isSequence = plane.length === 0;
    const area = elementCount(plane);
    const each = T * elementCount(step);
    const values = new Float32Array(N * each);
    for (const [n, { clip, view }] of seen.entries()) {
      const at = isSequence ? channels : area;
      for (const [t, place] of view.entries()) {
        clip.write(place, values, n * each + t * at, T * area);
      }
      if (!isSequence) continue;
      const steps = values.subarray(n * each, n * each + view.length * channels);
      if (drawn) changeSequence(steps, scale, drawn, n);
      if (scale) standardise(steps, scale);
    }
    const lengths = view.take === 'whole' ? seen.map(({ view }) => view.length) : undefined;
    if (isSequence) return { x: tensor(values, { shape: [N, T, channels] }), lengths };
    const x = tensor(values, { shape: [N, channels, T, ...plane] });
    return { x: drawn ? changeFrames(x, drawn) : x, lengths };
  }
}

/** The same steps in another order, or the middle one again and again. */
function controlled(view: View, control: Control | undefined, random: Random): View {
  if (control === 'shuffle') return random.shuffle(view.slice());
  if (control === 'still') return view.map(() => view[view.length >> 1] ?? 0);
  return view;
}

function standardise(values: Float32Array, { mean, deviation }: SequenceScale): void {
  for (const [i, value] of values.entries()) {
    values[i] = (value - (mean[i % mean.length] ?? 0)) / deviation;
  }
}
