/** The pool of threads: which calls of kernels are worth sharing. */
import type { FloatDType } from './blas.js';
import { Crew, type RawKernel, type Threads } from './crew.js';
import { type Divided, type Division, dividedBatchedProduct, dividedKernel } from './divisions.js';
import type { Heap, WasmModule } from './heap.js';
import { libraryProducts } from './pool-worker.js';

/** For tests: what is shared, and who computes it. */
export interface PoolOptions {
  /** Share every call that divides, however small, in parts that are as small as they can be. */
  readonly eager?: boolean;
  /** Leave all parts to the workers. */
  readonly idle?: boolean;
}

/** Calls that move fewer bytes are not even timed. */
const leastWork = 16384;
/** A call is shared that takes at least so many milliseconds alone: more than it takes to wake a worker. */
const worthWaking = 0.1;
/** The same while a worker is looking out for calls. */
const worthSharing = 0.025;
/** Parts of a call for each thread, so that a slow thread takes fewer, and the least that one takes. */
const partsPerThread = 4;
const leastPart = 0.01;
/** A shared call that took so many milliseconds longer than alone was held up by another program, ... */
const heldUp = 1;
/** ... and nothing is shared for so many times as long. Being held up then costs 2 % at most. */
const pauseFactor = 50;
/** Of calls that are far too short every so manieth is timed. */
const looksAtSmall = 32;
/** How many kinds of calls are remembered. */
const mostKinds = 1024;

const noScratch = { at: -1, from: 0, bytes: 0 };

/**
 * What is known of calls of one kernel with the same amount of work. They take about as long as the fastest
 * one took alone: what other programs take away only ever adds to it.
 */
class Experience {
  /** Milliseconds of a call alone. */
  alone = Number.POSITIVE_INFINITY;
  /** Before this time such calls are not shared. */
  pausedUntil = 0;
  /** What the last shared calls gained in all, in milliseconds. */
  #balance = 0;
  #nextPause = shortestPause;
  #calls = 0;

  /** Whether such calls are too short to look at this one. Now and then one is, should that have changed. */
  isSmall(): boolean {
    return this.alone < worthSharing / 2 && this.#calls++ % looksAtSmall !== 0;
  }

  learn(milliseconds: number): void {
    this.alone = Math.min(milliseconds, this.alone * forgetting);
  }

  /** A call was shared from `begin` to `now`. When sharing has not paid, it pauses, and longer each time. */
  judge(begin: number, now: number): void {
    const gained = this.alone - (now - begin);
    this.#balance = Math.min(this.#balance + gained, this.alone);
    if (this.#balance >= 0) {
      this.#nextPause = shortestPause;
      return;
    }
    this.pausedUntil = now + this.#nextPause;
    this.#nextPause = Math.min(2 * this.#nextPause, longestPause);
    this.#balance = 0;
  }
}

/** How fast the fastest call is forgotten: by 2 % with each. */
const forgetting = 1.02;
/** Milliseconds for which calls are not shared when that did not pay. */
const shortestPause = 2;
const longestPause = 2000;

/**
 * Decides which calls of kernels are worth sharing between threads: those that take long enough, as long as it
 * pays. A worker may be held up amid its part by another program that needs its processor, and everybody waits;
 * after that nothing is shared for a while.
 */
export class ThreadPool {
  readonly #threads: Threads;
  readonly #heap: Heap;
  readonly #module: WasmModule;
  readonly #exports: Record<string, RawKernel>;
  readonly #options: PoolOptions;
  /** The BLAS that workers open, too. */
  readonly #library: string | undefined;
  #crew: Crew | undefined;
  #stopped = false;
  #pausedUntil = 0;

  constructor(
    threads: Threads,
    heap: Heap,
    module: WasmModule,
    exports: Record<string, RawKernel>,
    { library, ...options }: PoolOptions & { readonly library?: string | undefined } = {},
  ) {
    this.#library = library;
    this.#threads = threads;
    this.#heap = heap;
    this.#module = module;
    this.#exports = exports;
    this.#options = options;
  }

  /** Threads that compute, the calling one among them. */
  get count(): number {
    return this.#stopped ? 1 : this.#threads.count;
  }

  /** How many workers have started. */
  get ready(): number {
    return this.#crew?.ready ?? 0;
  }

