/**
 * Puts a computation off until somebody asks for its result, which is then kept.
 *
 * For the gradients that cost a product and that few callers need, as properties of what a backward
 * pass returns:
 *
 * ```ts
 * const dx = once(() => matmul(dout, transposed(W)));
 * return { get dx() { return dx(); }, dW, db };
 * ```
 * A tensor that is made so belongs to the scope in which it is first asked for.
 */
export function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}
