import { expect } from 'vitest';
import type { FloatDType } from '@/engine/blas.js';
import type { Engine, FloatKernels } from '@/engine/engine.js';
import type { HeapArray } from '@/engine/heap.js';
import { Random } from '@/random.js';

/** The host's copy of an array that a kernel reads or writes. */
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

/** What one run of a case is about: element type, extents, and where its inputs come from. */
export interface Setup {
  readonly dtype: FloatDType;
  readonly kernels: FloatKernels;
  readonly n: number;
  readonly rows: number;
  readonly random: Random;
  /** Rounds to the element type: a reference that rounds where the kernel does is met to the bit. */
  readonly round: (x: number) => number;
  /** Normal values, some of them extreme when the run is about those. */
  readonly floats: (count: number) => Float32Array | Float64Array;
}

/** A kernel, some arrays for it, and what a plain loop makes of them. */
export interface KernelCase<Name extends string = string> {
  /** Set when a kernel has more than one case. */
  readonly variant?: string;
  /** Which special values the inputs may hold; `infinite` leaves out large finite ones. */
  readonly extremes?: 'all' | 'infinite' | 'none';
  /** Row counts to try, for kernels on matrices. */
  readonly rowCounts?: readonly number[];
  /** Allowed |a - e| / max(1, |e|) by element type; without it the results are equal to the bit. */
  readonly tolerance?: Readonly<Record<FloatDType, number>>;
  /** The same for what the kernel returns, an f64 for either element type. */
  readonly returnTolerance?: Readonly<Record<FloatDType, number>>;
  /** The inputs and outputs; of one named `scratch` only the guards are looked at afterwards. */
  arrays(setup: Setup): Record<Name, Values>;
  run(kernels: FloatKernels, on: Record<Name, HeapArray>, setup: Setup): unknown;
  /** Changes the arrays, and returns what the kernel should return. */
  reference(on: Record<Name, Values>, setup: Setup): unknown;
  /** Makes alike what is left open, in the kernel's results as in the reference's. */
  settle?(on: Record<Name, Values>, setup: Setup): void;
}

/** Keeps the names of a case's arrays. */
export function kernelCase<Name extends string>(definition: KernelCase<Name>): KernelCase<Name> {
  return definition;
}

/** Reassociated f32 sums and the polynomial exp and tanh; f64 functions of another library. */
export const approximately = { f32: 2e-6, f64: 1e-13 };

/** An element; outside the array NaN, so that a reference which strays is noticed. */
export function at(values: Values, index: number): number {
  return values[index] ?? Number.NaN;
}

const sizes = [...Array.from({ length: 17 }, (_, i) => i + 1), 31, 32, 33, 100];
const guardBytes = 64;
const guard = 0xa5;

/** Runs a case in every size, aligned and not, with everyday and with extreme values. */
export function runCase(engine: Engine, dtype: FloatDType, definition: KernelCase): void {
  for (const { setup, shift, label } of runsOf(engine, dtype, definition)) {
    runOnce(engine, definition, setup(), shift, label);
  }
}

/** One run of a case. A setup is good for one run: its random numbers go on. */
export interface Run {
  setup(): Setup;
  readonly shift: number;
  readonly label: string;
}

/** The runs of a case on an engine: the same inputs on every one. */
export function* runsOf(
  engine: Engine,
  dtype: FloatDType,
  { extremes = 'all', rowCounts = [1] }: KernelCase,
): Generator<Run> {
  const round = dtype === 'f32' ? Math.fround : (x: number) => x;
  const kernels = engine.kernels[dtype];
  for (const n of sizes) {
    for (const rows of rowCounts) {
      for (const shift of [0, 1, 3]) {
        for (const special of extremes === 'none' ? [false] : [false, true]) {
          const setup = (): Setup => {
            const random = new Random(n * 1000 + rows * 10 + shift);
            const floats = (count: number) =>
              randomFloats(dtype, count, random, special ? extremes : 'none');
            return { dtype, kernels, n, rows, random, round, floats };
          };
          yield { setup, shift, label: `n=${n} rows=${rows} +${shift} ${special}` };
        }
      }
    }
  }
}

