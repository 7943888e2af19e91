import { runLstm } from '@test/browser/entry.js';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { FloatDType } from '@/engine/blas.js';
import { dividedKernels } from '@/engine/divisions.js';
import { Engine, type EngineOptions, useEngine } from '@/engine/engine.js';
import { kernelParameters } from '@/engine/kernels.generated.js';
import { platform as browser } from '@/engine/platform-browser.js';
import { chosenThreads, openThreads } from '@/engine/threads.js';
import { UsageError } from '@/errors.js';
import { Random } from '@/random.js';
import { runKernel, runsOf } from './conformance.js';
import { cases } from './kernel-cases/all.js';

const engines: Engine[] = [];

/** An engine whose workers have started. */
async function withThreads(count: number, options: EngineOptions): Promise<Engine> {
  const engine = new Engine({ ...options, threads: openThreads(count) });
  engines.push(engine);
  engine.pool?.start();
  await vi.waitUntil(() => engine.pool?.ready === count - 1, { timeout: 30_000 });
  return engine;
}

afterAll(() => {
  for (const engine of engines) engine.pool?.stop();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

const alone = new Engine();
/** Everything that divides is divided as far as it can be, and computed by workers alone. */
const workers = await withThreads(3, { sharing: { eager: true, idle: true } });

function computed(engine: Engine): number {
  return engine.pool?.computed ?? 0;
}

/** Of the conformance suite's: they divide into one, two and more parts. */
const sizesOfCases = [2, 5, 16, 33, 100];

describe.each(['f32', 'f64'] as const)('%s kernels divided among workers', (dtype) => {
  const named = dividedKernels.filter((name) => name !== 'gemm');
  test.each(named)('%s computes what it does alone, to the bit', (name) => {
    const before = computed(workers);
    for (const definition of cases[name] ?? []) {
      for (const { setup, shift, label } of runsOf(alone, dtype, definition)) {
        if (shift !== 1 || !sizesOfCases.includes(setup().n)) continue;
        const [there, here] = [workers, alone].map((engine) => {
          const own = { ...setup(), kernels: engine.kernels[dtype] };
          const { actual } = runKernel(
            engine,
            definition,
            own,
            shift,
            label,
            definition.arrays(own),
          );
          return actual;
        });
        for (const [array, values] of Object.entries(here ?? {})) {
          if (array !== 'scratch') same(there?.[array] ?? [], values, `${label}: ${array}`);
        }
      }
    }
    // At least two parts of some call: the cases have sizes that divide.
    expect(computed(workers) - before).toBeGreaterThanOrEqual(2);
  });

  // Thin ones go ways of their own: dots, combinations of rows, a vector.
  const sizes = [
    ...[
      [70, 90, 33],
      [90, 70, 300],
      [33, 1040, 5],
      [1, 100, 40],
      [100, 1, 40],
      [5, 97, 40],
    ],
    ...[
      [97, 5, 40],
      [64, 64, 0],
      [7, 33, 3],
    ],
  ] as const;
  test.each(sizes)('product %i x %i x %i', (m = 0, n = 0, k = 0) => {
    for (const [transA, transB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      for (const [alpha, beta] of [
        [1, 0],
        [0.5, 1],
        [2, -0.25],
      ]) {
        const before = computed(workers);
        const [there, here] = [workers, alone].map((engine) =>
          product(engine, dtype, Boolean(transA), Boolean(transB), m, n, k, alpha ?? 1, beta ?? 0),
        );
        same(there ?? [], here ?? [], `${transA} ${transB} ${alpha} ${beta}`);
        const divides = Math.max(m, n) >= 64;
        expect(computed(workers) - before > 0).toBe(divides);
      }
    }
  });
});

test('what divides is a kernel, and its cases are known', () => {
  const known = Object.keys(kernelParameters);
  expect(dividedKernels.filter((name) => !known.includes(name))).toEqual([]);
  expect(dividedKernels.filter((name) => !cases[name])).toEqual(['gemm']);
});

test('the calling thread works along, and a pass of many kernels comes out the same', async () => {
  const shared = await withThreads(2, { sharing: { eager: true } });
  const before = useEngine(shared);
  try {
    let results = runLstm().results;
    // The worker is not always in time.
    while (computed(shared) === 0) results = runLstm().results;
    useEngine(alone);
    expect(results).toEqual(runLstm().results);
  } finally {
    useEngine(before);
  }
});

test('workers see memory that the heap has grown by since', () => {
  const before = workers.heap.reservedBytes;
  const [planes, H, W] = [64, 128, 128];
  const bytes = 4 * planes * H * W;
  const blocks = [];
  while (workers.heap.reservedBytes === before) blocks.push(workers.heap.allocate(bytes));
  const [dx, dy] = [workers.heap.allocate(bytes), workers.heap.allocate(4 * planes)];
  const views = [dx, dy].map((at, i) => {
    return new Float32Array(workers.heap.memory.buffer, at.pointer, i ? planes : planes * H * W);
  });
  views[0]?.fill(Number.NaN);
  views[1]?.fill(H * W);
  workers.kernels.f32.meanPlanesBackward(dy, dx, planes, H * W);
  expect(views[0]?.every((value) => value === 1)).toBe(true);
  for (const block of [...blocks, dx, dy]) workers.heap.free(block);
});

test('small calls are not shared, large ones are once it is known how long they take', async () => {
  const shared = await withThreads(2, {});
  const [small, large] = [64, 2 ** 22];
  const [x, y] = [shared.heap.allocate(4 * large), shared.heap.allocate(4 * large)];
  new Float32Array(shared.heap.memory.buffer, x.pointer, large).fill(0.5);
  for (let call = 0; call < 100; call++) shared.kernels.f32.tanh(x, y, small);
  expect(computed(shared)).toBe(0);
  while (computed(shared) === 0) shared.kernels.f32.tanh(x, y, large);
  const values = new Float32Array(shared.heap.memory.buffer, y.pointer, large);
  expect(values.every((value) => value === values[0])).toBe(true);
  expect(values[0]).toBeCloseTo(Math.tanh(0.5), 6);
});

test('workers start with the first call that is worth it', () => {
  const start = vi.fn(() => () => {});
  const engine = new Engine({ threads: { count: 2, start } });
  expect([engine.threads, engine.threadsAbsent]).toEqual([2, '']);
  const n = 2 ** 22;
  const [x, y] = [engine.heap.allocate(4 * n), engine.heap.allocate(4 * n)];
  engine.kernels.f32.tanh(x, y, n);
  expect(start).not.toHaveBeenCalled();
  // They never come, which stops nobody.
  engine.kernels.f32.tanh(x, y, n);
  engine.kernels.f32.tanh(x, y, n);
  expect(start).toHaveBeenCalledTimes(1);
});

test('a thread that is lost leaves the work to this one', () => {
  const lost: (() => void)[] = [];
  const stop = vi.fn();
  const threads = {
    count: 2,
    start: (_program: string, _start: object, tell: () => void) => {
      lost.push(tell);
      return stop;
    },
  };
  const engine = new Engine({ threads, sharing: { eager: true } });
  engine.pool?.start();
  lost[0]?.();
  expect([engine.threads, stop.mock.calls.length]).toEqual([1, 1]);
  expect(engine.threadsAbsent).toBe('the others have ended');
  const y = engine.heap.allocate(256);
  engine.kernels.f32.fill(y, 3, 64);
  expect([...new Float32Array(engine.heap.memory.buffer, y.pointer, 64)]).toEqual(
    Array(64).fill(3),
  );
});

describe('one thread', () => {
  test('is left where workers are forbidden', () => {
    const start = () => {
      throw new Error('no workers here');
    };
    const engine = new Engine({ threads: { count: 2, start } });
    engine.pool?.start();
    expect([engine.threads, engine.threadsAbsent]).toEqual([1, 'the others have ended']);
  });

  test('is what an engine has that was not asked for more, on memory of its own', () => {
    expect([alone.threads, alone.threadsAbsent, alone.pool]).toEqual([
      1,
      'not asked for',
      undefined,
    ]);
    expect(alone.heap.memory.buffer).toBeInstanceOf(ArrayBuffer);
    expect(workers.heap.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test('is left where shared memory is not allowed, and the engine computes', () => {
    const Own = WebAssembly.Memory;
    class Memory extends Own {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.shared) throw new TypeError('no shared memory here');
        super(descriptor);
      }
    }
    vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { Memory: { value: Memory } }));
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const engine = new Engine({ threads: openThreads(2) });
    vi.unstubAllGlobals();
    expect(engine.threads).toBe(1);
    expect(engine.threadsAbsent).toBe('shared memory is not allowed (no shared memory here)');
    const before = useEngine(engine);
    const { results } = runLstm();
    useEngine(alone);
    expect(results).toEqual(runLstm().results);
    useEngine(before);
  });

  test('is what a page has that is not isolated', () => {
    expect(browser.openThreads()).toEqual({
      absent: 'the page is not cross-origin isolated, so it may not share memory',
    });
    expect(browser.threadsChoice()).toBeUndefined();
  });
});

describe('GLIMPSE_THREADS', () => {
  test.each([
    [undefined, 'GLIMPSE_THREADS is not set'],
    ['1', 'one was asked for'],
  ])('%s leaves one', (choice, absent) => {
    vi.stubEnv('GLIMPSE_THREADS', choice);
    expect(chosenThreads()).toEqual({ absent });
  });

  test('a number is how many there are', () => {
    vi.stubEnv('GLIMPSE_THREADS', '3');
    expect(chosenThreads()).toMatchObject({ count: 3 });
  });

  test.each(['', ' ', '0', '-1', '1.5', 'many', '65', 'Infinity'])('%j is refused', (choice) => {
    vi.stubEnv('GLIMPSE_THREADS', choice);
    expect(chosenThreads).toThrow(UsageError);
    expect(chosenThreads).toThrow(
      `GLIMPSE_THREADS=${choice}: neither auto nor a number of threads from 1 to 64`,
    );
  });

  test.each([0, 1.5, 65, Number.NaN])('and so are %d threads of an engine', (count) => {
    expect(() => openThreads(count)).toThrow(UsageError);
  });
});

function product(
  engine: Engine,
  dtype: FloatDType,
  transA: boolean,
  transB: boolean,
  m: number,
  n: number,
  k: number,
  alpha: number,
  beta: number,
): Float32Array | Float64Array {
  const random = new Random(m + n + k);
  const View = dtype === 'f32' ? Float32Array : Float64Array;
  const matrices = [m * k, k * n, m * n].map((size) => {
    const storage = engine.heap.allocate(Math.max(1, size) * View.BYTES_PER_ELEMENT);
    const values = Array.from({ length: size }, () => random.normal());
    new View(engine.heap.memory.buffer, storage.pointer, size).set(values);
    return storage;
  });
  const [a, b, c] = matrices;
  if (!a || !b || !c) throw new Error('three matrices');
  const [lda, ldb] = [transA ? m : k, transB ? k : n];
  engine.product(dtype, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, n);
  const result = new View(engine.heap.memory.buffer, c.pointer, m * n).slice();
  for (const storage of matrices) engine.heap.free(storage);
  return result;
}

/** Equal to the bit, but for which NaN a NaN is. */
function same(actual: ArrayLike<number>, expected: ArrayLike<number>, label: string): void {
  expect(actual.length, label).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    expect.fail(`${label}[${i}] is ${actual[i]}, alone it is ${expected[i]}`);
  }
}
