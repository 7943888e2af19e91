/** The kinds of attention that a captioner can have: their parameters, and their layers. */
import type { TensorTree } from '../autograd/tree.js';
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
import { elementCount } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import type { AttentionKind, Cell, PlacesAttention } from './captioner-config.js';
import { constant, named, normal, type ShapeTree } from './parameters.js';

/** What a recurrent layer with attention takes in. */
export interface AttentionInputs {
  /** (T, N, W): word vectors, or other inputs of the cell. */
  readonly x: Tensor;
  /** (M, L, E). */
  readonly values: Tensor;
  /** (M, L) u8: 0 where there is no place; all are there by default. */
  readonly mask?: Tensor | undefined;
  /** (N) i32: which image each row is about. */
  readonly image: Tensor;
  readonly h: Tensor;
  readonly c: Tensor | undefined;
  /** The parameters of the cell, and of the attention. */
  readonly cell: AttentionCell;
  readonly attention: TensorTree;
}

/** C: length of the context vector. */
export function contextSize(attention: PlacesAttention): number {
  const points = attention.kind === 'spatial-transformer' ? attention.glimpse ** 2 : 1;
  return points * attention.valueSize;
}

/**
 * Shapes and first values of an attention's parameters. Scores are small at first, so that all places
 * begin with about the same weight; a window begins as the whole grid.
 */
export function attentionShapes(
  { kind, size: A, valueSize: E, locations, gate, centre }: PlacesAttention,
  H: number,
): ShapeTree {
  const weights = (inputs: number, outputs: number, gain = 1) =>
    normal([inputs, outputs], gain / Math.sqrt(inputs));
  const L = elementCount(locations);
  const additive = () => ({
    Wk: weights(E, A),
    Wq: weights(H, A),
    b: constant([A]),
    v: normal([A], 1 / Math.sqrt(A)),
  });
  const dot = () => ({ Wk: weights(E, A), Wq: weights(H, A) });
  const shapes = {
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
  const own = shapes[kind]();
  return gate ? { ...own, gate: { W: weights(H, 1), b: constant([1]) } } : own;
}

/** Options of some kinds of attention. */
interface Extras {
  readonly attention: PlacesAttention;
  /** Of `attentionKeys`, so that they are not computed again at each step. */
  readonly keys?: Tensor | undefined;
  /** Of a hard attention in training: the numbers that choose its places. */
  readonly uniform?: ArrayLike<number> | undefined;
}

type Layer<Result> = (cell: Cell, inputs: AttentionInputs, extras: Extras) => Result;

/** A kind of attention for a captioner: over all steps as an op, and for one step without a tape. */
interface Kind {
  readonly recur: Layer<{ h: Tensor; context: Tensor; looked: Tensor }>;
  readonly step: Layer<{ h: Tensor; context: Tensor; looked: Tensor; lastC: Tensor | undefined }>;
}

function kindOf<P extends TensorTree, O>(
  pair: AttentionPair<P, O>,
  parametersOf: (tree: TensorTree) => P,
  optionsOf: (extras: Extras) => O,
): Kind {
  const parameters = (tree: TensorTree) => ({ ...parametersOf(tree), ...gateOf(tree) });
  const options = (cell: Cell, { image, mask }: AttentionInputs, extras: Extras) => ({
    cell,
    image,
    mask,
    timeMajor: true,
    attention: optionsOf(extras),
  });
  return {
    recur: (cell, inputs, extras) => {
      const { x, values, h, c, cell: weights, attention } = inputs;
      return pair.op(
        x,
        values,
        h,
        c,
        weights,
        parameters(attention),
        options(cell, inputs, extras),
      );
    },
    step: (cell, inputs, extras) => {
      const { x, values, h, c, cell: weights, attention } = inputs;
      const own = parameters(attention);
      return pair.forward(x, values, h, c, weights, own, options(cell, inputs, extras));
    },
  };
}

const affine = (tree: TensorTree) => named(tree, 'W', 'b');
const additive = (tree: TensorTree) => named(tree, 'Wk', 'Wq', 'b', 'v');
const dot = (tree: TensorTree) => named(tree, 'Wk', 'Wq');
const window = (tree: TensorTree) => ({ ...affine(tree), ...centreOf(tree) });

const kinds: Readonly<Record<AttentionKind, Kind>> = {
  location: kindOf(locationPair, affine, () => undefined),
  dot: kindOf(dotPair, dot, ({ keys }) => ({ keys })),
  additive: kindOf(additivePair, additive, ({ keys }) => ({ keys })),
  hard: kindOf(hardPair, additive, ({ keys, uniform }) => ({ keys, uniform })),
  'spatial-transformer': kindOf(windowPair, window, ({ attention, keys }) => ({
    locations: gridOf(attention.locations),
    glimpse: attention.glimpse,
    keys,
  })),
};

/**
 * A recurrent layer with attention over all steps, as an op; `attention` (T, N, L) holds the weights of
 * the places, or (T, N, 6) the numbers of a window.
 * @param uniform of a hard attention in training: the numbers that choose its places.
 */
export function recurWithAttention(
  config: PlacesAttention,
  cell: Cell,
  inputs: AttentionInputs,
  uniform?: ArrayLike<number>,
): { h: Tensor; context: Tensor; attention: Tensor } {
  const extras = { attention: config, uniform };
  const { h, context, looked } = kinds[config.kind].recur(cell, inputs, extras);
  return { h, context, attention: looked };
}

/** The keys of an attention, the same at all steps, for `recurStepWithAttention`; undefined without. */
export function attentionKeys(
  kind: AttentionKind,
  values: Tensor,
  parameters: TensorTree,
): Tensor | undefined {
  if (kind === 'dot') return dotKeys(values, dot(parameters));
  const { centre } = centreOf(parameters);
  if (centre) return additiveKeys(values, centre);
  if (kind === 'additive' || kind === 'hard') return additiveKeys(values, additive(parameters));
  return undefined;
}

/** One step (T = 1) without a tape: for decoding; context (1, N, C). A hard attention takes the likeliest place. */
export function recurStepWithAttention(
  config: PlacesAttention,
  cell: Cell,
  inputs: AttentionInputs,
  keys: Tensor | undefined,
): { h: Tensor; c: Tensor | undefined; context: Tensor; attention: Tensor } {
  const step = kinds[config.kind].step(cell, inputs, { attention: config, keys });
  const { h, context, looked, lastC } = step;
  return { h: h.at(0), c: lastC, context, attention: looked.at(0) };
}

/** Rows and columns of places. */
function gridOf(locations: readonly number[]): [height: number, width: number] {
  const [width = 1, height = 1] = locations.toReversed();
  return [height, width];
}

function centreOf({ centre }: TensorTree): { centre?: AdditiveParameters } {
  return centre && !(centre instanceof Tensor) ? { centre: additive(centre) } : {};
}

function gateOf({ gate }: TensorTree): { gate?: GateParameters } {
  return gate && !(gate instanceof Tensor) ? { gate: named(gate, 'W', 'b') } : {};
}
