/** How sequences lie in the buffers of a recurrence: step after step, and only as far as each goes. */
import { copyInto, kernelsFor, swapLeadingAxes } from '../../tensor/arithmetic.js';
import { tensor, zeros } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { checkedLengths } from '../sequences.js';

/** How sequences are laid out, how long they are, and which way they are read. */
export interface SequenceOptions {
  /**
   * Sequences are (T, N, ...) instead of (N, T, ...): saves a copy on the way in and one on the
   * way out, since the recurrence itself goes through time.
   */
  readonly timeMajor?: boolean;
  /**
   * (N): steps of each sequence, from 1 to T (default: T each). What lies behind them is padding: it is
   * not read, whatever it holds, its h is 0 and it gets a gradient of 0. The last memory is each
   * sequence's own.
   */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Read each sequence from its last step to its first: h[n, t] has seen t and what comes after it. */
  readonly reverse?: boolean;
}

/**
 * Which rows of a buffer (P, ...) each time step takes: those of step 0, then those of step 1, and so on.
 * Where sequences differ in length the longest come first, so that a step's rows are the first of the
 * step before. A buffer of states (N + P, ...) begins with those from before step 0.
 */
export class Steps {
  /** How many rows each step has: N or fewer, never more than the step before. */
  readonly #rows: readonly number[];
  /** The first row of each step, and P. */
  readonly #starts: readonly number[];
  /** Rows before step 0. */
  readonly #N: number;

  constructor(rows: readonly number[], N: number) {
    let P = 0;
    this.#starts = [0, ...rows.map((count) => (P += count))];
    this.#rows = rows;
    this.#N = N;
  }

  /** How many steps there are. */
  get count(): number {
    return this.#rows.length;
  }

  /** P, the rows of all steps. */
  get total(): number {
    return this.start(this.count);
  }

  /** How many rows step t has. */
  rows(t: number): number {
    return this.#rows[t] ?? 0;
  }

  /** The first row of step t. */
  start(t: number): number {
    return this.#starts[t] ?? 0;
  }

  /** Step t of a buffer (P, ...). */
  at(buffer: Tensor, t: number): Tensor {
    return buffer.slice(this.start(t), this.start(t + 1));
  }

  /** Memory for states (N + P, H) that begin with `first` (N, H). */
  statesFrom(first: Tensor): Tensor {
    const [N = 0, H = 0] = first.shape;
    const states = empty(first.dtype, [N + this.total, H]);
    copyInto(states.slice(0, N), first);
    return states;
  }

  /** The states that step t begins with. */
  before(states: Tensor, t: number): Tensor {
    const from = t === 0 ? 0 : this.#N + this.start(t - 1);
    return states.slice(from, from + this.rows(t));
  }

  /** The states that step t leaves. */
  after(states: Tensor, t: number): Tensor {
    return states.slice(this.#N + this.start(t), this.#N + this.start(t + 1));
  }

  /** (P, H): the states that all steps begin with, in one view where every step has N rows. */
  allBefore(states: Tensor): Tensor {
    if (this.#rows.every((count) => count === this.#N)) return states.slice(0, this.total);
    const indices = this.#rows.flatMap((count, t) => {
      const from = t === 0 ? 0 : this.#N + this.start(t - 1);
      return Array.from({ length: count }, (_, row) => from + row);
    });
    return rowsOf(states, indices);
  }

