/** How a call of a kernel, or a product, divides into parts for threads. */
import { kernelDivisions, kernelParameters } from './kernels.generated.js';

/**
 * How a call of a kernel falls apart into calls of the same kernel on a part of its work each. Only
 * along outputs that do not depend on each other: every element is computed as in the whole call, to
 * the bit.
 */
export interface Division {
  /** Which argument counts the units, and how many there are. */
  readonly at: number;
  readonly units: number;
  /** Parts begin at a multiple of this many units. */
  readonly step: number;
  /** Least units of a part. */
  readonly least: number;
  /** Units below which a part is worth having only where a thread would have none. */
  readonly broad: number;
  /** Which arguments are pointers that move, and by how many bytes per unit. */
  readonly moves: readonly (readonly [argument: number, bytes: number])[];
}

/** Divides a call by its arguments. */
export type Divider = (args: readonly number[]) => Division;

/** A kernel that divides. */
export interface Divided {
  /**
   * How much work a call is, in bytes that its pointers move by or something in proportion to the time that it
   * takes. Asked before every call, and so without making an object.
   */
  readonly work: (args: readonly number[]) => number;
  readonly divide: Divider;
  /**
   * The argument that is scratch memory, which every thread needs for itself; which kernel says how many
   * bytes, and which arguments it takes.
   */
  readonly scratch?: {
    readonly at: number;
    readonly bytes: string;
    readonly from: readonly number[];
  };
}

/** Columns of C that the packing of a product keeps together, at least. */
const productStep = 16;
/** A part this broad is packed where the whole product is; `THIN` of kernels/gemm.ts is far below. */
const leastProduct = 32;
/** Every part packs the other factor anew: a narrow part spends its time on that. */
const broadProduct = 128;

/**
 * A product: by columns of C, or by rows where there are more of them. What one part packs of the
 * other factor every part packs, so parts are few and broad.
 */
function dividedProduct(size: number): Divided {
  const parameters = kernelParameters.gemm?.split(' ') ?? [];
  const name = (parameter: string) => parameters.indexOf(parameter);
  const [transA, transB] = [name('transA'), name('transB')];
  const [m, n, k] = [name('m'), name('n'), name('k')];
  const [a, lda, b, ldb] = [name('a'), name('lda'), name('b'), name('ldb')];
  const [c, ldc] = [name('c'), name('ldc')];
  const divide: Divider = (args) => {
    const value = (at: number) => args[at] ?? 0;
    const [rows, columns] = [value(m), value(n)];
    const byRows = rows > columns;
    const moves: Division['moves'] = byRows
      ? [
          [a, value(transA) ? size : value(lda) * size],
          [c, value(ldc) * size],
        ]
      : [
          [b, value(transB) ? value(ldb) * size : size],
          [c, size],
        ];
    return {
      at: byRows ? m : n,
      units: Math.max(rows, columns),
      step: productStep,
      least: leastProduct,
      broad: broadProduct,
      moves,
    };
  };
  return {
    work: (args) => (args[m] ?? 0) * (args[n] ?? 0) * (args[k] ?? 0),
    divide,
    scratch: { at: name('scratch'), bytes: 'gemmScratchBytes', from: [m, n, k] },
  };
}

/** The arguments of a batched product as `Engine.batchedProduct` hands them over, in bytes. */
const batched = { m: 2, n: 3, k: 4, a: 6, b: 8, c: 11, strides: [13, 14, 15], count: 16 } as const;

/** A batched product, each one whole: unlike parts of one, they do not depend on how they are divided. */
export const dividedBatchedProduct: Divided = {
  work: (args) =>
    [batched.m, batched.n, batched.k, batched.count].reduce((all, at) => all * (args[at] ?? 0), 1),
  divide: (args) => {
    const [strideA, strideB, strideC] = batched.strides.map((at) => args[at] ?? 0);
    return {
      at: batched.count,
      units: args[batched.count] ?? 0,
      step: 1,
      least: 1,
      broad: 1,
      moves: [
        [batched.a, strideA ?? 0],
        [batched.b, strideB ?? 0],
        [batched.c, strideC ?? 0],
      ],
    };
  },
};

/**
 * How `kernel`, named without its element type, divides when an element has `size` bytes; undefined
 * where it does not. But for products, the line above the kernel says it: see tools/kernel-sources.mjs.
 */
export function dividedKernel(kernel: string, size: number): Divided | undefined {
  if (kernel === 'gemm') return dividedProduct(size);
  const rule = kernelDivisions[kernel];
  if (!rule) return undefined;
  const { count, step, scratch } = rule;
  const moves = rule.moves.map(({ pointer, elements, bytes = size, by }) => {
    return { pointer, bytes: elements * bytes, by };
  });
  const between = ({ bytes, by }: (typeof moves)[number], args: readonly number[]): number => {
    let product = bytes;
    for (const factor of by) product *= args[factor] ?? 0;
    return product;
  };
  const work = (args: readonly number[]): number => {
    let moved = 0;
    for (const move of moves) moved += between(move, args);
    return moved * (args[count] ?? 0);
  };
  const divide: Divider = (args) => ({
    at: count,
    units: args[count] ?? 0,
    step,
    least: step,
    broad: step,
    moves: moves.map((move) => [move.pointer, between(move, args)] as const),
  });
  return scratch ? { work, divide, scratch } : { work, divide };
}

/** Every kernel that divides, without its element type. */
export const dividedKernels: readonly string[] = [...Object.keys(kernelDivisions), 'gemm'];
