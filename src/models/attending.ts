import type { TensorTree } from '../autograd/tree.js';
import { ShapeError } from '../errors.js';
import type { AttentionCell, AttentionPair } from '../layers/attention/attention.js';
import type { GateParameters } from '../layers/attention/mechanism.js';
import {
  type AdditiveParameters,
  additiveKeys,
  additivePair,
  dotKeys,
  dotPair,
  hardPair,
  locationPair,
} from '../layers/attention/scored.js';
import { windowPair } from '../layers/attention/window.js';
import { Tensor } from '../tensor/tensor.js';
import type { AttentionKind, Cell, FullAttention } from './captioner-config.js';
import { constant, normal, type ShapeTree } from './parameters.js';

/** A cell with attention at work: what goes into it besides its weights. */
export interface Attending {
  /** (T, N, W): words, or what else the cell reads. */
  readonly x: Tensor;
  /** (M, L, E). */
  readonly values: Tensor;
  /** (N) i32: which image each row is about. */
  readonly image: Tensor;
  readonly h: Tensor;
  readonly c: Tensor | undefined;
  readonly cell: AttentionCell;
  readonly look: TensorTree;
}

/** C: length of what is seen at a step. */
export function contextSize(attention: FullAttention): number {
  const points = attention.kind === 'spatial-transformer' ? attention.glimpse ** 2 : 1;
  return points * attention.valueSize;
}

/**
 * Initial parameters of a kind of attention. Scores are small at first, so that it begins with a
 * look at everything; a window begins as the whole grid.
 */
export function lookShapes(
  { kind, size: A, valueSize: E, locations: [height, width], gate, centre }: FullAttention,
  H: number,
): ShapeTree {
  const weights = (inputs: number, outputs: number, gain = 1) =>
    normal([inputs, outputs], gain / Math.sqrt(inputs));
  const L = height * width;
  const additive = () => ({
    Wk: weights(E, A),
    Wq: weights(H, A),
    b: constant([A]),
    v: normal([A], 1 / Math.sqrt(A)),
  });
  const dot = () => ({ Wk: weights(E, A), Wq: weights(H, A) });
  const look = {
    location: () => ({ W: weights(H, L, 0.1), b: constant([L]) }),
    dot,
    additive,
    hard: additive,
    'spatial-transformer': () => ({
      W: constant([H, 6]),
      b: constant([6]),
      ...(centre === 'places' && { centre: additive() }),
    }),
  };
  const own = look[kind]();
  return gate ? { ...own, gate: { W: weights(H, 1), b: constant([1]) } } : own;
}

/** What only some kinds of attention want to know. */
interface Extras {
  readonly attention: FullAttention;
  /** Of `attentionKeys`, so that they are not computed again at each step. */
  readonly keys?: Tensor | undefined;
  /** Of a hard attention in training: what decides where it looks. */
  readonly uniform?: ArrayLike<number> | undefined;
}

type Attend<Result> = (cell: Cell, attending: Attending, extras: Extras) => Result;

/** A kind of attention for a captioner: over all steps as an op, and for one step without a tape. */
interface Kind {
  readonly attend: Attend<{ h: Tensor; context: Tensor; looked: Tensor }>;
  readonly step: Attend<{ h: Tensor; context: Tensor; looked: Tensor; lastC: Tensor | undefined }>;
}

function kindOf<P extends TensorTree, O>(
  pair: AttentionPair<P, O>,
  parametersOf: (look: TensorTree) => P,
  optionsOf: (extras: Extras) => O,
): Kind {
  const parameters = (look: TensorTree) => ({ ...parametersOf(look), ...gateOf(look) });
  const options = (cell: Cell, image: Tensor, extras: Extras) => ({
    cell,
    image,
    timeMajor: true,
    attention: optionsOf(extras),
  });
  return {
    attend: (cell, { x, values, image, h, c, cell: weights, look }, extras) =>
      pair.op(x, values, h, c, weights, parameters(look), options(cell, image, extras)),
    step: (cell, { x, values, image, h, c, cell: weights, look }, extras) =>
      pair.forward(x, values, h, c, weights, parameters(look), options(cell, image, extras)),
  };
}

const oneMap = (look: TensorTree) => named(look, 'W', 'b');
const smallNetwork = (look: TensorTree) => named(look, 'Wk', 'Wq', 'b', 'v');
const queryAndKeys = (look: TensorTree) => named(look, 'Wk', 'Wq');
const movedWindow = (look: TensorTree) => ({
  ...oneMap(look),
  ...centreOf(look),
});

const kinds: Readonly<Record<AttentionKind, Kind>> = {
  location: kindOf(locationPair, oneMap, () => undefined),
  dot: kindOf(dotPair, queryAndKeys, ({ keys }) => ({ keys })),
  additive: kindOf(additivePair, smallNetwork, ({ keys }) => ({ keys })),
  hard: kindOf(hardPair, smallNetwork, ({ keys, uniform }) => ({ keys, uniform })),
  'spatial-transformer': kindOf(windowPair, movedWindow, ({ attention, keys }) => ({
    locations: attention.locations,
    glimpse: attention.glimpse,
    keys,
  })),
};

/**
 * The cell and its attention over all steps, as an op.
 * @param uniform of a hard attention in training: what decides where it looks.
 */
export function attend(
  attention: FullAttention,
  cell: Cell,
  attending: Attending,
  uniform?: ArrayLike<number>,
): { h: Tensor; context: Tensor; looked: Tensor } {
  return kinds[attention.kind].attend(cell, attending, { attention, uniform });
}

/** What of an attention stays the same over all steps, for `attendStep`; undefined when nothing does. */
export function attentionKeys(
  kind: AttentionKind,
  values: Tensor,
  look: TensorTree,
): Tensor | undefined {
  if (kind === 'dot') return dotKeys(values, queryAndKeys(look));
  const { centre } = centreOf(look);
  if (centre) return additiveKeys(values, centre);
  if (kind === 'additive' || kind === 'hard') return additiveKeys(values, smallNetwork(look));
  return undefined;
}

/** One step (T = 1) without a tape: for decoding; context (1, N, C). A hard attention takes the likeliest place. */
export function attendStep(
  attention: FullAttention,
  cell: Cell,
  attending: Attending,
  keys: Tensor | undefined,
): { h: Tensor; c: Tensor | undefined; context: Tensor; looked: Tensor } {
  const step = kinds[attention.kind].step(cell, attending, { attention, keys });
  const { h, context, looked, lastC } = step;
  return { h: h.at(0), c: lastC, context, looked: looked.at(0) };
}

function centreOf({ centre }: TensorTree): { centre?: AdditiveParameters } {
  return centre && !(centre instanceof Tensor) ? { centre: smallNetwork(centre) } : {};
}

function gateOf({ gate }: TensorTree): { gate?: GateParameters } {
  return gate && !(gate instanceof Tensor) ? { gate: named(gate, 'W', 'b') } : {};
}

/** Some leaves of a tree by their names. @throws ShapeError when one is missing. */
export function named<N extends string>(tree: TensorTree, ...names: N[]): { [K in N]: Tensor } {
  const found: Partial<Record<N, Tensor>> = {};
  for (const name of names) {
    const leaf = tree[name];
    if (!(leaf instanceof Tensor)) {
      throw new ShapeError(
        `the parameters hold no tensor ${name}, only ${Object.keys(tree).join(', ')}`,
      );
    }
    found[name] = leaf;
  }
  return found as { [K in N]: Tensor };
}
