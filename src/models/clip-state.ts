/** From the frames of clips to what a captioner knows before the first word: their mean, their places, or what reading them left. */
import { ShapeError } from '../errors.js';
import { reshape, transpose } from '../layers/indexing/axes.js';
import { gather } from '../layers/indexing/gather.js';
import { concat, slice } from '../layers/indexing/pieces.js';
import { checkedLengths, meanOverTime } from '../layers/sequences.js';
import { tensor, zeros } from '../tensor/create.js';
import { elementCount, showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import type { Drop } from './captioner-scores.js';
import type { Seen } from './captioner-state.js';
import { imageState, ownFeatures, projected } from './image-state.js';
import { normalisedOutput } from './output.js';
import { type CellState, layersOf, recurToEnd } from './recurrent.js';
import { framesWithMotion } from './video/motion.js';
import { type FullVideoConfig, seesGrids } from './video-captioner-config.js';

/** Some clips as numbers. */
export interface ClipFrames {
  /** (M, T, D) features, (M, T, L, D) grids, or (M, T, 3, S, S) pixels. */
  readonly x: Tensor;
  /** (M): how many frames each clip has, from 1 to T (default T). What lies behind them is not read. */
  readonly lengths?: ArrayLike<number> | undefined;
}

/** Which frames there are of M clips. */
interface Present {
  readonly M: number;
  readonly T: number;
  /** (M), each from 1 to T. */
  readonly lengths: readonly number[];
}

/**
 * What is known of clips before the first word: see `VideoCaptioner` for the formulas.
 * @throws ShapeError for frames of another form, or more of them than the captioner sees; ValueError for a
 *   length that is none.
 */
export function clipState(
  config: FullVideoConfig,
  parameters: CaptionerParameters,
  { x, lengths }: ClipFrames,
  drop: Drop,
): Seen {
  const [M = 0, T = 0] = x.shape;
  checkFrames(config, x);
  const present = { M, T, lengths: checkedLengths('clips', { N: M, T }, lengths) };
  const frames = framesOf(config.cnn?.motion ? framesWithMotion(x) : x, present);
  const grid = seesGrids(config);
  const { cnn } = config;
  const features = cnn
    ? ownFeatures(parameters.cnn, frames, { grid, strides: cnn.strides })
    : frames;
  switch (config.combine) {
    case 'mean': {
      const mean = meanOverTime(spread(features, present, T), present.lengths);
      return imageState(config, parameters, mean, drop);
    }
    case 'attention':
      return placesState(config, parameters, features, present, drop);
    case 's2vt': {
      const read = spread(projected(config, parameters, features), present, T);
      return readClips(config, parameters, read, present.lengths, drop);
    }
  }
}

/** The places of all frames, (M, T L, D), and which of them are there. */
function placesState(
  config: FullVideoConfig,
  parameters: CaptionerParameters,
  features: Tensor,
  present: Present,
  drop: Drop,
): Seen {
  const { M, lengths } = present;
  const T = config.frames;
  const places = spread(features, present, T);
  const L = elementCount(config.attention?.locations ?? [T]);
  const grid = reshape(places, [M, L, config.featureSize]);
  const there = lengths.every((length) => length === T)
    ? undefined
    : lengths.map((length) => (length * L) / T);
  return imageState(config, parameters, grid, drop, there);
}

/**
 * Sequence to sequence: the reader sees the frames, one after another, and each layer what the layer below it
 * gives; the first one that says words sees null words meanwhile, which add nothing to its sums. What all
 * layers are left with is the first state.
 *
 * x (M, T, H). Source: Venugopalan et al. 2015b, section 3.2.
 */
function readClips(
  { cell, hiddenSize: H, embeddingSize: W }: FullVideoConfig,
  parameters: CaptionerParameters,
  x: Tensor,
  lengths: readonly number[],
  drop: Drop,
): Seen {
  const { reader } = parameters;
  if (!reader) throw new ShapeError('the parameters hold no reader, which sees the frames');
  const [M = 0] = x.shape;
  const nothing = zeros([M, H], x.dtype);
  const first = recurToEnd(cell, drop.steps(transpose(x, [1, 0, 2])), nothing, reader, lengths);
  let out = first.h;
  const states: CellState[] = [];
  for (const [name, weights] of layersOf(parameters)) {
    const own = states.length === 0 ? { ...weights, Wx: slice(weights.Wx, 0, W) } : weights;
    const layer = recurToEnd(cell, drop.steps(out), nothing, own, lengths);
    states.push(layer.last);
    out = normalisedOutput(parameters, name, layer.h);
  }
  return { states, reader: first.last };
}

/** The frames that are there, one after the other (P, ...). */
function framesOf(x: Tensor, { M, T, lengths }: Present): Tensor {
  const all = reshape(x, [M * T, ...x.shape.slice(2)]);
  if (lengths.every((length) => length === T)) return all;
  const places = lengths.flatMap((length, m) => Array.from({ length }, (_, t) => m * T + t));
  return gather(all, tensor(places, { shape: [places.length], dtype: 'i32' }));
}

/** Those frames clip by clip, (M, T, ...), and zeros where there is none. */
function spread(frames: Tensor, { M, lengths }: Present, T: number): Tensor {
  const [P = 0, ...rest] = frames.shape;
  const shape = [M, T, ...rest];
  if (P === M * T) return reshape(frames, shape);
  let next = 0;
  const places = lengths.flatMap((length) =>
    Array.from({ length: T }, (_, t) => (t < length ? next++ : P)),
  );
  const withZeros = concat([frames, zeros([1, ...rest], frames.dtype)], 0);
  return gather(withZeros, tensor(places, { shape: [M, T], dtype: 'i32' }));
}

/** @throws ShapeError unless x has the form that the captioner takes */
function checkFrames(config: FullVideoConfig, x: Tensor): void {
  const { cnn, featureSize: D, frames, combine, attention } = config;
  const [M = 0, T = 0, ...frame] = x.shape;
  const [, H = 1, W = 1] = attention?.locations ?? [];
  const needed = cnn ? [3, cnn.size, cnn.size] : seesGrids(config) ? [H * W, D] : [D];
  if (showShape(frame) !== showShape(needed)) {
    throw new ShapeError(
      `clips ${showShape(x.shape)} must be (M, T, ${needed.join(', ')}): M clips of T frames`,
    );
  }
  if (T === 0 && M > 0) throw new ShapeError(`clips ${showShape(x.shape)} have no frames`);
  if (combine === 'attention' && T > frames) {
    throw new ShapeError(
      `clips ${showShape(x.shape)} have more than the ${frames} frames that the captioner sees`,
    );
  }
}
