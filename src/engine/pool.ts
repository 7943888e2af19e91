import type { FloatDType } from './blas.js';
import { Crew, type RawKernel, type Threads } from './crew.js';
import { type Division, dividedKernel } from './divisions.js';
import type { Heap } from './heap.js';

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
/**
 * The balance of what shared calls gained and lost against computing them alone, in milliseconds, counts the last
 * `memory` calls or so. When it is overdrawn, the workers' processors have other work: nothing is shared for so many
 * times what was lost, so that this costs 2 % at most, and longer after each time in a row.
 */
const memory = 32;
const pauseFactor = 50;
const shortestPause = 2;
const longestPause = 1000;

const noScratch = { at: -1, from: 0, bytes: 0 };

/**
 * Decides which calls of kernels are worth sharing between threads. A worker may be held up amid its
 * part, by another program that needs its core; that is noticed, and nothing is shared for a while.
 */
export class ThreadPool {
  readonly #threads: Threads;
  readonly #heap: Heap;
  readonly #module: WebAssembly.Module;
  readonly #exports: Record<string, RawKernel>;
  readonly #options: PoolOptions;
  #crew: Crew | undefined;
  #stopped = false;
  #pausedUntil = 0;
  #nextPause = shortestPause;
  #balance = 0;

  constructor(
    threads: Threads,
    heap: Heap,
    module: WebAssembly.Module,
    exports: Record<string, RawKernel>,
    options: PoolOptions = {},
  ) {
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
    this.#crew = new Crew(this.#threads, this.#module, this.#heap.memory, () => this.stop());
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
    const { divide, scratch: asked } = divided;
    const scratchBytes = asked && this.#exports[`${asked.bytes}_${dtype}`];
    const index = Object.keys(this.#exports).indexOf(`${name}_${dtype}`);
    const { eager = false, idle = false } = this.#options;
    /** Milliseconds that one thread needs for a unit of work; unknown before the first call. */
    let pace = Number.NaN;
    const learn = (measured: number) => {
      // One call that was held up says little.
      pace = Number.isNaN(pace) ? measured : pace + (Math.min(measured, 2 * pace) - pace) / 4;
    };
    return (...args) => {
      const division = divide(args);
      const work = division.units * division.work;
      if (division.units < 2 * division.least || (work < leastWork && !eager))
        return alone(...args);
      const begin = performance.now();
      const crew = eager ? this.#crew : this.#crewFor(work * pace, begin);
      if (!crew?.ready || this.#stopped) {
        const result = alone(...args);
        learn((performance.now() - begin) / work);
        return result;
      }
      const parts = eager ? division.units : this.#parts(division, work * pace);
      const each = scratchBytes ? scratchBytes(...(asked?.from ?? []).map((i) => args[i] ?? 0)) : 0;
      const bytes = Math.ceil((each ?? 0) / 64) * 64;
      const block = asked && this.#heap.allocate(bytes * (this.#threads.count - 1));
      const scratch = asked && block ? { at: asked.at, from: block.pointer, bytes } : noScratch;
      const own = crew.compute({ kernel: alone, index, args, division, parts, scratch }, idle);
      if (block) this.#heap.free(block);
      if (own.units > 0) {
        const expected = ((own.until - begin) / own.units) * division.units;
        learn(expected / work);
        this.#judge(performance.now(), begin + expected);
      }
      return undefined;
    };
  }

  /** A call was shared until `now`; alone it would have been done at `alone`. */
  #judge(now: number, alone: number): void {
    this.#balance += alone - now - Math.max(0, this.#balance / memory);
    if (this.#balance > 0) this.#nextPause = shortestPause;
    if (this.#balance >= 0) return;
    this.#pausedUntil = now + Math.max(-pauseFactor * this.#balance, this.#nextPause);
    this.#nextPause = Math.min(2 * this.#nextPause, longestPause);
    this.#balance = 0;
  }

  /** Into how many parts to divide a call that takes so many milliseconds alone. */
  #parts({ units, broad }: Division, expected: number): number {
    const { count } = this.#threads;
    const broadParts = Math.max(count, Math.floor(units / broad));
    return Math.min(partsPerThread * count, broadParts, Math.floor(expected / leastPart));
  }

  /** The crew if a call that takes so many milliseconds alone is worth sharing. */
  #crewFor(expected: number, now: number): Crew | undefined {
    if (!(expected >= worthSharing) || now < this.#pausedUntil) return undefined;
    this.start();
    const crew = this.#crew;
    return crew && (expected >= worthWaking || crew.asleep < crew.ready) ? crew : undefined;
  }
}
