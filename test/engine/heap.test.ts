import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { Engine, engine, useEngine } from '@/engine/engine.js';
import { Heap, type Storage } from '@/engine/heap.js';
import { OutOfMemoryError, ScopeError } from '@/errors.js';
import { Random } from '@/random.js';
import { matmul } from '@/tensor/arithmetic.js';
import { linspace, tensor } from '@/tensor/create.js';
import { empty } from '@/tensor/tensor.js';

const MiB = 2 ** 20;

function outOfMemory(work: () => unknown): OutOfMemoryError {
  try {
    work();
  } catch (error) {
    if (error instanceof OutOfMemoryError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
}

describe('a heap', () => {
  test('hands out aligned blocks that are at least as large as asked, at most an eighth larger', () => {
    const heap = new Heap();
    for (const bytes of [0, 1, 63, 64, 65, 100, 513, 1000, 4097, 1_000_003, 16 * MiB + 1]) {
      const storage = heap.allocate(bytes);
      expect(storage.pointer % 64).toBe(0);
      expect(storage.pointer).toBeGreaterThan(0);
      expect(storage.bytes).toBeGreaterThanOrEqual(bytes);
      expect(storage.bytes).toBeLessThanOrEqual(Math.max(64 + bytes, bytes * 1.125));
    }
  });

  test('gives a freed block out again to a request of its class', () => {
    const heap = new Heap();
    const first = heap.allocate(1000);
    const { pointer } = first;
    heap.free(first);
    expect(heap.allocate(990).pointer).toBe(pointer);
    expect(heap.allocate(1000).pointer).not.toBe(pointer);
  });

  test('does not grow over 10,000 rounds of the same sizes', () => {
    const heap = new Heap();
    let reserved = 0;
    for (let round = 0; round < 10_000; round++) {
      const blocks = [100, 5000, 70_000, 5000].map((bytes) => heap.allocate(bytes));
      for (const block of blocks) heap.free(block);
      if (round === 0) reserved = heap.reservedBytes;
    }
    expect(heap.reservedBytes).toBe(reserved);
    expect(heap.usedBytes).toBe(0);
  });

  test('counts the bytes in use, and a block given back twice once', () => {
    const heap = new Heap();
    const a = heap.allocate(128);
    const b = heap.allocate(64);
    expect(heap.usedBytes).toBe(192);
    heap.free(a);
    heap.free(a);
    expect(heap.usedBytes).toBe(64);
    const [c, d] = [heap.allocate(128), heap.allocate(128)];
    expect(c.pointer).not.toBe(d.pointer);
    heap.free(b);
    expect(() => b.pointer).toThrow(ScopeError);
  });

  test('keeps what live blocks hold while it grows', () => {
    const heap = new Heap();
    const first = heap.allocate(64);
    new Uint8Array(heap.memory.buffer, first.pointer, 64).fill(7);
    const reserved = heap.reservedBytes;
    heap.allocate(40 * MiB);
    expect(heap.reservedBytes).toBeGreaterThan(reserved);
    expect(new Uint8Array(heap.memory.buffer, first.pointer, 64)).toEqual(
      new Uint8Array(64).fill(7),
    );
  });

  test('that is full cuts a freed larger block, and no further than it goes', () => {
    const heap = new Heap(2 * MiB);
    heap.free(heap.allocate(1.5 * MiB));
    const quarters: number[] = [];
    const fill = () => {
      for (let i = 0; i < 99; i++) quarters.push(heap.allocate(0.25 * MiB).pointer);
    };
    expect(fill).toThrow(OutOfMemoryError);
    // One beside the large block, six in it.
    expect(quarters.length).toBe(7);
    const sorted = quarters.sort((a, b) => a - b);
    for (const [i, pointer] of sorted.entries()) {
      const next = sorted[i + 1] ?? 2 * MiB;
      expect(next - pointer).toBeGreaterThanOrEqual(0.25 * MiB);
    }
  });
});

test('live blocks never overlap and keep their bytes, and only what fits nowhere is refused', () => {
  const probe = new Heap();
  /** Bytes of a block for so many. */
  const blockFor = (bytes: number) => {
    const storage = probe.allocate(bytes);
    probe.free(storage);
    return storage.bytes;
  };
  /** The longest stretch without a live block. */
  const largestGap = (live: Iterable<Storage>, limit: number) => {
    let [end, largest] = [65536, 0];
    for (const { pointer, bytes } of [...live].sort((a, b) => a.pointer - b.pointer)) {
      largest = Math.max(largest, pointer - end);
      end = pointer + bytes;
    }
    return Math.max(largest, limit - end);
  };
  type Model = Map<Storage, number>;
  // A few sizes that come back, so that freed blocks are taken again, whole and in parts.
  const size = fc.oneof(
    fc.constantFrom(60_000, 120_000, 250_000, 500_000),
    fc.integer({ min: 0, max: 300_000 }),
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ allocate: size }) },
    { weight: 2, arbitrary: fc.record({ free: fc.nat(30) }) },
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const limit = MiB;
      const heap = new Heap(limit);
      const live: Model = new Map();
      for (const [index, action] of steps.entries()) {
        if ('allocate' in action) {
          try {
            const storage = heap.allocate(action.allocate);
            expect(storage.pointer + storage.bytes).toBeLessThanOrEqual(limit);
            const mark = (index % 255) + 1;
            new Uint8Array(heap.memory.buffer, storage.pointer, storage.bytes).fill(mark);
            live.set(storage, mark);
          } catch (error) {
            expect(error).toBeInstanceOf(OutOfMemoryError);
            expect(largestGap(live.keys(), limit)).toBeLessThan(blockFor(action.allocate));
            refused++;
          }
        } else {
          const storage = [...live.keys()][action.free];
          if (!storage) continue;
          heap.free(storage);
          live.delete(storage);
        }
        const bytes = [...live.keys()].reduce((sum, storage) => sum + storage.bytes, 0);
        expect(heap.usedBytes).toBe(bytes);
      }
      const sorted = [...live.keys()].sort((a, b) => a.pointer - b.pointer);
      for (const [i, storage] of sorted.entries()) {
        const next = sorted[i + 1];
        if (next) expect(storage.pointer + storage.bytes).toBeLessThanOrEqual(next.pointer);
        const block = Buffer.from(heap.memory.buffer, storage.pointer, storage.bytes);
        const mark = live.get(storage) ?? 0;
        expect(block.equals(Buffer.alloc(storage.bytes, mark))).toBe(true);
      }
    }),
    { seed: 7, numRuns: 100 },
  );
  expect(refused).toBeGreaterThan(0);
});

