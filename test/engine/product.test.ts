import { afterEach, describe, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import type { FloatDType } from '@/engine/blas.js';
import { Engine } from '@/engine/engine.js';
import type { HeapArray } from '@/engine/heap.js';
import { Random } from '@/random.js';

const system = platform.openBlas();
const simd = new Engine();
const engines: Record<string, Engine | undefined> = {
  simd,
  blas: 'absent' in system ? undefined : new Engine({ blas: system }),
};
if ('absent' in system) console.warn(`BLAS products are not tested: ${system.absent}`);

interface Product {
  dtype: FloatDType;
  transA: boolean;
  transB: boolean;
  m: number;
  n: number;
  k: number;
  alpha: number;
  beta: number;
  /** Elements between the rows beyond what a row needs. */
  padding: number;
}

const relativeTolerance = { f32: 1e-5, f64: 1e-13 };
const untouched = -77;

/** Multiplies on the engine and by a plain loop, and compares relative to the sum of magnitudes. */
function check(engine: Engine, p: Product): void {
  const { dtype, transA, transB, m, n, k, alpha, beta, padding } = p;
  const random = new Random(m * 1e6 + n * 1e3 + k);
  const View = dtype === 'f32' ? Float32Array : Float64Array;
  const normal = (rows: number, length: number) =>
    new View(rows * length).map(() => random.normal());
  // BLAS wants row lengths of 1 at least, even of matrices without columns.
  const lda = Math.max(1, (transA ? m : k) + padding);
  const ldb = Math.max(1, (transB ? k : n) + padding);
  const ldc = Math.max(1, n + padding);
  const a = normal(transA ? k : m, lda);
  const b = normal(transB ? n : k, ldb);
  const c = normal(m, ldc);
  for (let i = 0; i < c.length; i++) {
    if (i % ldc >= n) c[i] = untouched;
    else if (beta === 0) c[i] = Number.NaN;
  }
  const storages = [a, b, c].map((values) => {
    const storage = engine.heap.allocate(values.byteLength + 8);
    // One element off the 64-byte boundary.
    const pointer = storage.pointer + View.BYTES_PER_ELEMENT;
    new View(engine.heap.memory.buffer, pointer, values.length).set(values);
    return { storage, array: { pointer, heap: engine.heap } };
  });
  const [onA, onB, onC] = storages.map(({ array }) => array) as [Place, Place, Place];
  engine.product(dtype, transA, transB, m, n, k, alpha, onA, lda, onB, ldb, beta, onC, ldc);
  const actual = new View(engine.heap.memory.buffer, onC.pointer, c.length).slice();
  for (const { storage } of storages) engine.heap.free(storage);
  const [aRow, aDepth] = transA ? [1, lda] : [lda, 1];
  const [bDepth, bColumn] = transB ? [1, ldb] : [ldb, 1];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < ldc; j++) {
      const before = Number(c[i * ldc + j]);
      let expected = beta === 0 ? 0 : beta * before;
      let magnitude = Math.abs(expected);
      if (j < n) {
        for (let l = 0; l < k; l++) {
          const term =
            alpha * Number(a[i * aRow + l * aDepth]) * Number(b[l * bDepth + j * bColumn]);
          expected += term;
          magnitude += Math.abs(term);
        }
      } else {
        [expected, magnitude] = [untouched, 0];
      }
      const value = Number(actual[i * ldc + j]);
      if (Math.abs(value - expected) <= relativeTolerance[dtype] * magnitude) continue;
      expect.fail(`${JSON.stringify(p)}: C[${i}, ${j}] is ${value}, should be ${expected}`);
    }
  }
}

type Place = HeapArray;

const sizes = [0, 1, 2, 3, 4, 5, 8, 9, 17];
const factors = [
  { alpha: 1, beta: 0 },
  { alpha: 1, beta: 1 },
  { alpha: -0.7, beta: 0.3 },
  { alpha: 0, beta: 0 },
  { alpha: 2, beta: 0 },
];