function runOnce(engine: Engine, c: KernelCase, setup: Setup, shift: number, label: string): void {
  const expected = c.arrays(setup);
  const { actual, returned } = runKernel(engine, c, setup, shift, label, expected);
  const shouldReturn = c.reference(expected, setup);
  if (typeof shouldReturn === 'number') {
    const tolerance = c.returnTolerance?.[setup.dtype] ?? 0;
    compare([Number(returned)], [shouldReturn], tolerance, `${label}: returned`);
  }
  c.settle?.(actual, setup);
  c.settle?.(expected, setup);
  for (const [name, values] of Object.entries(expected)) {
    if (name === 'scratch') continue;
    const isFloat = values instanceof Float32Array || values instanceof Float64Array;
    const tolerance = isFloat ? (c.tolerance?.[setup.dtype] ?? 0) : 0;
    compare(actual[name] ?? [], values, tolerance, `${label}: ${name}`);
  }
}

/**
 * What the kernel makes of these arrays, `shift` elements beyond a 64-byte boundary, between guards that a
 * stray store would break.
 */
export function runKernel(
  engine: Engine,
  c: KernelCase,
  setup: Setup,
  shift: number,
  label: string,
  arrays: Record<string, Values>,
): { actual: Record<string, Values>; returned: unknown } {
  const placed = Object.entries(arrays).map(([name, values]) => {
    const before = guardBytes + shift * values.BYTES_PER_ELEMENT;
    const storage = engine.heap.allocate(before + values.byteLength + guardBytes);
    const block = new Uint8Array(engine.heap.memory.buffer, storage.pointer, storage.bytes);
    block.fill(guard);
    block.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), before);
    return { name, values, storage, before };
  });
  const on = Object.fromEntries(
    placed.map(({ name, storage, before }) => [
      name,
      { pointer: storage.pointer + before, heap: engine.heap },
    ]),
  );
  const returned = c.run(engine.kernels[setup.dtype], on, setup);
  const actual: Record<string, Values> = {};
  for (const { name, values, storage, before } of placed) {
    const block = new Uint8Array(engine.heap.memory.buffer, storage.pointer, storage.bytes).slice();
    const end = before + values.byteLength;
    const intact = [...block.subarray(0, before), ...block.subarray(end)].every((b) => b === guard);
    if (!intact) expect.fail(`${label}: the kernel wrote outside ${name}`);
    engine.heap.free(storage);
    actual[name] = sameKind(values, block.slice(before, end).buffer);
  }
  return { actual, returned };
}

function sameKind(values: Values, buffer: ArrayBuffer): Values {
  if (values instanceof Float32Array) return new Float32Array(buffer);
  if (values instanceof Float64Array) return new Float64Array(buffer);
  return values instanceof Int32Array ? new Int32Array(buffer) : new Uint8Array(buffer);
}

/** Fails naming the first element that differs by more than `tolerance` max(1, |expected|). */
export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  label: string,
): void {
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] ?? Number.NaN;
    const e = expected[i] ?? Number.NaN;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    if (Math.abs(a - e) <= tolerance * Math.max(1, Math.abs(e)) && Number.isFinite(e)) continue;
    expect.fail(`${label}[${i}] is ${a}, should be ${e}`);
  }
}

const infinite = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const large = [1e30, -1e30, 3e38, -3e38, 50, -50, 88, -88, 100, -100, 1e-30, 9.1, -9.1];

function randomFloats(
  dtype: FloatDType,
  count: number,
  random: Random,
  extremes: 'all' | 'infinite' | 'none',
): Float32Array | Float64Array {
  const values = dtype === 'f32' ? new Float32Array(count) : new Float64Array(count);
  const specials = extremes === 'all' ? [...infinite, ...large] : infinite;
  for (let i = 0; i < count; i++) {
    const special = extremes !== 'none' && random.uniform() < 0.3;
    values[i] = special ? random.pick(specials) : random.normal();
  }
  return values;
}