describe('freed blocks that lie side by side', () => {
  test('make room for a larger one, whatever their order and sizes', () => {
    const heap = new Heap(8 * MiB);
    const order = new Random(5);
    for (let round = 0; round < 3; round++) {
      const blocks = Array.from({ length: 60 }, () => heap.allocate(64 + order.integer(120_000)));
      for (const block of order.shuffle(blocks)) heap.free(block);
      const large = heap.allocate(7.5 * MiB);
      heap.free(large);
    }
    expect(heap.usedBytes).toBe(0);
  });

  test('are not joined across one that lives', () => {
    const heap = new Heap(4 * MiB);
    const [first, wall, third] = [1.5 * MiB, 64, 1.5 * MiB].map((bytes) => heap.allocate(bytes));
    if (!first || !wall || !third) return expect.fail('there was no room');
    heap.free(first);
    heap.free(third);
    expect(() => heap.allocate(2.5 * MiB)).toThrow(OutOfMemoryError);
    expect(heap.allocate(1.5 * MiB).pointer).toBe(65536);
    heap.free(wall);
    expect(heap.allocate(2 * MiB).bytes).toBe(2 * MiB);
  });

  test('serve batches of other lengths, so that the memory is that of the longest', () => {
    const heap = new Heap();
    const step = (length: number) => {
      const blocks = [3, 5, 7, 11].map((width) => heap.allocate(length * width * 40_000));
      for (const block of blocks) heap.free(block);
    };
    const parameters = heap.allocate(3 * MiB);
    step(29);
    const reserved = heap.reservedBytes;
    for (let round = 0; round < 100; round++) step(10 + ((round * 7) % 20));
    expect(heap.reservedBytes).toBe(reserved);
    expect(heap.usedBytes).toBe(parameters.bytes);
  });
});

