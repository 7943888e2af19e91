import { describe, expect, test } from 'vitest';
import { sequential } from '@/autograd/sequential.js';
import { valueAndGradients } from '@/autograd/tape.js';
import { engine, scope } from '@/engine/engine.js';
import { relu } from '@/layers/elementwise/activations.js';
import { flatten } from '@/layers/indexing/axes.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { times, total } from './ops.js';

const used = () => engine().heap.usedBytes;
const square = (x: Tensor) => times(x, x);

describe('sequential', () => {
  test('runs one step after another', () => {
    using _work = scope();
    const x = tensor([-1, 2, 3]);
    expect([...sequential(x, [relu, square, square]).dataSync()]).toEqual([0, 16, 81]);
    expect(sequential(x, [])).toBe(x);
    expect([...x.dataSync()]).toEqual([-1, 2, 3]);
  });

  test('outside a tape no more than one result stays, and nothing that steps left lying', () => {
    using _work = scope();
    const x = zeros([1000]);
    const alone = used();
    const one = relu(x);
    const each = used() - alone;
    one.dispose();
    const seen: number[] = [];
    const untidy = (y: Tensor) => {
      seen.push((used() - alone) / each);
      zeros([1000]);
      return relu(y);
    };
    sequential(x, [untidy, untidy, untidy, untidy]);
    expect(seen).toEqual([0, 1, 1, 1]);
    expect((used() - alone) / each).toBe(1);
  });

  test('steps that return what they were given, or a view of it, take nothing away', () => {
    using _work = scope();
    const x = tensor([1, -2, 3, 4], { shape: [1, 2, 2] });
    const same = (y: Tensor) => y;
    const out = sequential(x, [same, flatten, same, square, flatten, same]);
    expect([...out.dataSync()]).toEqual([1, 4, 9, 16]);
    expect([...x.dataSync()]).toEqual([1, -2, 3, 4]);
    expect([...sequential(x, [flatten]).dataSync()]).toEqual([1, -2, 3, 4]);
  });

  test('on a tape all stays that backward passes read', () => {
    using _work = scope();
    const x = tensor([-1, 2, 3]);
    const { value, gradients } = valueAndGradients(
      (p) => total(sequential(p.x, [relu, square, square])),
      { x },
    );
    expect(value.item()).toBe(97);
    expect([...gradients.x.dataSync()]).toEqual([0, 32, 108]);
  });
});
