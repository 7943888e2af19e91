/** What a worker of the crew runs, and the control block through which it hears of calls. */
import type { WasmMemory, WasmModule } from './heap.js';
/** Where the words of the control block lie that the main thread and its workers share. */
export const words = {
  /** Counts the calls; workers sleep on it. */
  generation: 0,
  /** 1 while parts of the call may be claimed. */
  open: 1,
  /** The next part that nobody has claimed. */
  next: 2,
  /** Workers that look at the call. */
  active: 3,
  /** Workers that sleep until the next call. */
  asleep: 4,
  /** Workers that have started. */
  ready: 5,
  /** Parts that workers have computed so far. */
  computed: 6,
  /** 1 while the main thread sleeps until no worker is active. */
  waiting: 7,
  /** 1 once a kernel has failed in a worker. */
  failed: 8,
  /** The call: which kernel, how many parts, units of a part and of all, which argument counts them. */
  kernel: 9,
  parts: 10,
  partUnits: 11,
  units: 12,
  count: 13,
  /** How many arguments, and how many pointers among them move. */
  args: 14,
  moves: 15,
  /** Argument of scratch memory, or -1. */
  scratch: 16,
} as const;

/** The numbers of the control block: bytes of the memory, of scratch by worker, arguments, moves. */
export const numbers = {
  memoryBytes: 0,
  scratchFrom: 1,
  scratchBytes: 2,
  args: 3,
  /** Pairs: argument, bytes per unit. */
  moves: 35,
} as const;

/** Where the numbers begin in the control block, and how long it is. */
export const numbersFrom = 128;
export const controlBytes = numbersFrom + 8 * 64;

/** Numbers of the products of a library among the kernels: see `openProducts` of `WorkerStart`. */
export const libraryProducts = { f32: -1, f64: -2 } as const;

/** What a worker is started with. */
export interface WorkerStart {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly control: SharedArrayBuffer;
  /** Which worker it is, from 0 on: its part of the scratch memory. */
  readonly index: number;
  /** How long it looks out for the next call before it sleeps, in milliseconds. */
  readonly patience: number;
  /** The BLAS that computes products, if the platform can open it in a worker. */
  readonly library?: string;
}

/**
 * The program of a worker: `serve(start, products)`, as text, so that it needs no file that a bundler would
 * have to know of. It waits for a call, claims parts of it as long as there are any, and waits again. `products`
 * are a library's, f32 and f64, as the platform opened it; kernels -1 and -2.
 *
 * A worker that comes late must not compute the next call with the arguments of the last: it says that it
 * is active first and then looks whether the call is open; the main thread closes the call first and then
 * waits until nobody is active, before it writes the next one down.
 */
export const workerProgram = `
const W = ${JSON.stringify(words)};
const N = ${JSON.stringify(numbers)};
function serve({ module, memory, control, index, patience }, products) {
  const state = new Int32Array(control, 0, ${numbersFrom / 4});
  const numbers = new Float64Array(control, ${numbersFrom});
  const abort = () => { throw new Error('a kernel stopped'); };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  const kernels = Object.values(exports);
  let seen = Atomics.load(state, W.generation);
  Atomics.add(state, W.ready, 1);
  for (;;) {
    let looks = 0;
    let until = performance.now() + patience;
    while (Atomics.load(state, W.generation) === seen) {
      if (++looks % 64 !== 0 || performance.now() < until) continue;
      Atomics.add(state, W.asleep, 1);
      Atomics.wait(state, W.generation, seen);
      Atomics.sub(state, W.asleep, 1);
    }
    seen = Atomics.load(state, W.generation);
    Atomics.add(state, W.active, 1);
    if (Atomics.load(state, W.open) === 1) {
      try { compute(); } catch { Atomics.store(state, W.failed, 1); }
    }
    if (Atomics.sub(state, W.active, 1) === 1 && Atomics.load(state, W.waiting) === 1) {
      Atomics.notify(state, W.active);
    }
  }
  function compute() {
    let part = Atomics.add(state, W.next, 1);
    const parts = state[W.parts];
    if (part >= parts) return;
    // Engines tell a thread in its own time that another one has let the memory grow.
    while (memory.buffer.byteLength < numbers[N.memoryBytes]) continue;
    const which = state[W.kernel];
    const kernel = which < 0 ? products[-1 - which] : kernels[which];
    const given = Array.from(numbers.subarray(N.args, N.args + state[W.args]));
    if (state[W.scratch] >= 0) {
      given[state[W.scratch]] = numbers[N.scratchFrom] + index * numbers[N.scratchBytes];
    }
    const [partUnits, units, count, moves] = [state[W.partUnits], state[W.units], state[W.count], state[W.moves]];
    do {
      const first = part * partUnits;
      const args = given.slice();
      args[count] = part === parts - 1 ? units - first : partUnits;
      for (let i = 0; i < moves; i++) {
        args[numbers[N.moves + 2 * i]] += first * numbers[N.moves + 2 * i + 1];
      }
      kernel(...args);
      Atomics.add(state, W.computed, 1);
      part = Atomics.add(state, W.next, 1);
    } while (part < parts);
  }
}
`;
