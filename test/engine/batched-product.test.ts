import { afterAll, describe, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import type { Matrices } from '@/engine/batched-product.js';
import type { FloatDType } from '@/engine/blas.js';
import { Engine } from '@/engine/engine.js';
import { openThreads } from '@/engine/threads.js';
import { Random } from '@/random.js';

const system = platform.openBlas();
const blas = 'absent' in system ? undefined : system;
if (!blas) console.warn('the batched product of a BLAS is not tested: there is none');

/** All products are left to the workers. */
const shared = new Engine({
  blas,
  threads: openThreads(3),
  sharing: { eager: true, idle: true },
});
const engines: Record<string, Engine> = {
  simd: new Engine(),
  ...(blas && { blas: new Engine({ blas }), 'blas in workers': shared }),
};
shared.pool?.start();
await vi.waitUntil(() => shared.pool?.ready === 2, { timeout: 30_000 });
afterAll(() => shared.pool?.stop());

const [m, n, k, count] = [5, 19, 7, 6];
const tolerance = { f32: 1e-5, f64: 1e-13 };

interface Case {
  readonly transposed: readonly [a: boolean, b: boolean];
  /** Whether all products read one and the same A, and add up in one and the same C. */
  readonly sameA: boolean;
  readonly sameC: boolean;
  readonly beta: number;
}

/** Both what the engine makes of the matrices and what a plain loop does. */
function run(engine: Engine, dtype: FloatDType, { transposed, sameA, sameC, beta }: Case) {
  const random = new Random(1);
  const View = dtype === 'f32' ? Float32Array : Float64Array;
  const [transA, transB] = transposed;
  // Rows and matrices lie two and three elements further apart than they are long.
  const made = (rows: number, columns: number, same: boolean, turned: boolean) => {
    const [lines, length] = turned ? [columns, rows] : [rows, columns];
    const [line, apart] = [length + 2, same ? 0 : lines * (length + 2) + 3];
    const values = new View(lines * line + (count - 1) * apart).map(() => random.normal());
    const storage = engine.heap.allocate(values.byteLength);
    new View(engine.heap.memory.buffer, storage.pointer, values.length).set(values);
    const matrices: Matrices = { at: storage, line, apart, transposed: turned };
    const index = (i: number, row: number, column: number) =>
      i * apart + (turned ? column * line + row : row * line + column);
    return { values, storage, matrices, index };
  };
  const [a, b, c] = [
    made(m, k, sameA, transA),
    made(k, n, false, transB),
    made(m, n, sameC, false),
  ];
  engine.batchedProduct(dtype, count, [m, n, k], a.matrices, b.matrices, beta, c.matrices);
  const { buffer } = engine.heap.memory;
  const actual = [...new View(buffer, c.storage.pointer, c.values.length)];
  const expected = [...c.values];
  for (let i = 0; i < count; i++) {
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        const at = c.index(i, row, column);
        let sum = beta === 0 ? 0 : beta * (expected[at] ?? Number.NaN);
        for (let j = 0; j < k; j++) {
          const left = a.values[a.index(i, row, j)] ?? Number.NaN;
          sum += left * (b.values[b.index(i, j, column)] ?? Number.NaN);
        }
        expected[at] = sum;
      }
    }
  }
  for (const { storage } of [a, b, c]) engine.heap.free(storage);
  return { actual, expected };
}

describe.each(Object.entries(engines))('%s', (name, engine) => {
  describe.each(['f32', 'f64'] as const)('%s', (dtype) => {
    test.each<Case>([
      { transposed: [false, false], sameA: true, sameC: false, beta: 0 },
      { transposed: [true, false], sameA: true, sameC: false, beta: 0 },
      { transposed: [false, true], sameA: false, sameC: true, beta: 1 },
      { transposed: [true, true], sameA: false, sameC: false, beta: 1 },
    ])('%o', (products) => {
      const before = shared.pool?.computed ?? 0;
      const { actual, expected } = run(engine, dtype, products);
      const far = actual.findIndex(
        (value, i) => !(Math.abs(value - (expected[i] ?? Number.NaN)) <= 20 * tolerance[dtype]),
      );
      expect(far, `element ${far}: ${actual[far]}, not ${expected[far]}`).toBe(-1);
      // Each product is a part of its own; those that add up are nobody else's business.
      const inWorkers = (shared.pool?.computed ?? 0) - before;
      expect(inWorkers).toBe(name === 'blas in workers' && !products.sameC ? count : 0);
    });
  });
});

test.runIf(blas)('the library has its threads again afterwards', () => {
  const threads = blas?.threads();
  run(shared, 'f32', { transposed: [false, false], sameA: false, sameC: false, beta: 0 });
  expect(blas?.threads()).toBe(threads);
});
