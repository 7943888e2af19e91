/** The tape: records ops, and runs them backward. */
import { scope } from '../engine/engine.js';
import type { Storage } from '../engine/heap.js';
import { ShapeError, ValueError } from '../errors.js';
import { addInPlace, sumOf } from '../tensor/arithmetic.js';
import { full, zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { mapTree, type TensorTree } from './tree.js';

/** One call of an op: what went in, what came out, and how to send cotangents back. */
interface Entry {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  /**
   * Cotangents of the outputs in, gradients of the inputs out (undefined: none flows there).
   * `wanted` says for each input whether its gradient will be used: another may be left out.
   */
  readonly backward: (
    cotangents: readonly Tensor[],
    wanted: readonly boolean[],
  ) => readonly (Tensor | undefined)[];
}

/** The calls of a stretch of work, in order, and which tensors depend on its parameters. */
class Tape {
  readonly entries: Entry[] = [];
  readonly tracked = new Set<Tensor>();
  readonly #memory = new Set<Storage>();

  track(tensor: Tensor): void {
    this.tracked.add(tensor);
    this.#memory.add(tensor.storage);
  }

  /** Whether a tensor is another view of memory that depends on a parameter. */
  isUntrackedView(tensor: Tensor): boolean {
    return !this.tracked.has(tensor) && this.#memory.has(tensor.storage);
  }
}

let recording: Tape | undefined;

/** Whether a tape is running, so that what ops return may still be needed for their backward passes. */
export function isRecording(): boolean {
  return recording !== undefined;
}

/**
 * Puts a call on the tape that is running, if any of its inputs depends on a parameter.
 * @throws ValueError when an input is a view() or slice() of such a tensor: no gradient would flow.
 */
export function record(entry: Entry): void {
  const tape = recording;
  if (!tape) return;
  for (const input of entry.inputs) {
    if (!input || !tape.isUntrackedView(input)) continue;
    throw new ValueError(
      `an op was given a view ${showShape(input.shape)} of a tensor that depends on a parameter: its gradient would be lost. Use the ops reshape and slice instead of the methods view, slice and at`,
    );
  }
  if (!entry.inputs.some((input) => input && tape.tracked.has(input))) return;
  tape.entries.push(entry);
  for (const output of entry.outputs) tape.track(output);
}

/**
 * The value of a scalar function of a parameter tree, and its gradient with respect to every leaf,
 * by reverse-mode differentiation: the tape of ops is run backwards, cotangents of a tensor that
 * was used more than once are added.
 *
 * Value and gradients belong to the scope that is open around the call; everything between is
 * gone when it returns. A call within `f` of another has a tape of its own: for the outer one its results are
 * constants. A tensor that stands under two names (tied weights) has
 * its whole gradient under the first and zeros under the second.
 *
 * @throws ShapeError when `f` returns more than one element.
 */
export function valueAndGradients<P extends TensorTree>(
  f: (parameters: P) => Tensor,
  parameters: P,
): { value: Tensor; gradients: P } {
  using work = scope();
  const tape = new Tape();
  const outer = recording;
  recording = tape;
  let value: Tensor;
  try {
    mapTree(parameters, (leaf) => {
      tape.track(leaf);
      return leaf;
    });
    value = f(parameters);
  } finally {
    recording = outer;
  }
  if (value.size !== 1) {
    throw new ShapeError(
      `valueAndGradients needs a scalar, but the function returned ${showShape(value.shape)}: reduce it to a loss`,
    );
  }
  const cotangents = new Cotangents(tape.tracked);
  cotangents.add(value, full(value.shape, 1, value.dtype));
  for (const entry of tape.entries.reverse()) {
    if (!entry.outputs.some((output) => cotangents.of(output))) continue;
    const incoming = entry.outputs.map(
      (output) => cotangents.of(output) ?? zeros(output.shape, output.dtype),
    );
    const wanted = entry.inputs.map((input) => input !== undefined && tape.tracked.has(input));
    for (const [index, gradient] of entry.backward(incoming, wanted).entries()) {
      const input = entry.inputs[index];
      if (input && gradient) cotangents.add(input, gradient);
    }
  }
  // A parameter that the value does not depend on has gradient zero; one that is used as it is
  // must not share memory with another's gradient.
  const gradients = mapTree(
    parameters,
    (leaf) => cotangents.take(leaf) ?? zeros(leaf.shape, leaf.dtype),
  );
  return work.keep({ value, gradients });
}

/** The running sum of cotangents for each tensor. */
class Cotangents {
  readonly #tracked: ReadonlySet<Tensor>;
  readonly #sums = new Map<Tensor, { readonly sum: Tensor; readonly shared: boolean }>();

  constructor(tracked: ReadonlySet<Tensor>) {
    this.#tracked = tracked;
  }

  of(tensor: Tensor): Tensor | undefined {
    return this.#sums.get(tensor)?.sum;
  }

  /** A backward pass may return a view of a cotangent, so the first gradient is not added to. */
  add(tensor: Tensor, gradient: Tensor): void {
    if (!this.#tracked.has(tensor)) return;
    const known = this.#sums.get(tensor);
    if (!known) {
      this.#sums.set(tensor, { sum: gradient, shared: true });
      return;
    }
    if (known.shared) this.#sums.set(tensor, { sum: sumOf(known.sum, gradient), shared: false });
    else addInPlace(known.sum, gradient);
  }

  /** The sum, in memory that no other gradient shares. */
  take(tensor: Tensor): Tensor | undefined {
    const known = this.#sums.get(tensor);
    if (!known) return undefined;
    this.#sums.delete(tensor);
    const shares = [...this.#sums.values()].some(({ sum }) => sum.storage === known.sum.storage);
    return shares ? known.sum.clone() : known.sum;
  }
}