describe.each(Object.entries(engines))('products on the engine %s', (name, engine) => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
    test.skipIf(!engine).each([
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ])('are those of a plain loop, transA %s, transB %s', (transA, transB) => {
      if (!engine) return;
      let turn = 0;
      for (const m of sizes) {
        for (const n of sizes) {
          for (const k of sizes) {
            const factor = factors[turn++ % factors.length] as { alpha: number; beta: number };
            check(engine, { dtype, transA, transB, m, n, k, padding: turn % 3, ...factor });
          }
        }
      }
      // Beyond each block of the packed kernel, and long thin shapes.
      for (const [m, n, k] of [
        [195, 9, 261],
        [7, 1030, 5],
        [1, 300, 100],
        [300, 1, 100],
        [4, 33, 515],
        [100, 100, 100],
      ] as const) {
        check(engine, { dtype, transA, transB, m, n, k, alpha: 1, beta: 1, padding: 3 });
      }
    });

    test.skipIf(!engine)('are computed by that engine, and none other', () => {
      if (!engine) return;
      const kernel = vi.spyOn(engine.kernels[dtype], 'gemm');
      const library = engine.blas && vi.spyOn(engine.blas, 'gemm');
      const run = () =>
        check(engine, {
          dtype,
          transA: false,
          transB: true,
          m: 5,
          n: 6,
          k: 7,
          alpha: 1,
          beta: 0,
          padding: 0,
        });
      const { products } = engine.profileProducts(run);
      expect(engine.productEngine).toBe(name);
      expect([library?.mock.calls.length ?? 0, kernel.mock.calls.length]).toEqual(
        name === 'blas' ? [1, 0] : [0, 1],
      );
      expect({ calls: products.calls, flops: products.flops }).toEqual({
        calls: 1,
        flops: 2 * 5 * 6 * 7,
      });
      expect(products.milliseconds).toBeGreaterThanOrEqual(0);
    });
  });

  test.skipIf(!engine)('leave nothing behind on the heap', () => {
    if (!engine) return;
    const before = engine.heap.usedBytes;
    check(engine, { dtype: 'f32', transA: true, transB: true, m: 9, n: 9, k: 9, ...plain });
    expect(engine.heap.usedBytes).toBe(before);
  });
});

const plain = { alpha: 1, beta: 0, padding: 0 };

describe.each(['f32', 'f64'] as const)('the packed %s kernel', (dtype) => {
  const { gemm, gemmScratchBytes } = simd.kernels[dtype];
  const element = dtype === 'f32' ? 4 : 8;
  const guard = new Uint8Array(4096).fill(0xa5);
  const extents = [1, 5, 64, 67, 259];

  test('stays within the scratch it asks for, and that is small', () => {
    expect(gemmScratchBytes(1e5, 1e5, 1e5)).toBeLessThan(2.5 * 2 ** 20);
    for (const m of extents) {
      for (const n of extents) {
        for (const k of extents) {
          using _work = simd.scope();
          const [a, b] = [simd.allocate(m * k * element), simd.allocate(k * n * element)];
          const c = simd.allocate(m * n * element);
          const bytes = gemmScratchBytes(m, n, k);
          const scratch = simd.allocate(bytes + guard.length);
          const behind = scratch.pointer + bytes;
          new Uint8Array(simd.heap.memory.buffer).set(guard, behind);
          gemm(0, 0, m, n, k, 1, a, k, b, n, 0, c, n, scratch);
          const found = Buffer.from(simd.heap.memory.buffer, behind, guard.length);
          expect(found.equals(guard), `${m} x ${n} x ${k}`).toBe(true);
        }
      }
    }
  });
});

test('a profile that throws ends', () => {
  const failing = () =>
    simd.profileProducts(() => {
      throw new RangeError('inside');
    });
  expect(failing).toThrow(RangeError);
  const { products } = simd.profileProducts(() => undefined);
  expect(products).toEqual({ calls: 0, flops: 0, milliseconds: 0 });
});
