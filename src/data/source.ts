/** Where examples come from: all that a task asks of its data. */

/** Examples by their places, as batches B. */
export interface Source<B> {
  /** Number of examples. */
  readonly size: number;
  /**
   * The examples at these places, in this order. Tensors belong to the current scope.
   * @param epoch of training, where examples change a little from epoch to epoch: a pure function of place and
   *   epoch, so that a resumed run gets the same. Without it they are as they are measured on.
   */
  batch(indices: ArrayLike<number>, epoch?: number): B;
}
