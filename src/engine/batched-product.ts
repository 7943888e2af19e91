/** A batched product: many matrix products of the same sizes, shared by threads. */
import type { Blas, FloatDType } from './blas.js';
import type { RawKernel } from './crew.js';
import type { Heap, HeapArray } from './heap.js';
import type { ThreadPool } from './pool.js';

/** A batch of matrices of one size on the heap. */
export interface Matrices {
  /** The first element of the first one. */
  readonly at: HeapArray;
  /** Elements from one row to the next. */
  readonly line: number;
  /** Elements from one matrix to the next; 0 for one and the same. */
  readonly apart: number;
  readonly transposed?: boolean;
}

/**
 * The batched product of a library, divided among the threads of a pool. While they share it, the library
 * keeps to the thread that called it.
 */
export function sharedBatchedProduct(
  blas: Blas,
  pool: ThreadPool,
  heap: Heap,
): Readonly<Record<FloatDType, RawKernel>> {
  const of = (dtype: FloatDType): RawKernel => {
    const View = dtype === 'f32' ? Float32Array : Float64Array;
    const shared = pool.batchedProduct(
      dtype,
      oneAfterTheOther((transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
        const { buffer } = heap.memory;
        const [va, vb, vc] = [new View(buffer, a), new View(buffer, b), new View(buffer, c)];
        blas.gemm(transA !== 0, transB !== 0, m, n, k, alpha, va, lda, vb, ldb, beta, vc, ldc);
      }),
    );
    return (...args) => {
      const threads = blas.threads();
      if (threads > 1) blas.setThreads(1);
      try {
        return shared(...args);
      } finally {
        if (threads > 1) blas.setThreads(threads);
      }
    };
  };
  return { f32: of('f32'), f64: of('f64') };
}

/** One product: transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc; matrices as byte offsets. */
type ProductAt = (
  transA: number,
  transB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

/**
 * A product as a kernel that computes a batch of them: after its arguments come the bytes from one A, B and C
 * to the next, and how many there are.
 */
function oneAfterTheOther(product: ProductAt): RawKernel {
  return (...args) => {
    const [transA = 0, transB = 0, m = 0, n = 0, k = 0, alpha = 0, a = 0, lda = 0, b = 0, ldb = 0] =
      args;
    const [beta = 0, c = 0, ldc = 0, strideA = 0, strideB = 0, strideC = 0, count = 0] =
      args.slice(10);
    for (let i = 0; i < count; i++) {
      const [ai, bi, ci] = [a + i * strideA, b + i * strideB, c + i * strideC];
      product(transA, transB, m, n, k, alpha, ai, lda, bi, ldb, beta, ci, ldc);
    }
    return undefined;
  };
}