  /** (P, H): the states that all steps leave. */
  allAfter(states: Tensor): Tensor {
    return states.slice(this.#N, this.#N + this.total);
  }
}

/** The way between sequences as a caller holds them and the rows of a recurrence. */
export interface SequenceLayout {
  readonly steps: Steps;
  /** Sequences (N, T, ...), or (T, N, ...), as rows (P, ...). */
  pack(sequences: Tensor): Tensor;
  /** Rows (P, ...) as sequences, 0 where they are padded. */
  unpack(rows: Tensor): Tensor;
  /** One row a sequence (N, ...), in the order of the rows of step 0. */
  order(states: Tensor): Tensor;
  /** Undoes `order`. */
  restore(states: Tensor): Tensor;
  /** (N, H): of states (N + P, H) those after each sequence's last step, in the caller's order. */
  last(states: Tensor): Tensor;
}

/** The leading axes of a sequence, for its shape rule. */
export function leadingAxes(timeMajor = false): readonly ['T', 'N'] | readonly ['N', 'T'] {
  return timeMajor ? ['T', 'N'] : ['N', 'T'];
}

/** Between batch-major, (N, T, ...), and the time-major layout of the recurrence, either way. */
export function swappedAxes(x: Tensor, timeMajor: boolean): Tensor {
  return timeMajor ? x : swapLeadingAxes(x);
}

/** The layout of N sequences of T steps at most. @throws ShapeError, ValueError as `checkedLengths`. */
export function sequenceLayout(
  operation: string,
  { N, T }: { readonly N: number; readonly T: number },
  { timeMajor = false, lengths, reverse = false }: SequenceOptions,
): SequenceLayout {
  if (!lengths && !reverse) return wholeSequences(N, T, timeMajor);
  const known = checkedLengths(operation, { N, T }, lengths);
  return sequencesWithin(known, T, timeMajor, reverse);
}

/** N sequences of T steps each, read forward. */
export function wholeSequences(N: number, T: number, timeMajor: boolean): SequenceLayout {
  const steps = new Steps(Array<number>(T).fill(N), N);
  return {
    steps,
    pack(sequences) {
      const swapped = swappedAxes(sequences, timeMajor);
      return swapped.view(T * N, ...sequences.shape.slice(2));
    },
    unpack: (rows) => swappedAxes(rows.view(T, N, ...rows.shape.slice(1)), timeMajor),
    order: (states) => states,
    restore: (states) => states,
    last: (states) => states.slice(T * N, T * N + N),
  };
}

/** The longest sequence first: rows are gathered, and scattered back. */
function sequencesWithin(
  lengths: readonly number[],
  T: number,
  timeMajor: boolean,
  reverse: boolean,
): SequenceLayout {
  const N = lengths.length;
  const lengthOf = (n: number) => lengths[n] ?? 0;
  const order = lengths.map((_, n) => n).sort((a, b) => lengthOf(b) - lengthOf(a));
  const rank = order.map((_, n) => order.indexOf(n));
  const longest = lengthOf(order[0] ?? 0);
  const counts = Array.from(
    { length: longest },
    (_, t) => lengths.filter((length) => length > t).length,
  );
  const steps = new Steps(counts, N);
  /** For each row of the recurrence where it stands among the caller's N T steps. */
  const places = counts.flatMap((count, t) =>
    order.slice(0, count).map((n) => {
      const at = reverse ? lengthOf(n) - 1 - t : t;
      return timeMajor ? at * N + n : n * T + at;
    }),
  );
  const flat = (sequences: Tensor) => sequences.view(N * T, ...sequences.shape.slice(2));
  return {
    steps,
    pack: (sequences) => rowsOf(flat(sequences), places),
    unpack(rows) {
      const rest = rows.shape.slice(1);
      const sequences = zeros([N * T, ...rest], rows.dtype);
      kernelsFor(rows).scatterAdd(
        tensor(places, { shape: [places.length], dtype: 'i32' }),
        rows,
        sequences,
        1,
        places.length,
        N * T,
        elementCount(rest),
      );
      return sequences.view(...(timeMajor ? [T, N] : [N, T]), ...rest);
    },
    order: (states) => rowsOf(states, order),
    restore: (states) => rowsOf(states, rank),
    last: (states) =>
      rowsOf(
        states,
        lengths.map((length, n) => N + steps.start(length - 1) + (rank[n] ?? 0)),
      ),
  };
}

/** Some rows of x (rows, ...), in the order of the indices. */
function rowsOf(x: Tensor, indices: readonly number[]): Tensor {
  const [rows = 0, ...rest] = x.shape;
  const out = empty(x.dtype, [indices.length, ...rest]);
  const places = tensor(indices, { shape: [indices.length], dtype: 'i32' });
  kernelsFor(x).gather(places, x, out, 1, indices.length, rows, elementCount(rest));
  return out;
}
