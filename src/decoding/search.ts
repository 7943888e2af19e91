/** The loop that all decoders share: a step of the model, then a choice of rows. */
import { leaves, type TensorTree } from '../autograd/tree.js';
import { scope } from '../engine/engine.js';
import { emptyPath, type Path } from './hypothesis.js';
import { ScoredStep } from './scored-step.js';
import type { StepModel } from './word-model.js';

/** A path that goes on, and the row of this step that it comes from. */
export interface Continuation {
  readonly path: Path;
  readonly row: number;
}

/** A search for captions: how it chooses at each step, and what it found in the end. */
export interface Search {
  /**
   * Chooses the next words. `paths[r]` is the path in row r; at the first call there is one for
   * each image. Returns the rows of the next step; finished paths are kept by the search.
   */
  choose(step: ScoredStep, paths: readonly Path[]): Continuation[];
  /** The paths found for each image, best first. `paths` are the rows that ran out of length. */
  finish(paths: readonly Path[]): Path[][];
}

/**
 * The loop around every decoder: one step of the model for all rows of all images at once, then
 * the search says which rows go on.
 *
 * @param prefix words that every caption starts with; they are scored like others.
 * @param maxLength steps, so a caption has at most so many words.
 */
export function runSearch<S extends TensorTree, I>(
  model: StepModel<S, I>,
  inputs: I,
  search: Search,
  { prefix = [], maxLength }: { prefix?: readonly number[]; maxLength: number },
): Path[][] {
  const images = model.imageCount(inputs);
  let paths: Path[] = Array.from({ length: images }, () => emptyPath(model.startWord));
  using outer = scope();
  let state = images > 0 ? model.start(inputs) : undefined;
  for (let t = 0; t < maxLength && state && paths.length > 0; t++) {
    using inner = scope();
    const result = model.step(
      state,
      Int32Array.from(paths, ({ word }) => word),
    );
    const step = new ScoredStep(result);
    const forced = prefix[t];
    const next: Continuation[] =
      forced === undefined
        ? search.choose(step, paths)
        : paths.map((path, row) => ({ path: step.extend(path, row, forced), row }));
    const rows = next.map(({ row }) => row);
    const selected = isEveryRow(rows, paths.length)
      ? result.state
      : model.select(result.state, rows);
    inner.keep(selected);
    release(outer, state, selected);
    state = selected;
    paths = next.map(({ path }) => path);
  }
  return search.finish(paths);
}

function isEveryRow(rows: readonly number[], count: number): boolean {
  return rows.length === count && rows.every((row, place) => row === place);
}

/** Frees the tensors of `state`, except for those that `next` still needs. */
function release(owner: ReturnType<typeof scope>, state: TensorTree, next: TensorTree): void {
  const needed = new Set(Array.from(leaves(next), ([, leaf]) => leaf.storage));
  for (const [, leaf] of leaves(state)) if (!needed.has(leaf.storage)) owner.release(leaf);
}
