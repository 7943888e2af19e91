import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { ShapeError } from '../errors.js';
import {
  additiveAttention,
  additiveAttentionForward,
  additiveKeys,
  hardAttention,
  hardAttentionForward,
} from '../layers/attention/additive.js';
import type { AttentionCell } from '../layers/attention/attention.js';
import { dotAttention, dotAttentionForward, dotKeys } from '../layers/attention/dot.js';
import type { GateParameters } from '../layers/attention/gate.js';
import { locationAttention, locationAttentionForward } from '../layers/attention/location.js';
import type { Random } from '../random.js';
import { randomNormal, zeros } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';
import type { AttentionConfig, Cell } from './captioner-config.js';

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

/**
 * Initial parameters of a kind of attention. Scores are small at first, so that it begins with a
 * look at everything.
 */
export function initialLook(
  { kind, size: A, valueSize: E, locations: [height, width], gate }: AttentionConfig,
  H: number,
  random: Random,
  dtype: FloatDType,
): TensorTree {
  const weights = (inputs: number, outputs: number, gain = 1) =>
    randomNormal(random, [inputs, outputs], gain / Math.sqrt(inputs), dtype);
  const L = height * width;
  const look = {
    location: () => ({ W: weights(H, L, 0.1), b: zeros([L], dtype) }),
    dot: () => ({ Wk: weights(E, A), Wq: weights(H, A) }),
    additive: () => ({
      Wk: weights(E, A),
      Wq: weights(H, A),
      b: zeros([A], dtype),
      v: randomNormal(random, [A], 1 / Math.sqrt(A), dtype),
    }),
  };
  const own = look[kind === 'hard' ? 'additive' : kind]();
  return gate ? { ...own, gate: { W: weights(H, 1), b: zeros([1], dtype) } } : own;
}

/**
 * The cell and its attention over all steps, as an op.
 * @param uniform of a hard attention in training: what decides where it looks.
 */
export function attend(
  kind: AttentionConfig['kind'],
  cell: Cell,
  { x, values, image, h, c, cell: weights, look }: Attending,
  uniform?: ArrayLike<number>,
): { h: Tensor; looked: Tensor } {
  const options = { cell, image, timeMajor: true } as const;
  const gate = gateOf(look);
  switch (kind) {
    case 'location':
      return locationAttention(
        x,
        values,
        h,
        c,
        weights,
        { ...named(look, 'W', 'b'), ...gate },
        options,
      );
    case 'dot':
      return dotAttention(
        x,
        values,
        h,
        c,
        weights,
        { ...named(look, 'Wk', 'Wq'), ...gate },
        options,
      );
    case 'additive':
      return additiveAttention(x, values, h, c, weights, { ...additive(look), ...gate }, options);
    case 'hard':
      return hardAttention(
        x,
        values,
        h,
        c,
        weights,
        { ...additive(look), ...gate },
        {
          ...options,
          look: { uniform },
        },
      );
  }
}

/** What of an attention stays the same over all steps, for `attendStep`; undefined when nothing does. */
export function attentionKeys(
  kind: AttentionConfig['kind'],
  values: Tensor,
  look: TensorTree,
): Tensor | undefined {
  if (kind === 'dot') return dotKeys(values, named(look, 'Wk', 'Wq'));
  if (kind === 'location') return undefined;
  return additiveKeys(values, additive(look));
}

/** One step (T = 1) without a tape: for decoding. A hard attention takes the likeliest place. */
export function attendStep(
  kind: AttentionConfig['kind'],
  cell: Cell,
  { x, values, image, h, c, cell: weights, look }: Attending,
  keys: Tensor | undefined,
): { h: Tensor; c: Tensor | undefined; looked: Tensor } {
  const options = { cell, image, timeMajor: true } as const;
  const withKeys = { ...options, look: { keys } };
  const gate = gateOf(look);
  const step = () => {
    switch (kind) {
      case 'location':
        return locationAttentionForward(
          x,
          values,
          h,
          c,
          weights,
          { ...named(look, 'W', 'b'), ...gate },
          options,
        );
      case 'dot':
        return dotAttentionForward(
          x,
          values,
          h,
          c,
          weights,
          { ...named(look, 'Wk', 'Wq'), ...gate },
          withKeys,
        );
      case 'additive':
        return additiveAttentionForward(
          x,
          values,
          h,
          c,
          weights,
          { ...additive(look), ...gate },
          withKeys,
        );
      case 'hard':
        return hardAttentionForward(
          x,
          values,
          h,
          c,
          weights,
          { ...additive(look), ...gate },
          withKeys,
        );
    }
  };
  const { h: all, looked, lastC } = step();
  return { h: all.at(0), c: lastC, looked: looked.at(0) };
}

function additive(look: TensorTree) {
  return named(look, 'Wk', 'Wq', 'b', 'v');
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
