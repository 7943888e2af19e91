import { kernelParameters } from './kernels.generated.js';

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
  readonly scratch?: { readonly at: number; readonly bytes: string; readonly from: number[] };
}

/**
 * The parameter that counts, and for each pointer that moves what lies between two units, as a
 * product: parameters, numbers, and `i32`, `u8` or `f64` where that is what it points to.
 */
interface Rule {
  count: string;
  moves: Readonly<Record<string, string>>;
  step?: number;
  /** The scratch parameter, and the kernel that says how many bytes it needs. */
  scratch?: readonly [parameter: string, bytes: string];
}

/** Element by element. A part begins where vectors do, so that the same elements are left over. */
const elements = (...pointers: string[]): Rule => ({
  count: 'n',
  step: 16,
  moves: Object.fromEntries(pointers.map((pointer) => [pointer, '1'])),
});
const by = (count: string, moves: Rule['moves'], scratch?: Rule['scratch']): Rule =>
  scratch ? { count, moves, scratch } : { count, moves };

const pooled = { x: 'H W', y: 'OH OW' };
const pooledBackward = { dx: 'H W', dy: 'OH OW' };
const depthwiseScratch = ['scratch', 'depthwiseScratchBytes'] as const;
const winogradScratch = ['scratch', 'winogradScratchBytes'] as const;

/**
 * What divides. Left out are sums over what would be divided, kernels that tell one part's units from
 * another's by their number, and copies, which no second thread makes faster.
 */
const rules: Readonly<Record<string, Rule>> = {
  sigmoid: elements('x', 'y'),
  sigmoidBackward: elements('y', 'dy', 'dx'),
  tanh: elements('x', 'y'),
  tanhBackward: elements('y', 'dy', 'dx'),
  gelu: elements('x', 'y'),
  geluBackward: elements('x', 'dy', 'dx'),
  geluTanh: elements('x', 'y'),
  geluTanhBackward: elements('x', 'dy', 'dx'),
  relu: elements('x', 'y'),
  reluBackward: elements('y', 'dy', 'dx'),
  leakyRelu: elements('x', 'y'),
  leakyReluBackward: elements('x', 'dy', 'dx'),
  elu: elements('x', 'y'),
  eluBackward: elements('x', 'dy', 'dx'),
  softplus: elements('x', 'y'),
  softplusBackward: elements('x', 'dy', 'dx'),
  axpby: elements('x', 'y'),
  add: elements('x', 'y', 'z'),
  multiply: elements('x', 'y', 'z'),
  scaleBy: elements('x', 'y'),
  addRow: by('rows', { x: 'n' }),
  adam: elements('w', 'g', 'm', 'v'),
  momentum: elements('w', 'g', 'v'),

  rnnCell: by('N', { a: 'H' }),
  rnnCellBackward: elements('h', 'dh', 'dhLater', 'da'),
  lstmCell: by('N', { a: '4 H', prevC: 'H', c: 'H', tanhC: 'H', h: 'H' }),
  lstmCellBackward: by('N', {
    ...{ gates: '4 H', prevC: 'H', tanhC: 'H' },
    ...{ dh: 'H', dhLater: 'H', dc: 'H', da: '4 H' },
  }),
  gruCell: by('N', { a: '3 H', ah: '3 H', prevH: 'H', hn: 'H', h: 'H' }),
  gruCellBackward: by('N', {
    ...{ gates: '3 H', hn: 'H', prevH: 'H' },
    ...{ dh: 'H', dhLater: 'H', da: '3 H', dah: '3 H' },
  }),

  attendScores: by('rows', { u: 'D', image: 'i32', s: 'L' }),
  attendSum: by('rows', { w: 'L', image: 'i32', z: 'D' }),
  softmaxRows: by('rows', { s: 'n', w: 'n' }),
  softmaxRowsBackward: by('rows', { w: 'n', dw: 'n', ds: 'n' }),
  additiveExponentials: elements('x', 'y'),
  additiveScores: by('rows', { Q: 'A', image: 'i32', s: 'L' }),
  additiveQueryBackward: by('rows', { Q: 'A', image: 'i32', ds: 'L', dq: 'A' }),
  softmaxLossBackward: by('rows', { p: 'V', z: '1', y: 'i32', mask: 'u8', w: '1', dx: 'V' }),
  logSumExpRows: by('rows', { x: 'n', y: 'f64' }),
  topRows: by('rows', { x: 'n', values: 'k', places: 'k i32' }),
  argmaxRows: by('rows', { x: 'n', y: 'i32' }),

  layerNorm: by('rows', { x: 'n', y: 'n', inverse: '1' }),
  layerNormBackward: by('rows', { y: 'n', dy: 'n', inverse: '1', dx: 'n' }),
  scaledLayerNorm: by('rows', { x: 'n', z: 'n', y: 'n', inverse: '1' }),
  normaliseChannels: by('N', { x: 'C S', y: 'C S' }),
  normaliseChannelsBackward: by('N', { x: 'C S', dy: 'C S', dx: 'C S' }),

  im2col: by('C', { x: 'H W', columns: 'KH KW photos rows OW' }),
  col2im: by('C', { x: 'H W', columns: 'KH KW photos rows OW' }),
  addBias: by('C', { y: 'stride', b: '1' }),
  addBiasBackward: by('C', { dy: 'P', db: '1' }),
  depthwise: by('C', { ...pooled, filters: 'KH KW', b: '1' }, depthwiseScratch),
  depthwiseDx: by('C', { ...pooledBackward, filters: 'KH KW' }, depthwiseScratch),
  depthwiseDW: by('C', { x: 'H W', dy: 'OH OW', dW: 'KH KW' }, depthwiseScratch),
  winogradTiles: by('C', { x: 'H W', V: 'ld' }, winogradScratch),
  winogradCotangents: by('C', { dy: 'H W', D: 'ld' }, winogradScratch),
  winogradMaps: by('C', { M: 'ld', b: '1', y: 'H W' }, winogradScratch),
  winogradFilters: by('rows', { W: 'rowStride', U: 'K' }, [
    'scratch',
    'winogradFiltersScratchBytes',
  ]),
  winogradFiltersBackward: by('rows', { dU: '1', dW: '9' }, [
    'scratch',
    'winogradFiltersScratchBytes',
  ]),

  maxPool: by('planes', pooled, ['row', 'maxPoolScratchBytes']),
  maxPoolBackward: by('planes', { ...pooledBackward, x: 'H W' }),
  averagePool: by('planes', pooled),
  averagePoolBackward: by('planes', pooledBackward),
  adaptiveAveragePool: by('planes', pooled),
  adaptiveAveragePoolBackward: by('planes', pooledBackward),
  meanPlanes: by('planes', { x: 'n', y: '1' }),
  meanPlanesBackward: by('planes', { dy: '1', dx: 'n' }),
  upsampleNearest: by('planes', pooled),
  upsampleNearestBackward: by('planes', pooledBackward),
  upsampleBilinear: by('planes', pooled),
  upsampleBilinearBackward: by('planes', pooledBackward),
  bilinearSample: by('N', { x: 'C H W', grid: '2 P', out: 'C P' }),
  bilinearSampleDx: by('N', { grid: '2 P', dout: 'C P', dx: 'C H W' }),
  bilinearSampleDGrid: by('N', { x: 'C H W', grid: '2 P', dout: 'C P', dgrid: '2 P' }),
};

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
function dividedProduct(size: number, name: (parameter: string) => number): Divided {
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
    scratch: scratchOf('scratch', 'gemmScratchBytes', name),
  };
}

