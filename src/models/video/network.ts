/** A network for clips: what each of them is, whatever it is made of. */
import type { TensorTree } from '../../autograd/tree.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ShapeTree } from '../parameters.js';

/** Extents of a clip: channels, frames, rows, columns. */
export type ClipShape = readonly [C: number, T: number, H: number, W: number];

/** Some clips as numbers. */
export interface ClipBatch {
  /** (N, C, T, H, W) frames, or (N, T, D) sequences. */
  readonly x: Tensor;
  /** How many steps of each clip count, where not all do; the others change nothing. */
  readonly lengths?: ArrayLike<number> | undefined;
}

/** How a network runs. */
export interface ClipMode {
  /** Whether batch norm goes by the batch, which its running statistics take up. */
  readonly training: boolean;
  /** Dropout, in training; otherwise the identity. */
  drop(x: Tensor): Tensor;
}

/** What a network says of clips. */
export interface ClipScores {
  /** (N, K) */
  readonly scores: Tensor;
  /** (N, T, K): the scores of each step, of networks that have such. */
  readonly steps?: Tensor;
  /** (N, T): what each step counts in `scores`, of networks that weigh them. */
  readonly weights?: Tensor;
}

/** A network for clips of one form, and K classes. */
export interface ClipNetwork {
  /** Shapes and first values of its parameters. */
  readonly shapes: ShapeTree;
  /** The same of the running statistics of its batch norms; none: an empty tree. */
  readonly state: ShapeTree;
  /** Scores of clips, as a function of ops. @throws ShapeError for clips of another form */
  scores(parameters: TensorTree, state: TensorTree, clips: ClipBatch, mode: ClipMode): ClipScores;
}

/** As a network runs on what it is judged by. */
export const judging: ClipMode = { training: false, drop: (x) => x };