describe('running out of memory', () => {
  const initial = engine();
  afterEach(() => {
    useEngine(initial);
  });

  test('names what was asked for and what is in use, and the engine goes on', () => {
    const small = new Engine({ heapLimit: 4 * MiB });
    useEngine(small);
    const kept = tensor([1, 2, 3]);
    const error = outOfMemory(() => empty('f32', [3_000_000]));
    expect(error.bytes).toBe(12_000_000);
    expect(error.code).toBe('out-of-memory');
    expect(error.message).toMatch(
      /12,000,000 bytes \(11\.4 MiB\): 64 bytes .* of at most 4,194,304/,
    );
    expect(matmul(kept.view(1, 3), kept.view(3, 1)).item()).toBe(14);
    expect(empty('f32', [500_000]).size).toBe(500_000);
  });

  test('a scope that fails half way gives everything back', () => {
    const small = new Engine({ heapLimit: 4 * MiB });
    useEngine(small);
    const fill = () => {
      using _work = small.scope();
      for (;;) empty('f32', [100_000]);
    };
    const first = outOfMemory(fill);
    expect(small.heap.usedBytes).toBe(0);
    expect(small.openScopes).toBe(0);
    expect(outOfMemory(fill).message).toBe(first.message);
  });

  test('is what sizes beyond any memory end in', () => {
    for (const bytes of [2 ** 40, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 0.5]) {
      expect(outOfMemory(() => initial.allocate(bytes)).bytes).toBe(bytes);
    }
    expect(outOfMemory(() => empty('f64', [2 ** 20, 2 ** 20])).bytes).toBe(2 ** 43);
    const used = initial.heap.usedBytes;
    expect(() => initial.allocate(-1)).toThrow(OutOfMemoryError);
    expect(initial.heap.usedBytes).toBe(used);
  });
});

// Addresses beyond 2^31 are negative to WebAssembly's signed eyes; the pages below are never
// touched, so they cost address space only.
describe.each([
  ['2 GiB', 2 ** 31 - 8 * MiB],
  ['3.75 GiB', 3.75 * 2 ** 30],
])('beyond %s', (_name, bytes) => {
  const initial = engine();
  const engines = {
    simd: new Engine(),
    ...(initial.blas && { blas: new Engine({ blas: initial.blas }) }),
  };
  afterEach(() => {
    useEngine(initial);
  });

  test.each(Object.entries(engines))('kernels, products and copies work on %s', (_engine, high) => {
    high.heap.allocate(bytes);
    useEngine(high);
    high.heap.allocate(16 * MiB);
    for (const dtype of ['f32', 'f64'] as const) {
      const x = linspace(1, 24, [4, 6], dtype);
      expect(x.pointer).toBeGreaterThan(2 ** 31);
      expect([...x.dataSync()]).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
      const [first, last] = [x.slice(0, 1), x.slice(3, 4)];
      expect(matmul(first, last.view(6, 1)).item()).toBe(
        1 * 19 + 2 * 20 + 3 * 21 + 4 * 22 + 5 * 23 + 6 * 24,
      );
      const y = x.clone();
      high.kernels[dtype].axpby(2, x, 1, y, 24);
      expect([...y.dataSync()]).toEqual([...x.dataSync()].map((value) => 3 * value));
      expect(high.kernels[dtype].sum(y, 24)).toBe(900);
    }
  });
});
