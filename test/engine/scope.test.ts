import { afterEach, describe, expect, test } from 'vitest';
import { Engine, engine, scope, useEngine } from '@/engine/engine.js';
import { ScopeError } from '@/errors.js';
import { argmaxRows, scaled } from '@/tensor/arithmetic.js';
import { full, tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const initial = engine();
const used = () => engine().heap.usedBytes;

afterEach(() => {
  expect(engine().openScopes).toBe(0);
});

describe('a scope', () => {
  test('gives back at its closing brace what was allocated inside', () => {
    const before = used();
    let gone: Tensor;
    {
      using _work = scope();
      gone = full([100], 1);
      scaled(gone, 2);
      expect(used()).toBeGreaterThan(before);
    }
    expect(used()).toBe(before);
    for (const use of [
      () => gone.pointer,
      () => gone.dataSync(),
      () => gone.item(),
      () => gone.fill(0),
      () => gone.at(0).item(),
      () => scaled(gone, 2),
    ]) {
      expect(use).toThrow(ScopeError);
      expect(use).toThrow(/keep\(\)/);
    }
  });

  test('is left in order when the work inside throws', () => {
    const before = used();
    expect(() => {
      using _outer = scope();
      using _inner = scope();
      full([10], 1);
      throw new RangeError('inside');
    }).toThrow(RangeError);
    expect(used()).toBe(before);
  });

  test('does not touch what was there before', () => {
    const mine = tensor([1, 2]);
    {
      using _work = scope();
      mine.fill(3);
    }
    expect([...mine.dataSync()]).toEqual([3, 3]);
    mine.dispose();
  });

  test('repeated 10,000 times does not make the heap grow', () => {
    const step = () => {
      using _work = scope();
      scaled(full([1000], 1), 2);
    };
    step();
    const reserved = engine().heap.reservedBytes;
    const before = used();
    for (let i = 0; i < 10_000; i++) step();
    expect(engine().heap.reservedBytes).toBe(reserved);
    expect(used()).toBe(before);
  });
});

describe('keep', () => {
  test('hands a tree to the enclosing scope, and from the outermost one to nobody', () => {
    let kept: { a: Tensor; list: Tensor[]; storage: { w: Tensor } };
    const before = used();
    {
      using outer = scope();
      {
        using inner = scope();
        kept = inner.keep({
          a: full([2], 1),
          list: [full([2], 2)],
          // A branch of that name is no tensor.
          storage: { w: full([2], 3) },
        });
        full([2], 4);
      }
      expect(used() - before).toBe(3 * 64);
      expect([...kept.storage.w.dataSync()]).toEqual([3, 3]);
      outer.keep(kept.a);
    }
    expect(kept.a.dataSync()).toEqual(new Float32Array([1, 1]));
    expect(() => kept.list[0]?.dataSync()).toThrow(ScopeError);
    kept.a.dispose();
    expect(used()).toBe(before);
  });

  test('of a view keeps the whole block', () => {
    let row: Tensor;
    {
      using work = scope();
      row = work.keep(
        tensor([
          [1, 2],
          [3, 4],
        ]).at(1),
      );
    }
    expect([...row.dataSync()]).toEqual([3, 4]);
    row.dispose();
  });

  test('of what belongs to an outer scope leaves it there', () => {
    let outside: Tensor;
    {
      using _outer = scope();
      outside = full([1], 1);
      {
        using inner = scope();
        inner.keep(outside);
      }
      expect(outside.item()).toBe(1);
    }
    expect(() => outside.item()).toThrow(ScopeError);
  });
});

describe('giving back', () => {
  test('a tensor within its scope, twice over, happens once', () => {
    const before = used();
    {
      using _work = scope();
      const x = full([4], 1);
      x.dispose();
      x.dispose();
      expect(used()).toBe(before);
      const reused = full([4], 2);
      expect([...reused.dataSync()]).toEqual([2, 2, 2, 2]);
    }
    expect(used()).toBe(before);
  });

  test('a block that was disposed of is not freed again with its scope', () => {
    const outer = scope();
    const inner = scope();
    const x = full([4], 1);
    x.dispose();
    inner[Symbol.dispose]();
    const y = full([4], 2);
    const z = full([4], 3);
    expect(y.pointer).not.toBe(z.pointer);
    outer[Symbol.dispose]();
  });

  test('views share their storage, and with it the end of its life', () => {
    const x = full([4], 1);
    const view = x.view(2, 2);
    view.at(0).fill(5);
    expect([...x.dataSync()]).toEqual([5, 5, 1, 1]);
    view.dispose();
    expect(() => x.dataSync()).toThrow(ScopeError);
  });
});

describe('closing', () => {
  test('twice does nothing the second time', () => {
    const one = scope();
    one[Symbol.dispose]();
    const two = scope();
    one[Symbol.dispose]();
    expect(engine().openScopes).toBe(1);
    two[Symbol.dispose]();
  });

  test('out of order is an error that closes the later scopes and spares the earlier ones', () => {
    const before = used();
    const first = scope();
    const x = full([1], 1);
    const second = scope();
    const third = scope();
    const y = full([1], 2);
    expect(() => second[Symbol.dispose]()).toThrow(ScopeError);
    expect(() => second[Symbol.dispose]()).not.toThrow();
    expect(engine().openScopes).toBe(1);
    // The scope that lost its place still gives back what it owns, and nothing else.
    third[Symbol.dispose]();
    expect(() => y.item()).toThrow(ScopeError);
    expect(engine().openScopes).toBe(1);
    expect(x.item()).toBe(1);
    first[Symbol.dispose]();
    expect(() => x.item()).toThrow(ScopeError);
    expect(used()).toBe(before);
  });

  test('names how many are still open', () => {
    const first = scope();
    const later = [scope(), scope()];
    expect(() => first[Symbol.dispose]()).toThrow(/while 2 opened after it were still open/);
    for (const one of later.reverse()) one[Symbol.dispose]();
  });
});

describe('another engine', () => {
  afterEach(() => {
    useEngine(initial);
  });

  test('takes over from the one in use, and hands back', () => {
    const other = new Engine();
    expect(useEngine(other)).toBe(initial);
    const x = full([3], 1);
    expect(other.heap.usedBytes).toBe(64);
    expect([...x.dataSync()]).toEqual([1, 1, 1]);
    expect(useEngine(initial)).toBe(other);
  });

  test('cannot reach tensors of the first, which stay readable and can be disposed of', () => {
    const x = full([3], 2);
    const before = initial.heap.usedBytes;
    const other = new Engine();
    useEngine(other);
    expect([...x.dataSync()]).toEqual([2, 2, 2]);
    expect(() => argmaxRows(x)).toThrow(/another engine/);
    x.dispose();
    expect(initial.heap.usedBytes).toBe(before - 64);
    expect(other.heap.usedBytes).toBe(64);
  });
});
