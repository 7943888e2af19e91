import { platform } from '#platform';
import { OutOfMemoryError, ScopeError } from '../errors.js';
import type { Blas, FloatDType } from './blas.js';
import { Heap, type HeapArray, type Storage } from './heap.js';
import { type Kernels, kernelsBase64 } from './kernels.generated.js';
import { Scope } from './scope.js';

/** The kernels of one element type: `kernels.f32.relu(x, y, n)`. */
export type KernelsOf<D extends FloatDType> = {
  readonly [Name in keyof Kernels as Name extends `${infer Base}_${D}`
    ? Base
    : never]: Kernels[Name];
};

/** Every kernel, whatever its element type: the signatures for f32 and f64 are the same. */
export type FloatKernels = KernelsOf<'f32'>;

/** What the matrix products of a profiled stretch of work cost. */
export interface ProductProfile {
  calls: number;
  /** Floating-point operations: 2 m n k each. */
  flops: number;
  milliseconds: number;
}

/**
 * The one door to the hardware: a heap, the kernels on it, and a matrix product. Everything above
 * is the same in Node and in a browser.
 */
export class Engine {
  readonly heap: Heap;
  /** The system's BLAS when one is in use. */
  readonly blas: Blas | undefined;
  /** Why no BLAS is in use; empty when one is. */
  readonly blasAbsent: string;
  readonly kernels: { readonly f32: FloatKernels; readonly f64: FloatKernels };
  readonly #scopes: Scope[] = [];
  #profile: ProductProfile | undefined;

  /**
   * @param options.blas the library to use, or `undefined` for the SIMD kernel.
   * @param options.heapLimit most bytes the heap may grow to (default 4 GiB).
   */
  constructor(options: { blas?: Blas | undefined; absent?: string; heapLimit?: number } = {}) {
    this.heap = new Heap(options.heapLimit);
    this.blas = options.blas;
    this.blasAbsent = options.blas ? '' : (options.absent ?? 'not asked for');
    const exports = instantiate(this.heap.memory);
    this.kernels = {
      f32: select(exports, '_f32', this.heap),
      f64: select(exports, '_f64', this.heap),
    };
  }

  /** `blas` or `simd`: what computes matrix products. */
  get productEngine(): 'blas' | 'simd' {
    return this.blas ? 'blas' : 'simd';
  }

  /** A block that the innermost open scope owns. @throws OutOfMemoryError */
  allocate(bytes: number): Storage {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new OutOfMemoryError(bytes, `cannot allocate ${bytes} bytes: not a size`);
    }
    const storage = this.heap.allocate(bytes);
    this.#scopes.at(-1)?.own(storage);
    return storage;
  }

  /** Gives a block back before its scope closes. */
  free(storage: Storage): void {
    for (const scope of this.#scopes) scope.disown(storage);
    storage.heap.free(storage);
  }

  /** Opens a scope: see `Scope`. */
  scope(): Scope {
    return new Scope(this.heap, this.#scopes);
  }

  /** How many scopes are open. */
  get openScopes(): number {
    return this.#scopes.length;
  }

  /**
   * Row-major C (m x n) = alpha op(A) op(B) + beta C; op(A) is m x k, op(B) is k x n, ld* are row
   * lengths in elements. beta = 0 overwrites whatever C held.
   */
  product(
    dtype: FloatDType,
    transA: boolean,
    transB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: HeapArray,
    lda: number,
    b: HeapArray,
    ldb: number,
    beta: number,
    c: HeapArray,
    ldc: number,
  ): void {
    if (m === 0 || n === 0) return;
    const started = this.#profile ? performance.now() : 0;
    if (this.blas && k > 0) {
      const [va, vb] = [this.#from(dtype, a), this.#from(dtype, b)];
      const vc = this.#from(dtype, c);
      this.blas.gemm(transA, transB, m, n, k, alpha, va, lda, vb, ldb, beta, vc, ldc);
    } else {
      const kernels = this.kernels[dtype];
      const scratch = this.heap.allocate(kernels.gemmScratchBytes(m, n, k));
      const [ta, tb] = [Number(transA), Number(transB)];
      kernels.gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, scratch);
      this.heap.free(scratch);
    }
    if (this.#profile) {
      this.#profile.calls++;
      this.#profile.flops += 2 * m * n * k;
      this.#profile.milliseconds += performance.now() - started;
    }
  }

  /** Runs `work` and says what its matrix products cost. */
  profileProducts<T>(work: () => T): { result: T; products: ProductProfile } {
    const products: ProductProfile = { calls: 0, flops: 0, milliseconds: 0 };
    this.#profile = products;
    try {
      return { result: work(), products };
    } finally {
      this.#profile = undefined;
    }
  }

  /** The heap from an array's first element on. Made anew each time: growing detaches old views. */
  #from(dtype: FloatDType, array: HeapArray): Float32Array | Float64Array {
    const View = dtype === 'f32' ? Float32Array : Float64Array;
    return new View(this.heap.memory.buffer, pointerOn(this.heap, array));
  }
}

let current: Engine | undefined;

/** The engine in use; opened at first use with the system's BLAS when there is one. */
export function engine(): Engine {
  if (!current) {
    const blas = platform.openBlas();
    current = new Engine('absent' in blas ? { absent: blas.absent } : { blas });
  }
  return current;
}

/** Makes another engine the one in use and returns the previous one. Tensors do not move. */
export function useEngine(next: Engine): Engine {
  const previous = engine();
  current = next;
  return previous;
}

/** Opens a scope on the engine in use: `using step = scope()`. */
export function scope(): Scope {
  return engine().scope();
}

function instantiate(memory: WebAssembly.Memory): WebAssembly.Exports {
  const bytes = Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0));
  const abort = (_message: number, _file: number, line: number) => {
    throw new Error(`a kernel stopped at line ${line}: please report this as a bug`);
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory, abort },
  });
  return exports;
}

function pointerOn(heap: Heap, array: HeapArray): number {
  if (array.heap === heap) return array.pointer;
  throw new ScopeError(
    'a tensor lies on the heap of another engine: tensors do not move when useEngine() changes it',
  );
}

/** The exports with a suffix, taking arrays where WebAssembly takes byte offsets. */
function select(exports: WebAssembly.Exports, suffix: '_f32' | '_f64', heap: Heap): FloatKernels {
  const kernels: Record<string, unknown> = {};
  for (const [name, kernel] of Object.entries(exports)) {
    if (typeof kernel !== 'function' || !name.endsWith(suffix)) continue;
    kernels[name.slice(0, -suffix.length)] = (...args: (number | HeapArray)[]) =>
      kernel(
        ...args.map((argument) =>
          typeof argument === 'number' ? argument : pointerOn(heap, argument),
        ),
      );
  }
  return kernels as FloatKernels;
}
