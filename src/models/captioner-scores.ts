/** The scores of all words of captions under teacher forcing, as ops, and the dropout on their way. */
import { UsageError } from '../errors.js';
import { maskOfRows } from '../layers/attention/soft-and-hard.js';
import { dropout } from '../layers/elementwise/dropout.js';
import { gather, wordEmbedding } from '../layers/indexing/gather.js';
import { concat } from '../layers/indexing/pieces.js';
import type { Random } from '../random.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { recurWithAttention } from './attention.js';
import type { WordsConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { imagesOf, type Seen } from './captioner-state.js';
import { normalisedOutput, outputState, suppressWords, wordScores } from './output.js';
import {
  attentionCell,
  type CellState,
  layersOf,
  memoryOf,
  readNothing,
  recur,
} from './recurrent.js';

/** Dropout in one pass of training; outside of it both give x back. */
export interface Drop {
  /** Of what goes from step to step, x (T, N, ...): with the kind `variational` the same values at every step. */
  steps(x: Tensor): Tensor;
  /** Of values that belong to no step. */
  values(x: Tensor): Tensor;
}

/** No dropout, as outside of training. */
export const noDrop: Drop = { steps: (x) => x, values: (x) => x };

/** @param draw gives the numbers that it draws from; asked only where there is dropout. */
export function dropFor({ dropout: rate, dropoutKind }: WordsConfig, draw: () => Random): Drop {
  if (rate === 0) return noDrop;
  const dropped = (x: Tensor, locked: boolean) =>
    dropout(x, { rate, seed: draw().uint32(), locked });
  return {
    steps: (x) => dropped(x, dropoutKind === 'variational'),
    values: (x) => dropped(x, false),
  };
}

/** Where numbers for training come from. @throws UsageError when they are needed and not given */
export function drawFrom(random: Random | undefined): () => Random {
  return () => {
    if (random) return random;
    throw new UsageError(
      'dropout and hard attention draw in training: give the option random, such as randomAt(seed, "loss", epoch, batch), or a dropout of 0',
    );
  };
}

/** How captions are scored. */
interface ScoresOptions {
  readonly drop: Drop;
  /** Which of the M images each of the N captions is about (default the n-th, for M = N). */
  readonly image?: ArrayLike<number> | undefined;
  /** Words of probability 0. */
  readonly suppressed?: readonly number[] | undefined;
  /** In training: draws the places of a hard attention; without it the likeliest are taken. */
  readonly draw?: (() => Random) | undefined;
}

/** Where was looked for each word. */
export interface Looked {
  /** (T, N, L): the weights of the places, or (T, N, 6) the numbers of a window. */
  readonly attention: Tensor;
  /** (N, L) u8: 0 where there is no place; all are there without it. */
  readonly places?: Tensor | undefined;
  /** Of a hard attention in training: the numbers that chose its places. */
  readonly uniform: Float64Array | undefined;
}

/** What captions score, and with attention where was looked meanwhile. */
export interface ForcedScores {
  /** (T, N, V). */
  readonly scores: Tensor;
  readonly looked: Looked | undefined;
}

/**
 * Scores (T, N, V) of the next words when the words `input` (T, N) go in.
 * @param seen of M images or clips: see `CaptionModel.see`.
 * @throws ShapeError when it is not clear which caption is about which image.
 */
export function forcedScores(
  config: WordsConfig,
  parameters: CaptionerParameters,
  seen: Seen,
  input: Tensor,
  { drop, image, suppressed = [], draw }: ScoresOptions,
): ForcedScores {
  const { cell, attention, hiddenSize } = config;
  const [T = 0, N = 0] = input.shape;
  const about = imagesOf(image, seen.states, N);
  const ofRows = (state: CellState) => {
    const { h } = state;
    const c = memoryOf(state);
    return image ? { h: gather(h, about), c: c && gather(c, about) } : { h, c };
  };
  let x = drop.steps(wordEmbedding(input, parameters.embedding.W));
  let looked: Looked | undefined;
  for (const [index, [name, weights]] of layersOf(parameters).entries()) {
    const state = seen.states[index];
    const { h, c } = state ? ofRows(state) : { h: zeros([N, hiddenSize], x.float), c: undefined };
    if (index > 0) {
      x = recur(cell, drop.steps(x), h, c, weights);
    } else if (attention && seen.places) {
      const uniform = attention.kind === 'hard' && draw ? uniformNumbers(draw(), T * N) : undefined;
      const own = { cell: attentionCell(parameters), attention: parameters.attention };
      const inputs = { x, ...seen.places, image: about, h, c, ...own };
      const layer = recurWithAttention(attention, cell, inputs, uniform);
      x = outputState(parameters, layer.h, layer.context);
      const { mask } = seen.places;
      looked = { attention: layer.attention, places: mask && maskOfRows(mask, about), uniform };
    } else {
      const { reader } = parameters;
      if (reader && seen.reader) {
        const read = readNothing(cell, T, ofRows(seen.reader), reader);
        x = concat([x, drop.steps(read)], -1);
      }
      x = recur(cell, x, h, c, weights);
    }
    x = normalisedOutput(parameters, name, x);
  }
  const bias = suppressWords(parameters.vocabulary.b, suppressed);
  return { scores: wordScores(config, parameters, drop.steps(x), bias), looked };
}

function uniformNumbers(random: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => random.uniform());
}
