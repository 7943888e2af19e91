// Products in which one matrix has few rows: nothing is packed, the large matrix is streamed once,
// as it lies. Which form fits depends on how its rows lie. Strides are in bytes.

import { sumLanes } from './simd';

/** C += alpha A B^T when both have contiguous rows and A has few: one dot product an element. */
export function dots<T>(
  m: usize, n: usize, k: usize, alpha: T, a: usize, aRow: usize, b: usize, bRow: usize,
  c: usize, cRow: usize, cColumn: usize,
): void {
  for (let j: usize = 0; j < n; j++) {
    for (let i: usize = 0; i < m; i++) {
      const p = c + i * cRow + j * cColumn;
      store<T>(p, load<T>(p) + alpha * dot<T>(k, a + i * aRow, b + j * bRow));
    }
  }
}

function dot<T>(k: usize, x: usize, y: usize): T {
  let s0 = v128.splat<T>(0), s1 = v128.splat<T>(0), s2 = v128.splat<T>(0), s3 = v128.splat<T>(0);
  const end = x + k * sizeof<T>();
  for (; x + 64 <= end; x += 64, y += 64) {
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(x), v128.load(y)));
    s1 = v128.add<T>(s1, v128.mul<T>(v128.load(x, 16), v128.load(y, 16)));
    s2 = v128.add<T>(s2, v128.mul<T>(v128.load(x, 32), v128.load(y, 32)));
    s3 = v128.add<T>(s3, v128.mul<T>(v128.load(x, 48), v128.load(y, 48)));
  }
  let sum = sumLanes<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)));
  for (; x < end; x += sizeof<T>(), y += sizeof<T>()) sum += load<T>(x) * load<T>(y);
  return sum;
}

/** C += alpha A B when A has few rows: a row of C is a combination of the rows of B. */
export function combineRows<T>(
  m: usize, n: usize, k: usize, alpha: T, a: usize, aRow: usize, aDepth: usize,
  b: usize, bRow: usize, c: usize, cRow: usize,
): void {
  let l: usize = 0;
  for (; l + 4 <= k; l += 4) {
    for (let i: usize = 0; i < m; i++) {
      const x = a + i * aRow + l * aDepth;
      addFourRows<T>(
        n, alpha * load<T>(x), alpha * load<T>(x + aDepth), alpha * load<T>(x + 2 * aDepth),
        alpha * load<T>(x + 3 * aDepth), b + l * bRow, bRow, c + i * cRow,
      );
    }
  }
  for (; l < k; l++) {
    for (let i: usize = 0; i < m; i++) {
      addRow<T>(n, alpha * load<T>(a + i * aRow + l * aDepth), b + l * bRow, c + i * cRow);
    }
  }
}

/** c += x0 b0 + x1 b1 + x2 b2 + x3 b3 for four rows of B, the first at `b`. */
function addFourRows<T>(
  n: usize, x0: T, x1: T, x2: T, x3: T, b: usize, bRow: usize, c: usize,
): void {
  const v0 = v128.splat<T>(x0), v1 = v128.splat<T>(x1);
  const v2 = v128.splat<T>(x2), v3 = v128.splat<T>(x3);
  const end = c + n * sizeof<T>();
  for (; c + 16 <= end; c += 16, b += 16) {
    let p = b;
    const s0 = v128.mul<T>(v0, v128.load(p));
    const s1 = v128.mul<T>(v1, v128.load((p += bRow)));
    const s2 = v128.mul<T>(v2, v128.load((p += bRow)));
    const s3 = v128.mul<T>(v3, v128.load((p += bRow)));
    const sum = v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3));
    v128.store(c, v128.add<T>(v128.load(c), sum));
  }
  for (; c < end; c += sizeof<T>(), b += sizeof<T>()) {
    let p = b;
    let sum = x0 * load<T>(p);
    sum += x1 * load<T>((p += bRow));
    sum += x2 * load<T>((p += bRow));
    sum += x3 * load<T>((p += bRow));
    store<T>(c, load<T>(c) + sum);
  }
}

/** c += x b for one row of B. */
function addRow<T>(n: usize, x: T, b: usize, c: usize): void {
  const factor = v128.splat<T>(x);
  const end = c + n * sizeof<T>();
  for (; c + 16 <= end; c += 16, b += 16) {
    v128.store(c, v128.add<T>(v128.load(c), v128.mul<T>(factor, v128.load(b))));
  }
  for (; c < end; c += sizeof<T>(), b += sizeof<T>()) store<T>(c, load<T>(c) + x * load<T>(b));
}
