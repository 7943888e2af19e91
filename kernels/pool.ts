import { lanes } from './simd';

// Elements of scratch that maxPool needs: one row with the padding on both sides, and room for
// vector loads that end beyond it.
function scratchElements(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return max(W, OW * SW) + 2 * KW + 16;
}
export function maxPoolScratchBytes_f32(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return scratchElements(W, KW, SW, OW) * 4;
}
export function maxPoolScratchBytes_f64(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return scratchElements(W, KW, SW, OW) * 8;
}

// y[p, r, q] = the largest of x[p, r SH - PH + i, q SW - PW + j] for i < KH, j < KW inside the image;
// a NaN in the window wins. x (planes, H, W), y (planes, OH, OW). `row` is scratch.
//
// First the rows of a window are combined into one, padded by -infinity, then its columns. pmax is
// one instruction where max takes seven, but loses NaN: those are collected in a mask of their own.
function maxPool<T>(
  x: usize, y: usize, row: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  const lowest: T = -Infinity;
  const scratch = scratchElements(W, KW, SW, OW);
  for (let k = 0; k < scratch; k++) store<T>(row + <usize>k * sizeof<T>(), lowest);
  const image = row + <usize>PW * sizeof<T>();
  const stride = <usize>W * sizeof<T>();
  for (let p = 0; p < planes; p++) {
    const plane = x + <usize>(p * H) * stride;
    for (let r = 0; r < OH; r++) {
      const top = r * SH - PH;
      const begin = max(top, 0);
      const end = min(top + KH, H);
      let w = 0;
      for (; w + lanes<T>() <= W; w += lanes<T>()) {
        let from = plane + <usize>begin * stride + <usize>w * sizeof<T>();
        let v = v128.load(from);
        let nan = v128.ne<T>(v, v);
        for (let h = begin + 1; h < end; h++) {
          from += stride;
          const next = v128.load(from);
          nan = v128.or(nan, v128.ne<T>(next, next));
          v = v128.pmax<T>(v, next);
        }
        v128.store(image + <usize>w * sizeof<T>(), v128.or(v, nan));
      }
      for (; w < W; w++) {
        let from = plane + <usize>begin * stride + <usize>w * sizeof<T>();
        let v = load<T>(from);
        for (let h = begin + 1; h < end; h++) {
          from += stride;
          v = max<T>(v, load<T>(from));
        }
        store<T>(image + <usize>w * sizeof<T>(), v);
      }
      maxOfRow<T>(row, y + <usize>((p * OH + r) * OW) * sizeof<T>(), KW, SW, OW);
    }
  }
}

// y[q] = max over j < KW of row[q SW + j].
function maxOfRow<T>(row: usize, y: usize, KW: i32, SW: i32, OW: i32): void {
  let q = 0;
  if (SW == 2) {
    for (; q + lanes<T>() <= OW; q += lanes<T>()) {
      let from = row + (<usize>q << 1) * sizeof<T>();
      let v = everySecond<T>(from);
      let nan = v128.ne<T>(v, v);
      for (let j = 1; j < KW; j++) {
        from += sizeof<T>();
        const next = everySecond<T>(from);
        nan = v128.or(nan, v128.ne<T>(next, next));
        v = v128.pmax<T>(v, next);
      }
      v128.store(y + <usize>q * sizeof<T>(), v128.or(v, nan));
    }
  } else if (SW == 1) {
    for (; q + lanes<T>() <= OW; q += lanes<T>()) {
      let from = row + <usize>q * sizeof<T>();
      let v = v128.load(from);
      let nan = v128.ne<T>(v, v);
      for (let j = 1; j < KW; j++) {
        from += sizeof<T>();
        const next = v128.load(from);
        nan = v128.or(nan, v128.ne<T>(next, next));
        v = v128.pmax<T>(v, next);
      }
      v128.store(y + <usize>q * sizeof<T>(), v128.or(v, nan));
    }
  }
  for (; q < OW; q++) {
    const from = row + <usize>(q * SW) * sizeof<T>();
    let v = load<T>(from);
    for (let j = 1; j < KW; j++) v = max<T>(v, load<T>(from + <usize>j * sizeof<T>()));
    store<T>(y + <usize>q * sizeof<T>(), v);
  }
}

// @ts-ignore: decorator
@inline
function everySecond<T>(from: usize): v128 {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 0, 2, 4, 6) : v128.shuffle<i64>(a, b, 0, 2);
}
export function maxPool_f32(
  x: usize, y: usize, row: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  maxPool<f32>(x, y, row, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW);
}
export function maxPool_f64(
  x: usize, y: usize, row: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  maxPool<f64>(x, y, row, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW);
}

// dx[where y was found] += dy: the first of equal values, the last NaN if there is one.
function maxPoolBackward<T>(
  x: usize, dy: usize, dx: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  const bytes = <usize>(H * W) * sizeof<T>();
  memory.fill(dx, 0, <usize>planes * bytes);
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const top = r * SH - PH;
      const bottom = min(top + KH, H);
      for (let q = 0; q < OW; q++) {
        const left = q * SW - PW;
        const right = min(left + KW, W);
        let best = max(top, 0) * W + max(left, 0);
        let bestValue: T = -Infinity;
        for (let h = max(top, 0); h < bottom; h++) {
          for (let w = max(left, 0); w < right; w++) {
            const value = load<T>(x + <usize>p * bytes + <usize>(h * W + w) * sizeof<T>());
            if (value > bestValue || value != value) {
              best = h * W + w;
              bestValue = value;
            }
          }
        }
        const to = dx + <usize>p * bytes + <usize>best * sizeof<T>();
        store<T>(to, load<T>(to) + load<T>(dy + <usize>((p * OH + r) * OW + q) * sizeof<T>()));
      }
    }
  }
}
export function maxPoolBackward_f32(
  x: usize, dy: usize, dx: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  maxPoolBackward<f32>(x, dy, dx, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW);
}
export function maxPoolBackward_f64(
  x: usize, dy: usize, dx: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  maxPoolBackward<f64>(x, dy, dx, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW);
}
