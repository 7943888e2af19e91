/** A crew of workers on one shared heap, who compute parts of a call of a kernel. */
import type { Division } from './divisions.js';
import type { WasmMemory, WasmModule } from './heap.js';
import {
  controlBytes,
  numbers as N,
  numbersFrom,
  words as W,
  type WorkerStart,
  workerProgram,
} from './pool-worker.js';

/** How a platform starts threads. */
export interface Threads {
  /** Threads that compute, the calling one among them. */
  readonly count: number;
  /**
   * Starts `serve(start)` of a program on a thread of its own, and returns what ends it. `lost` hears of
   * a thread that could not start or broke off.
   */
  start(program: string, start: WorkerStart, lost: () => void): () => void;
}

/** An export of the compiled kernels, with byte offsets for arrays. */
export type RawKernel = (...args: number[]) => number | undefined;

/** A call that is to be divided. */
export interface Call {
  readonly kernel: RawKernel;
  /** Its position among the exports. */
  readonly index: number;
  readonly args: number[];
  readonly division: Division;
  /** How many parts, about. */
  readonly parts: number;
  /** Which argument is scratch memory, where the workers have theirs, and how long it is for each. */
  readonly scratch: { readonly at: number; readonly from: number; readonly bytes: number };
}

/** How long a worker looks out for the next call before it sleeps, in milliseconds. */
const patience = 0.05;
/** How long the calling thread looks whether the workers are done, before it sleeps. */
const joinPatience = 0.05;

/**
 * The workers of an engine and the control block through which they are told what to compute: see
 * `pool-worker.ts` for their side. The calling thread works along, so that a worker which is slow to come
 * costs nothing.
 */
export class Crew {
  readonly #control = new SharedArrayBuffer(controlBytes);
  readonly #state = new Int32Array(this.#control, 0, numbersFrom / 4);
  readonly #numbers = new Float64Array(this.#control, numbersFrom);
  readonly #memory: WasmMemory;
  readonly #stops: (() => void)[];
  readonly #maySleep = allowsSleep();

  /** Starts `threads.count - 1` workers on a module and the shared memory that it imports. */
  constructor(
    threads: Threads,
    module: WasmModule,
    memory: WasmMemory,
    lost: () => void,
    library?: string,
  ) {
    this.#memory = memory;
    this.#stops = Array.from({ length: threads.count - 1 }, (_, index) =>
      threads.start(
        workerProgram,
        { module, memory, control: this.#control, index, patience, ...(library && { library }) },
        lost,
      ),
    );
  }

  /** How many workers have started. */
  get ready(): number {
    return Atomics.load(this.#state, W.ready);
  }

  /** How many of them sleep: waking one takes longer than a small call. */
  get asleep(): number {
    return Atomics.load(this.#state, W.asleep);
  }

  /** How many parts of calls workers have computed so far. */
  get computed(): number {
    return Atomics.load(this.#state, W.computed);
  }

  /** Ends the workers. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /**
   * Computes a call together. Returns how many units the calling thread computed, and when it was done
   * with them; with `idle` it leaves all to the workers.
   */
  compute(call: Call, idle = false): { units: number; until: number } {
    const { parts, partUnits } = this.#offer(call);
    let units = 0;
    let until = 0;
    try {
      if (!idle) units = this.#workAlong(call, parts, partUnits);
      else while (Atomics.load(this.#state, W.next) < parts);
    } finally {
      until = performance.now();
      Atomics.store(this.#state, W.open, 0);
      this.#join(until);
    }
    if (Atomics.exchange(this.#state, W.failed, 0) === 1) {
      throw new Error('a kernel stopped in a worker thread: please report this as a bug');
    }
    return { units, until };
  }

  /** Writes the call down. Nobody is active here: the last call has been joined. */
  #offer({ index, args, division, parts: wanted, scratch }: Call) {
    const [state, numbers] = [this.#state, this.#numbers];
    const { units, step, least } = division;
    const whole = Math.ceil(units / Math.max(1, wanted) / step) * step;
    const partUnits = Math.max(whole, least);
    // What is left over, if it is less than a part may be, goes to the last one.
    const left = units % partUnits;
    const parts = Math.floor(units / partUnits) + (left >= least ? 1 : 0);
    state[W.kernel] = index;
    state[W.parts] = parts;
    state[W.partUnits] = partUnits;
    state[W.units] = units;
    state[W.count] = division.at;
    state[W.args] = args.length;
    state[W.moves] = division.moves.length;
    state[W.scratch] = scratch.at;
    state[W.next] = 0;
    numbers[N.memoryBytes] = this.#memory.buffer.byteLength;
    numbers[N.scratchFrom] = scratch.from;
    numbers[N.scratchBytes] = scratch.bytes;
    numbers.set(args, N.args);
    for (const [i, [argument, bytes]] of division.moves.entries()) {
      numbers[N.moves + 2 * i] = argument;
      numbers[N.moves + 2 * i + 1] = bytes;
    }
    Atomics.store(state, W.open, 1);
    Atomics.add(state, W.generation, 1);
    if (Atomics.load(state, W.asleep) > 0) Atomics.notify(state, W.generation);
    return { parts, partUnits };
  }

  #workAlong({ kernel, args, division }: Call, parts: number, partUnits: number): number {
    let units = 0;
    for (;;) {
      const part = Atomics.add(this.#state, W.next, 1);
      if (part >= parts) return units;
      const first = part * partUnits;
      const own = args.slice();
      const count = part === parts - 1 ? division.units - first : partUnits;
      own[division.at] = count;
      for (const [argument, bytes] of division.moves) {
        own[argument] = (own[argument] ?? 0) + first * bytes;
      }
      kernel(...own);
      units += count;
    }
  }

  /** Waits until no worker is active. Sleeping leaves the core to a worker that was put aside for us. */
  #join(begin: number): void {
    const state = this.#state;
    while (Atomics.load(state, W.active) > 0) {
      if (!this.#maySleep || performance.now() - begin < joinPatience) continue;
      Atomics.store(state, W.waiting, 1);
      const active = Atomics.load(state, W.active);
      if (active > 0) Atomics.wait(state, W.active, active);
      Atomics.store(state, W.waiting, 0);
    }
  }
}

/** A page's main thread may not sleep. */
function allowsSleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
