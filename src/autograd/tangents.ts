/** Forward mode: how a small change of one tensor goes on through ops, in ops, so that a tape may run over it. */
import type { Storage } from '../engine/heap.js';
import { ShapeError, ValueError } from '../errors.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { leavesOf } from './tree.js';

/** The change of a tensor, of its shape; undefined where it does not change. */
export type TangentOf = (tensor: Tensor) => Tensor | undefined;

/** How the changes of an op's arguments change its result. */
export interface TangentRule {
  readonly op: unknown;
  along(tangentOf: TangentOf, args: readonly unknown[], out: unknown): unknown;
}

/**
 * A rule for an op: from the changes of its arguments, its arguments and its result, the change of the result, in the
 * same form. It is made of ops, so that a tape can go back through it, and it is called only where some argument changes.
 */
export function tangentRule<A extends readonly unknown[], R>(
  op: (...args: A) => R,
  along: (tangentOf: TangentOf, args: A, out: R) => R,
): TangentRule {
  return { op, along };
}

/** What changes so far, and by how much. */
interface Changes {
  readonly rules: ReadonlyMap<unknown, TangentRule>;
  readonly tangents: Map<Tensor, Tensor>;
  readonly memory: Set<Storage>;
}

let running: Changes | undefined;

/** Whether changes are followed, so that what ops return may still be needed. */
export function followsChanges(): boolean {
  return running !== undefined;
}

/**
 * The value of a function of ops, and how it changes along a direction:
 *
 *     tangent = lim (f(x + h direction) - f(x)) / h   for h to 0
 *
 * computed beside the value, exactly, by a rule for each op that the change meets. Where a tape is running both are on
 * it: its backward pass through the tangent is a second derivative. The tangent is undefined where f does not depend on x.
 * Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
 * @throws ValueError for an op without a rule; ShapeError when the direction has not the shape of x.
 */
export function alongDirection(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  direction: Tensor,
  rules: Iterable<TangentRule>,
): { value: Tensor; tangent: Tensor | undefined } {
  if (showShape(direction.shape) !== showShape(x.shape)) {
    throw new ShapeError(
      `alongDirection: the direction ${showShape(direction.shape)} must have the shape of x, ${showShape(x.shape)}`,
    );
  }
  const changes: Changes = {
    rules: new Map(Array.from(rules, (rule) => [rule.op, rule])),
    tangents: new Map([[x, direction]]),
    memory: new Set([x.storage]),
  };
  const value = within(changes, () => f(x));
  return { value, tangent: changes.tangents.get(value) };
}

/**
 * Follows changes through a call of an op.
 * @param inputs the arguments that it has gradients of.
 * @throws ValueError when a change meets an op without a rule, or a view of what changes.
 */
export function follow(
  op: unknown,
  name: string,
  args: readonly unknown[],
  inputs: readonly Tensor[],
  out: unknown,
): void {
  const changes = running;
  if (!changes) return;
  const { tangents, memory, rules } = changes;
  const view = inputs.find((input) => !tangents.has(input) && memory.has(input.storage));
  if (view) {
    throw new ValueError(
      `${name} was given a view ${showShape(view.shape)} of a tensor whose changes are followed: they would be lost. Use the ops reshape and slice instead of the methods view, slice and at`,
    );
  }
  if (!inputs.some((input) => tangents.has(input))) return;
  const rule = rules.get(op);
  if (!rule) {
    throw new ValueError(
      `${name} has no rule for changes, which second derivatives (a gradient penalty) need: use another layer there, or give a tangentRule for it`,
    );
  }
  const found = within(undefined, () => rule.along((tensor) => tangents.get(tensor), args, out));
  const byPath = new Map(leavesOf(found));
  for (const [path, output] of leavesOf(out)) {
    const tangent = byPath.get(path);
    if (!tangent || showShape(tangent.shape) !== showShape(output.shape)) {
      throw new ShapeError(
        `the rule for changes of ${name} returned ${tangent ? showShape(tangent.shape) : 'nothing'} for a result of shape ${showShape(output.shape)}`,
      );
    }
    tangents.set(output, tangent);
    memory.add(output.storage);
  }
}

function within<T>(changes: Changes | undefined, work: () => T): T {
  const outer = running;
  running = changes;
  try {
    return work();
  } finally {
    running = outer;
  }
}
