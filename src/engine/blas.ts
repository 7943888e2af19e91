/** What a platform offers the engine: a BLAS, and threads. */
import type { Threads } from './crew.js';

/** The two element types that the kernels and the matrix product are made for. */
export type FloatDType = 'f32' | 'f64';

/** A system library with the CBLAS interface, opened by the platform. */
export interface Blas {
  /** Name and version as far as the library tells, e.g. `OpenBLAS 0.3.21 (SkylakeX)`. */
  readonly name: string;
  /** The file that was opened. */
  readonly path: string;
  /** Threads that the library will use; 0 when it does not tell. */
  threads(): number;
  /** Sets the number of threads, where the library allows it. */
  setThreads(count: number): void;
  /**
   * Row-major C = alpha op(A) op(B) + beta C on views of the heap that start at each matrix;
   * op(A) is m x k, op(B) is k x n, and ld* are row lengths in elements.
   */
  gemm(
    transA: boolean,
    transB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: Float32Array | Float64Array,
    lda: number,
    b: Float32Array | Float64Array,
    ldb: number,
    beta: number,
    c: Float32Array | Float64Array,
    ldc: number,
  ): void;
}

/** What a platform offers beyond WebAssembly. Found through the `#platform` import. */
export interface Platform {
  /** Opens the system's BLAS, or says why there is none. */
  openBlas(): Blas | { readonly absent: string };
  /** What `GLIMPSE_THREADS` says, where there is such a thing. */
  threadsChoice(): string | undefined;
  /** How to start threads that share memory, and as many as there are processors; or why that is not allowed. */
  openThreads(): Threads | { readonly absent: string };
}
