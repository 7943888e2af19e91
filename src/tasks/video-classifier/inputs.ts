/** Labelled clips as batches for a network: views of them, changed a little in each epoch of training. */
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import { ClipStore, type PreparedClip } from '../../data/video/prepared-clips.js';
import type { SequenceScale } from '../../data/video/sequence-scale.js';
import { type JudgedBy, type View, viewInTraining, viewsToJudge } from '../../data/video/views.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { bilinearSampleForward } from '../../layers/resampling/bilinear-sampler.js';
import { affineGridForward } from '../../layers/resampling/grids.js';
import type { ClipBatch } from '../../models/video/network.js';
import { type Random, randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { VideoClassifierConfig } from './config.js';

/** How clips are changed in each epoch of training: see the recipe. */
export interface ClipChanges {
  readonly seed: number;
  readonly shift: number;
  readonly zoom: number;
  readonly flip: boolean;
  readonly noise: number;
  readonly turn: number;
}

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
      return { clip, view: viewInTraining(this.#config.view, clip.length, random) };
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
    return { x: drawn ? changedFrames(x, drawn) : x, lengths };
  }
}

/** What is changed, and by which random numbers: one generator for each clip. */
interface DrawnChanges {
  readonly changes: ClipChanges;
  readonly randoms: readonly Random[];
}

/** The same steps in another order, or the middle one again and again. */
function controlled(view: View, control: Control | undefined, random: Random): View {
  if (control === 'shuffle') return random.shuffle(view.slice());
  if (control === 'still') return view.map(() => view[view.length >> 1] ?? 0);
  return view;
}

/** The steps (T, D) of one sequence, made larger, moved, turned and noisy. */
function changeSequence(
  values: Float32Array,
  scale: SequenceScale | undefined,
  { changes: { shift, zoom, noise, turn }, randoms }: DrawnChanges,
  n: number,
): void {
  const random = randoms[n];
  if (!random) return;
  const within = (most: number) => most * (2 * random.uniform() - 1);
  const { deviation = 1, points = 1 } = scale ?? {};
  const size = Math.exp(within(Math.log1p(zoom)));
  const angle = (within(turn) * Math.PI) / 180;
  const moved = Float64Array.from({ length: points }, () => within(shift) * deviation);
  if (points === 3 && angle !== 0) turnUpright(values, angle);
  for (const [i, value] of values.entries()) {
    const drawn = noise > 0 ? noise * deviation * random.normal() : 0;
    values[i] = value * size + (moved[i % points] ?? 0) + drawn;
  }
}

/** Points (x, y, z) turned about the axis of y. */
function turnUpright(values: Float32Array, angle: number): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i + 2 < values.length; i += 3) {
    const [x = 0, , z = 0] = values.subarray(i, i + 3);
    values[i] = cos * x + sin * z;
    values[i + 2] = cos * z - sin * x;
  }
}

function standardise(values: Float32Array, { mean, deviation }: SequenceScale): void {
  for (const [i, value] of values.entries()) {
    values[i] = (value - (mean[i % mean.length] ?? 0)) / deviation;
  }
}

/** Frames moved, zoomed and mirrored, all of a clip alike. */
function changedFrames(
  x: Tensor,
  { changes: { shift, zoom, flip }, randoms }: DrawnChanges,
): Tensor {
  if (shift === 0 && zoom === 0 && !flip) return x;
  const [N = 0, C = 0, T = 0, H = 0, W = 0] = x.shape;
  const maps = randoms.flatMap((random) => {
    const within = (most: number) => most * (2 * random.uniform() - 1);
    // A place of the new frame is looked up at scale times it, plus the shift; -1 and 1 are the edges.
    const scale = Math.exp(-within(Math.log1p(zoom)));
    const [right, down] = [2 * within(shift), 2 * within(shift)];
    const mirror = flip && random.uniform() < 0.5 ? -1 : 1;
    return [mirror * scale, 0, right, 0, scale, down];
  });
  using work = scope();
  const { grid } = affineGridForward(tensor(maps, { shape: [N, 2, 3] }), [H, W]);
  const frames = x.view(N, C * T, H, W);
  const { out } = bilinearSampleForward(frames, grid, { padding: 'border' });
  return work.keep(out.view(N, C, T, H, W));
}
