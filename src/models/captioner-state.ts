/** A captioner step by step: the state that goes from word to word when it decodes. */
import type { TensorTree } from '../autograd/tree.js';
import { selectRows } from '../decoding/word-model.js';
import { ShapeError } from '../errors.js';
import { wordEmbedding } from '../layers/indexing/gather.js';
import { tensor, zeros } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';
import { attentionKeys, named, recurStepWithAttention } from './attention.js';
import type { FullConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { everyImage, imageState } from './image-state.js';
import { normalisedOutput, outputState, wordScores } from './output.js';
import { attentionCell, type CellState, cellState, memoryOf, recurStep } from './recurrent.js';

/** What a captioner carries from word to word. */
export interface CaptionerState extends TensorTree {
  /** `layer1` and so on. */
  readonly layers: { readonly [layer: string]: CellState };
  /**
   * With attention, the grid: values (M, L, E), keys (M, L, A), and image (N) i32, which of the M images
   * each row is about. The same at every step but for `image`.
   */
  readonly grid: TensorTree;
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
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
}

/** The state before the first word: see `Captioner.start`. */
export function firstState({ config, parameters }: Built, features: Tensor): CaptionerState {
  const { cell, attention, layers } = config;
  const { h, c, values } = imageState(config, parameters, features, (x) => x);
  // h and c may be one tensor, but a state's tensors are disposed one by one.
  const states: Record<string, CellState> = {
    layer1: cellState(cell, h, c === h ? h.clone() : c),
  };
  for (let layer = 2; layer <= layers; layer++) {
    states[`layer${layer}`] = cellState(cell, zeros(h.shape, h.dtype), undefined);
  }
  if (!attention || !values) return { layers: states, grid: {} };
  const keys = attentionKeys(attention.kind, values, parameters.attention);
  const image = everyImage(values);
  return { layers: states, grid: { values, image, ...(keys && { keys }) } };
}

/** One word in, the next state out: see `Captioner.step`. */
export function nextState(
  { config, parameters }: Built,
  { layers, grid }: CaptionerState,
  words: ArrayLike<number>,
  bias: Tensor,
): CaptionerStep {
  const N = words.length;
  const index = tensor(words, { shape: [1, N], dtype: 'i32' });
  let x = wordEmbedding(index, parameters.embedding.W);
  const next: Record<string, CellState> = {};
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
    state: { layers: next, grid },
    ...(attention && { attention }),
  };
}

/** The state of some rows: see `Captioner.select`. */
export function selectState(
  { layers, grid }: CaptionerState,
  rows: ArrayLike<number>,
): CaptionerState {
  const { image } = grid;
  if (!(image instanceof Tensor)) return { layers: selectRows(layers, rows), grid };
  const images = image.dataSync();
  const chosen = Int32Array.from(rows, (row) => images[row] ?? 0);
  return {
    layers: selectRows(layers, rows),
    grid: { ...grid, image: tensor(chosen, { dtype: 'i32' }) },
  };
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
  const { h } = state;
  const c = memoryOf(state);
  const weights = { cell: attentionCell(parameters), attention: parameters.attention };
  return recurStepWithAttention(attention, cell, { x, values, image, h, c, ...weights }, keys);
}