  /** How many parts of calls workers have computed. */
  get computed(): number {
    return this.#crew?.computed ?? 0;
  }

  /** Starts the workers; the first call that is worth sharing does. */
  start(): void {
    if (this.#crew || this.#stopped) return;
    try {
      this.#crew = new Crew(
        this.#threads,
        this.#module,
        this.#heap.memory,
        () => this.stop(),
        this.#library,
      );
    } catch {
      // A page may forbid workers; everything is computed, all the same.
      this.stop();
    }
  }

  /** Ends the workers: from now on the calling thread computes everything. */
  stop(): void {
    this.#stopped = true;
    this.#crew?.stop();
  }

  /** The kernel as one that shares its work where that is worth it; undefined for one that does not divide. */
  shared(name: string, dtype: FloatDType): RawKernel | undefined {
    const divided = dividedKernel(name, dtype === 'f32' ? 4 : 8);
    const alone = this.#exports[`${name}_${dtype}`];
    if (!divided || !alone) return undefined;
    const { scratch } = divided;
    const bytes = scratch && this.#exports[`${scratch.bytes}_${dtype}`];
    const index = Object.keys(this.#exports).indexOf(`${name}_${dtype}`);
    return this.#sharing(divided, alone, index, bytes);
  }

  /** `alone`, a batched product with the arguments that `dividedBatchedProduct` says, shared likewise. */
  batchedProduct(dtype: FloatDType, alone: RawKernel): RawKernel {
    return this.#sharing(dividedBatchedProduct, alone, libraryProducts[dtype]);
  }

  #sharing(
    { work: workOf, divide, scratch: asked }: Divided,
    alone: RawKernel,
    index: number,
    scratchBytes?: RawKernel,
  ): RawKernel {
    const { eager = false, idle = false } = this.#options;
    const known = new Map<number, Experience>();
    return (...args) => {
      const work = workOf(args);
      if (work < leastWork && !eager) return alone(...args);
      let kind = known.get(work);
      if (!kind) {
        if (known.size === mostKinds) known.clear();
        kind = new Experience();
        known.set(work, kind);
      }
      if (kind.isSmall() && !eager) return alone(...args);
      const begin = performance.now();
      const crew = eager ? this.#crew : this.#crewFor(kind, begin);
      const division = crew && crew.ready > 0 && !this.#stopped ? divide(args) : undefined;
      if (!crew || !division || division.units < 2 * division.least) {
        const result = alone(...args);
        kind.learn(performance.now() - begin);
        return result;
      }
      const parts = eager ? division.units : this.#parts(division, kind.alone);
      const each = scratchBytes ? scratchBytes(...(asked?.from ?? []).map((i) => args[i] ?? 0)) : 0;
      const bytes = Math.ceil((each ?? 0) / 64) * 64;
      const block = asked && this.#heap.allocate(bytes * (this.#threads.count - 1));
      const scratch = asked && block ? { at: asked.at, from: block.pointer, bytes } : noScratch;
      const own = crew.compute({ kernel: alone, index, args, division, parts, scratch }, idle);
      if (block) this.#heap.free(block);
      if (own.units > 0) kind.learn(((own.until - begin) / own.units) * division.units);
      const now = performance.now();
      kind.judge(begin, now);
      const lost = now - begin - kind.alone;
      if (lost > heldUp) this.#pausedUntil = now + pauseFactor * lost;
      return undefined;
    };
  }

  /** Into how many parts to divide a call that takes so many milliseconds alone. */
  #parts({ units, broad }: Division, expected: number): number {
    const { count } = this.#threads;
    const broadParts = Math.max(count, Math.floor(units / broad));
    return Math.min(partsPerThread * count, broadParts, Math.floor(expected / leastPart));
  }

  /** The crew if a call of this kind is worth sharing now. */
  #crewFor({ alone, pausedUntil }: Experience, now: number): Crew | undefined {
    if (alone < worthSharing || alone === Number.POSITIVE_INFINITY) return undefined;
    if (now < pausedUntil || now < this.#pausedUntil) return undefined;
    this.start();
    const crew = this.#crew;
    return crew && (alone >= worthWaking || crew.asleep < crew.ready) ? crew : undefined;
  }
}
