/** The engine: a heap, the kernels on it, and matrix products. */
import { platform } from '#platform';
import { MissingDependencyError, OutOfMemoryError, ScopeError } from '../errors.js';
import { type Matrices, sharedBatchedProduct } from './batched-product.js';
import type { Blas, FloatDType } from './blas.js';
import type { RawKernel, Threads } from './crew.js';
import { Heap, type HeapArray, type Storage, type WasmMemory, type WasmModule } from './heap.js';
import { type Kernels, kernelsBase64, memoryFlagAt } from './kernels.generated.js';
import { type PoolOptions, ThreadPool } from './pool.js';
import { Scope } from './scope.js';
import { chosenThreads } from './threads.js';

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

/** What an engine is made of; everything has a default. */
export interface EngineOptions {
  blas?: Blas | undefined;
  /** Why there is no BLAS. */
  absent?: string;
  heapLimit?: number;
  threads?: Threads | { readonly absent: string };
  /** For tests of threads. */
  sharing?: PoolOptions;
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
  /** The threads that share the kernels' work; undefined where one does it all. */
  readonly pool: ThreadPool | undefined;
  readonly kernels: { readonly f32: FloatKernels; readonly f64: FloatKernels };
  readonly #threadsAbsent: string;
  /** The batched product of a BLAS, shared by the pool. */
  readonly #batched: Readonly<Record<FloatDType, RawKernel>> | undefined;
  readonly #scopes: Scope[] = [];
  #profile: ProductProfile | undefined;

  /**
   * @param options.blas the library to use, or `undefined` for the SIMD kernel.
   * @param options.heapLimit most bytes the heap may grow to (default 4 GiB).
   * @param options.threads how to start threads, or why not (the default). They need shared memory:
   * where a platform does not allow it, the engine has one thread and says so.
   * @throws MissingDependencyError where there is no WebAssembly.
   */
  constructor(options: EngineOptions = {}) {
    requireWebAssembly();
    this.blas = options.blas;
    this.blasAbsent = options.blas ? '' : (options.absent ?? 'not asked for');
    const threads = options.threads ?? { absent: 'not asked for' };
    const shared = 'absent' in threads ? threads : sharedHeap(options.heapLimit);
    this.#threadsAbsent = 'absent' in shared ? shared.absent : '';
    this.heap = 'absent' in shared ? new Heap(options.heapLimit) : shared;
    const module = compile(this.heap === shared);
    const exports = instantiate(module, this.heap.memory);
    this.pool =
      'absent' in threads || 'absent' in shared
        ? undefined
        : new ThreadPool(threads, this.heap, module, exports, {
            ...options.sharing,
            library: options.blas?.path,
          });
    this.#batched = this.blas && this.pool && sharedBatchedProduct(this.blas, this.pool, this.heap);
    this.kernels = {
      f32: select(exports, 'f32', this.heap, this.pool),
      f64: select(exports, 'f64', this.heap, this.pool),
    };
  }

  /** How many threads share the work of kernels, the calling one among them. */
  get threads(): number {
    return this.pool?.count ?? 1;
  }

  /** Why there is one thread only; empty when there are more. */
  get threadsAbsent(): string {
    return this.pool?.count === 1 ? 'the others have ended' : this.#threadsAbsent;
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
    this.#count(started, 1, 2 * m * n * k);
  }

  /**
   * `count` products of one size, C = op(A) op(B) + beta C as `product` computes it, which threads share.
   * With one and the same C they add up in it, one after the other.
   */
  batchedProduct(
    dtype: FloatDType,
    count: number,
    [m, n, k]: readonly [m: number, n: number, k: number],
    a: Matrices,
    b: Matrices,
    beta: number,
    c: Matrices,
  ): void {
    const [transA, transB] = [a.transposed ?? false, b.transposed ?? false];
    const size = dtype === 'f32' ? 4 : 8;
    if (this.#batched && count > 1 && c.apart > 0 && m * n * k > 0) {
      const started = this.#profile ? performance.now() : 0;
      const [pa, pb, pc] = [a, b, c].map(({ at }) => pointerOn(this.heap, at));
      this.#batched[dtype](
        ...[Number(transA), Number(transB), m, n, k, 1],
        ...[pa ?? 0, a.line, pb ?? 0, b.line, beta, pc ?? 0, c.line],
        ...[size * a.apart, size * b.apart, size * c.apart, count],
      );
      this.#count(started, count, 2 * m * n * k * count);
      return;
    }
    const one = ({ at: { pointer, heap }, apart }: Matrices, i: number): HeapArray => ({
      pointer: pointer + i * size * apart,
      heap,
    });
    for (let i = 0; i < count; i++) {
      const [ai, bi, ci] = [one(a, i), one(b, i), one(c, i)];
      this.product(dtype, transA, transB, m, n, k, 1, ai, a.line, bi, b.line, beta, ci, c.line);
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

  #count(started: number, calls: number, flops: number): void {
    if (!this.#profile) return;
    this.#profile.calls += calls;
    this.#profile.flops += flops;
    this.#profile.milliseconds += performance.now() - started;
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
    const [blas, threads] = [platform.openBlas(), chosenThreads()];
    current = new Engine('absent' in blas ? { absent: blas.absent, threads } : { blas, threads });
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

function sharedHeap(limit: number | undefined): Heap | { absent: string } {
  try {
    return new Heap(limit, true);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { absent: `shared memory is not allowed (${reason})` };
  }
}

/** Node with --jitless has none, nor have some locked browsers. @throws MissingDependencyError */
function requireWebAssembly(): void {
  if (typeof WebAssembly !== 'undefined') return;
  throw new MissingDependencyError(
    'Glimpse computes in WebAssembly, which is switched off here: run Node without --jitless, or allow it in the browser',
  );
}

/** The kernels for a memory of their own or a shared one: the same code, but for one flag. */
function compile(shared: boolean): WasmModule {
  const bytes = Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0));
  if (shared) bytes[memoryFlagAt] = 3;
  return new WebAssembly.Module(bytes);
}

function instantiate(module: WasmModule, memory: WasmMemory): Record<string, RawKernel> {
  const abort = (_message: number, _file: number, line: number) => {
    throw new Error(`a kernel stopped at line ${line}: please report this as a bug`);
  };
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('a heap is such a memory');
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  return exports as Record<string, RawKernel>;
}

function pointerOn(heap: Heap, array: HeapArray): number {
  if (array.heap === heap) return array.pointer;
  throw new ScopeError(
    'a tensor lies on the heap of another engine: tensors do not move when useEngine() changes it',
  );
}

/** The exports of a type, taking arrays where WebAssembly takes byte offsets. */
function select(
  exports: Record<string, RawKernel>,
  dtype: FloatDType,
  heap: Heap,
  pool: ThreadPool | undefined,
): FloatKernels {
  const kernels: Record<string, unknown> = {};
  for (const [name, alone] of Object.entries(exports)) {
    if (!name.endsWith(`_${dtype}`)) continue;
    const base = name.slice(0, -dtype.length - 1);
    const kernel = pool?.shared(base, dtype) ?? alone;
    kernels[base] = (...args: (number | HeapArray)[]) =>
      kernel(
        ...args.map((argument) =>
          typeof argument === 'number' ? argument : pointerOn(heap, argument),
        ),
      );
  }
  return kernels as FloatKernels;
}
