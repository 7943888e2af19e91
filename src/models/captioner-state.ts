import type { TensorTree } from '../autograd/tree.js';
import { selectRows } from '../decoding/word-model.js';
import { ShapeError } from '../errors.js';
import { wordEmbedding } from '../layers/indexing/gather.js';
import { tensor, zeros } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';
import { attendStep, attentionKeys, named } from './attending.js';
import type { FullConfig } from './captioner-config.js';
import type { CaptionerParameters } from './captioner-parameters.js';
import { everyImage, perceive } from './perceiving.js';
import { type CellState, cellState, memoryOf, recurStep } from './recurrent.js';
import { attentionCell, normed, toSay, wordScores } from './saying.js';

/** What a captioner carries from word to word. */
export interface CaptionerState extends TensorTree {
  /** `layer1` and so on. */
  readonly layers: { readonly [layer: string]: CellState };
  /**
   * With attention, what it looks at: values (M, L, E), keys (M, L, A), and image (N) i32, which of
   * the M images each row is about. The same at every step but for `image`.
   */
  readonly scene: TensorTree;
}

/** What comes of one word. */
export interface CaptionerStep {
  /** (N, V), for the next word. */
  readonly scores: Tensor;
  readonly state: CaptionerState;
  /** (N, L): where it looked, with attention. */
  readonly attention?: Tensor;
}

/** A captioner as far as one step needs it. */
interface Built {
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
}

/** The state before the first word: see `Captioner.start`. */
export function firstState({ config, parameters }: Built, features: Tensor): CaptionerState {
  const { cell, attention, layers } = config;
  const { h, c, values } = perceive(config, parameters, features, (x) => x);
  // An image may set h and c alike; a state's tensors are given back one by one.
  const states: Record<string, CellState> = {
    layer1: cellState(cell, h, c === h ? h.clone() : c),
  };
  for (let layer = 2; layer <= layers; layer++) {
    states[`layer${layer}`] = cellState(cell, zeros(h.shape, h.dtype), undefined);
  }
  if (!attention || !values) return { layers: states, scene: {} };
  const keys = attentionKeys(attention.kind, values, parameters.attention);
  const image = everyImage(values);
  return { layers: states, scene: { values, image, ...(keys && { keys }) } };
}

/** One word in, the next state out: see `Captioner.step`. */
export function nextState(
  { config, parameters }: Built,
  { layers, scene }: CaptionerState,
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
      const seen = look({ config, parameters }, x, state, scene);
      attention = seen.looked;
      next[name] = cellState(config.cell, seen.h, seen.c);
      x = toSay(parameters, seen.h.view(1, ...seen.h.shape), seen.context);
    } else {
      const weights = name === 'layer1' ? parameters.cell : parameters.layers[name];
      if (!weights) throw new ShapeError(`the state has a ${name} but the captioner has none`);
      next[name] = recurStep(config.cell, x.view(N, x.size / N), state, weights);
      const { h } = next[name];
      x = h.view(1, ...h.shape);
    }
    x = normed(parameters, name, x);
  }
  return {
    scores: wordScores(config, parameters, x, bias).view(N, config.vocabularySize),
    state: { layers: next, scene },
    ...(attention && { attention }),
  };
}

/** The state of some rows: see `Captioner.select`. */
export function selectState(
  { layers, scene }: CaptionerState,
  rows: ArrayLike<number>,
): CaptionerState {
  const { image } = scene;
  if (!(image instanceof Tensor)) return { layers: selectRows(layers, rows), scene };
  const images = image.dataSync();
  const chosen = Int32Array.from(rows, (row) => images[row] ?? 0);
  return {
    layers: selectRows(layers, rows),
    scene: { ...scene, image: tensor(chosen, { dtype: 'i32' }) },
  };
}

function look({ config, parameters }: Built, x: Tensor, state: CellState, scene: TensorTree) {
  const { cell, attention } = config;
  if (!attention) throw new ShapeError('the captioner has no attention');
  const { values, image } = named(scene, 'values', 'image');
  const keys = scene.keys instanceof Tensor ? scene.keys : undefined;
  const weights = attentionCell(parameters);
  const { h } = state;
  const c = memoryOf(state);
  const attending = { x, values, image, h, c, cell: weights, look: parameters.attention };
  return attendStep(attention, cell, attending, keys);
}