/** The arguments of several products of the same sizes, as `Engine.products` hands them over, in bytes. */
const several = { m: 2, n: 3, k: 4, a: 6, b: 8, c: 11, strides: [13, 14, 15], count: 16 } as const;

/** Several products, each whole: unlike parts of one, they do not depend on how they are divided. */
export const dividedProducts: Divided = {
  work: (args) =>
    [several.m, several.n, several.k, several.count].reduce((all, at) => all * (args[at] ?? 0), 1),
  divide: (args) => {
    const [strideA, strideB, strideC] = several.strides.map((at) => args[at] ?? 0);
    return {
      at: several.count,
      units: args[several.count] ?? 0,
      step: 1,
      least: 1,
      broad: 1,
      moves: [
        [several.a, strideA ?? 0],
        [several.b, strideB ?? 0],
        [several.c, strideC ?? 0],
      ],
    };
  },
};

const elementBytes: Readonly<Record<string, number>> = { i32: 4, u8: 1, f64: 8 };

/**
 * How `kernel`, named without its element type, divides when an element has `size` bytes; undefined
 * where it does not.
 */
export function dividedKernel(kernel: string, size: number): Divided | undefined {
  const parameters = kernelParameters[kernel]?.split(' ') ?? [];
  const indexOf = (parameter: string): number => {
    const at = parameters.indexOf(parameter);
    if (at < 0) throw new Error(`${kernel}(${parameters.join(', ')}) has no ${parameter}`);
    return at;
  };
  if (kernel === 'gemm') return dividedProduct(size, indexOf);
  const rule = rules[kernel];
  if (!rule) return undefined;
  const at = indexOf(rule.count);
  const movers = Object.entries(rule.moves).map(([pointer, product]) => {
    const words = product.split(' ');
    const typed = words.find((word) => word in elementBytes);
    const constant = words.reduce((all, word) => all * (Number(word) || 1), 1);
    return {
      pointer: indexOf(pointer),
      bytes: (elementBytes[typed ?? ''] ?? size) * constant,
      factors: words.filter((word) => word !== typed && Number.isNaN(Number(word))).map(indexOf),
    };
  });
  const step = rule.step ?? 1;
  const between = (mover: number, args: readonly number[]): number => {
    const { bytes = 0, factors = [] } = movers[mover] ?? {};
    let product = bytes;
    for (const factor of factors) product *= args[factor] ?? 0;
    return product;
  };
  const work = (args: readonly number[]): number => {
    let moved = 0;
    for (let mover = 0; mover < movers.length; mover++) moved += between(mover, args);
    return moved * (args[at] ?? 0);
  };
  const divide: Divider = (args) => {
    const moves = movers.map(({ pointer }, mover) => [pointer, between(mover, args)] as const);
    return { at, units: args[at] ?? 0, step, least: step, broad: step, moves };
  };
  if (!rule.scratch) return { work, divide };
  return { work, divide, scratch: scratchOf(...rule.scratch, indexOf) };
}

/** Which arguments the kernel takes that says how much scratch is needed: those called the same. */
function scratchOf(parameter: string, bytes: string, indexOf: (parameter: string) => number) {
  const from = (kernelParameters[bytes] ?? '').split(' ').filter((name) => name !== '');
  return { at: indexOf(parameter), bytes, from: from.map(indexOf) };
}

/** Every kernel that divides, without its element type. */
export const dividedKernels: readonly string[] = [...Object.keys(rules), 'gemm'];
