/** A captioner step by step: the state that goes from word to word when it decodes. */

import type { TensorTree } from '../autograd/tree.js';
import { selectRows } from '../decoding/word-model.js';
import { ShapeError } from '../errors.js';
import { wordEmbedding } from '../layers/indexing/gather.js';
import { concat } from '../layers/indexing/pieces.js';
import { tensor, zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { attentionKeys, recurStepWithAttention } from './attention.js';
import type { WordsConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { normalisedOutput, outputState, wordScores } from './output.js';
import { named } from './parameters.js';
import {
  attentionCell,
  type CellState,
  cellState,
  memoryOf,
  readNothingStep,
  recurStep,
} from './recurrent.js';

/** What is known of M images or clips before the first word. */
export interface Seen {
  /** The first states of the recurrent layers, (M, H), from the first layer on; of the others they are zero. */
  readonly states: readonly CellState[];
  /** With attention: the values of the places (M, L, E), and (M, L) u8, 0 where there is no place. */
  readonly places?: { readonly values: Tensor; readonly mask?: Tensor | undefined } | undefined;
  /** Of a captioner with a reader: its state after the last frame. */
  readonly reader?: CellState | undefined;
}

/** What a captioner carries from word to word. */
export interface CaptionerState extends TensorTree {
  /** `layer1` and so on. */
  readonly layers: { readonly [layer: string]: CellState };
  /**
   * With attention, the grid: values (M, L, E), keys (M, L, A), mask (M, L), and image (N) i32, which of the M
   * images each row is about. The same at every step but for `image`.
   */
  readonly grid: TensorTree;
  /** Of a captioner with a reader: its state. */
  readonly reader?: CellState;
}

/** What one word leads to. */
export interface CaptionerStep {
  /** (N, V), for the next word. */
  readonly scores: Tensor;
  readonly state: CaptionerState;
  /** (N, L): the weights of the places, or (N, 6) the numbers of a window; with attention. */
  readonly attention?: Tensor;
}

/** What one step needs of a captioner. */
interface Built {
  readonly config: WordsConfig;
  readonly parameters: CaptionerParameters;
}

/** The state before the first word, a row for each image: see `CaptionModel.start`. */
export function firstState(
  { config: { cell, attention, layers }, parameters }: Built,
  { states, places, reader }: Seen,
): CaptionerState {
  const first: Record<string, CellState> = {};
  const { shape, dtype } = firstOf(states).h;
  for (let layer = 0; layer < layers; layer++) {
    const state = states[layer];
    const h = state?.h ?? zeros(shape, dtype);
    const c = state && memoryOf(state);
    // h and c may be one tensor, but a state's tensors are disposed one by one.
    first[`layer${layer + 1}`] = cellState(cell, h, c === h ? h.clone() : c);
  }
  const read = reader && { reader: cellState(cell, reader.h, memoryOf(reader)) };
  if (!attention || !places) return { layers: first, grid: {}, ...read };
  const { values, mask } = places;
  const keys = attentionKeys(attention.kind, values, parameters.attention);
  const grid = { values, image: everyImage(values), ...(keys && { keys }), ...(mask && { mask }) };
  return { layers: first, grid, ...read };
}

function firstOf([state]: Seen['states']): CellState {
  if (state) return state;
  throw new ShapeError('a captioner needs the first state of its first layer');
}

/** One word in, the next state out: see `CaptionModel.step`. */
export function nextState(
  { config, parameters }: Built,
  { layers, grid, reader }: CaptionerState,
  words: ArrayLike<number>,
  bias: Tensor,
): CaptionerStep {
  const N = words.length;
  const index = tensor(words, { shape: [1, N], dtype: 'i32' });
  let x = wordEmbedding(index, parameters.embedding.W);
  const next: Record<string, CellState> = {};
  const read =
    reader && parameters.reader && readNothingStep(config.cell, reader, parameters.reader);
  if (read) x = concat([x, read.h.view(1, ...read.h.shape)], -1);
  let attention: Tensor | undefined;
  for (const [name, state] of Object.entries(layers)) {
    if (name === 'layer1' && config.attention) {
      const attended = attentionStep({ config, parameters }, x, state, grid);
      attention = attended.attention;
      next[name] = cellState(config.cell, attended.h, attended.c);
      x = outputState(parameters, attended.h.view(1, ...attended.h.shape), attended.context);
    } else {
      const weights = name === 'layer1' ? parameters.cell : parameters.layers[name];
      if (!weights) throw new ShapeError(`the state has a ${name} but the captioner has none`);
      next[name] = recurStep(config.cell, x.view(N, x.size / N), state, weights);
      const { h } = next[name];
      x = h.view(1, ...h.shape);
    }
    x = normalisedOutput(parameters, name, x);
  }
  return {
    scores: wordScores(config, parameters, x, bias).view(N, config.vocabularySize),
    state: { layers: next, grid, ...(read && { reader: read }) },
    ...(attention && { attention }),
  };
}

/** The state of some rows: see `CaptionModel.select`. */
export function selectState(
  { layers, grid, reader }: CaptionerState,
  rows: ArrayLike<number>,
): CaptionerState {
  const { image } = grid;
  const chosen = image instanceof Tensor ? { image: entries(image, rows) } : {};
  return {
    layers: selectRows(layers, rows),
    grid: { ...grid, ...chosen },
    ...(reader && { reader: selectRows(reader, rows) }),
  };
}

/** Some entries of a list of whole numbers. */
function entries(list: Tensor, places: ArrayLike<number>): Tensor {
  const values = list.dataSync();
  return tensor(
    Int32Array.from(places, (place) => values[place] ?? 0),
    { dtype: 'i32' },
  );
}

function attentionStep(
  { config, parameters }: Built,
  x: Tensor,
  state: CellState,
  grid: TensorTree,
) {
  const { cell, attention } = config;
  if (!attention) throw new ShapeError('the captioner has no attention');
  const { values, image } = named(grid, 'values', 'image');
  const keys = grid.keys instanceof Tensor ? grid.keys : undefined;
  const mask = grid.mask instanceof Tensor ? grid.mask : undefined;
  const { h } = state;
  const c = memoryOf(state);
  const weights = { cell: attentionCell(parameters), attention: parameters.attention };
  const inputs = { x, values, mask, image, h, c, ...weights };
  return recurStepWithAttention(attention, cell, inputs, keys);
}

/** Which image each of N rows is about. @throws ShapeError when that is not given and not clear. */
export function imagesOf(
  image: ArrayLike<number> | undefined,
  states: Seen['states'],
  N: number,
): Tensor {
  if (image) {
    if (image.length === N) return tensor(image, { shape: [N], dtype: 'i32' });
    throw new ShapeError(
      `captioner: the option image has ${image.length} entries, but there are ${N} captions`,
    );
  }
  const { h } = firstOf(states);
  if (h.shape[0] === N) return everyImage(h);
  throw new ShapeError(
    `captioner: ${N} captions but ${h.shape[0]} images, whose first state is h0 ${showShape(h.shape)}: the option image says which caption is about which`,
  );
}

/** The images of M rows (M, ...), each about its own: 0 to M - 1. */
function everyImage({ shape: [M = 0] }: Tensor): Tensor {
  return tensor(
    Int32Array.from({ length: M }, (_, m) => m),
    { dtype: 'i32' },
  );
}
