/** All that the training loop knows of what it trains. */
import type { TensorTree } from '../autograd/tree.js';
import { randomAt } from '../random.js';

/** Parameters that one optimiser moves. */
export interface ParameterGroup {
  readonly name: string;
  readonly parameters: TensorTree;
  /** Of the recipe's rate, 0 or more. */
  readonly share: number;
}

/** Gradients by the names of groups. Those of one update are clipped together; a group may be left out. */
export type Update = Readonly<Record<string, TensorTree>>;

/** What was added up, by name: the mean is total / count. `loss` is always there, in nats or what it is. */
export type Sums = Readonly<Record<string, { readonly total: number; readonly count: number }>>;

/** Means, by name: of an epoch of training, or measured on dev. */
export type Measures = Readonly<Record<string, number>>;

/** What `JSON.stringify` keeps as it is. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * One step: gradients of one update are handed out, the loop moves the parameters, and the next ones are
 * computed from those (a GAN's two). At the end it returns what it measured. The loop opens a scope around
 * each step.
 */
export type Step = () => AsyncGenerator<Update, Sums, void>;

/** Something to learn: a model, its data and its loss. */
export interface Task {
  readonly groups: readonly ParameterGroup[];
  readonly batchesPerEpoch: number;
  /** What the count of `loss` counts: words, pictures. */
  readonly unit: string;
  /**
   * The steps of an epoch (from 0) from batch number `from` on. Order and all that is drawn are a pure
   * function of seed, epoch and batch: see `randomAt`.
   */
  steps(epoch: number, from: number): Iterable<Step>;
  /** Measures on dev: `loss` and whatever else. Changes nothing. */
  measure(): Promise<Measures>;
  /** What measures on dev are worth: the epoch with the most is the best one. */
  worth(dev: Measures): number;
  /** Numbers that training carries along, for the model file. */
  save?(): Json;
  /** Takes back what `save` gave. @throws FormatError for anything else */
  restore?(saved: unknown): void;
  /**
   * Names the inputs that are not finite, of the last step or of dev, and what to do; undefined: all are.
   * See `imagesNotFinite`.
   */
  badInputs?(on: 'train' | 'dev'): string | undefined | Promise<string | undefined>;
}

/**
 * The batches of an epoch over `count` examples, from number `from` on: places of examples, each once, in an
 * order of the epoch's own. The last batch may be smaller.
 */
export function* shuffledBatches(
  count: number,
  { seed, batchSize }: { readonly seed: number; readonly batchSize: number },
  epoch: number,
  from = 0,
): Generator<{ readonly batch: number; readonly indices: Int32Array }> {
  const order = randomAt(seed, 'order', epoch).shuffle(
    Int32Array.from({ length: count }, (_, i) => i),
  );
  for (let batch = from; batch * batchSize < count; batch++) {
    yield { batch, indices: order.subarray(batch * batchSize, (batch + 1) * batchSize) };
  }
}
