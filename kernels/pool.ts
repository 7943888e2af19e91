import { lanes } from './shared/simd';

// Elements of scratch that maxPool needs: one row with the padding on both sides, and room for
// vector loads that end beyond it.
function scratchElements(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return max(W, OW * SW) + 2 * KW + 16;
}
export function maxPoolScratchBytes<T>(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return scratchElements(W, KW, SW, OW) * <i32>sizeof<T>();
}

// y[p, r, q] = the largest of x[p, r SH - PH + i, q SW - PW + j] for i < KH, j < KW inside the image;
// a NaN in the window wins. x (planes, H, W), y (planes, OH, OW). `row` is scratch.
//
// First the rows of a window are combined into one, padded by -infinity, then its columns. pmax is
// one instruction where max takes seven, but loses NaN: those are collected in a mask of their own.
// divides planes: x H*W, y OH*OW; row of maxPoolScratchBytes
export function maxPool<T>(
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

// dx[where y was found] += dy: the first of equal values, the last NaN if there is one.
// divides planes: dx H*W, dy OH*OW, x H*W
export function maxPoolBackward<T>(
  x: usize, dy: usize, dx: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32,
): void {
  const plane = <usize>(H * W) * sizeof<T>();
  memory.fill(dx, 0, <usize>planes * plane);
  // Windows that are read side by side: those wholly inside, and what a pair of columns reads beyond.
  const inside = (PW + SW - 1) / SW;
  const reach = KW + (SW == 2 ? KW & 1 : 0);
  const end = SW <= 2 && W + PW >= reach ? min(OW, (W + PW - reach) / SW + 1) : 0;
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const top = r * SH - PH;
      const rows = min(top + KH, H);
      let q = 0;
      while (q < OW) {
        const left = q * SW - PW;
        if (q >= inside && q + lanes<T>() <= end) {
          const at = <usize>(max(top, 0) * W + left) * sizeof<T>();
          maxOfWindowsBackward<T>(x + at, dy, dx + at, rows - max(top, 0), W, KW, SW);
          q += lanes<T>();
          dy += 16;
        } else {
          maxOfWindowBackward<T>(x, dy, dx, W, max(top, 0), rows, max(left, 0), min(left + KW, W));
          q++;
          dy += sizeof<T>();
        }
      }
    }
    x += plane;
    dx += plane;
  }
}

// One window: rows `top` to `bottom` and columns `left` to `right` of a plane.
function maxOfWindowBackward<T>(
  x: usize, dy: usize, dx: usize, W: i32, top: i32, bottom: i32, left: i32, right: i32,
): void {
  let best = top * W + left;
  let bestValue: T = -Infinity;
  for (let h = top; h < bottom; h++) {
    for (let w = left; w < right; w++) {
      const value = load<T>(x + <usize>(h * W + w) * sizeof<T>());
      if (value > bestValue || value != value) {
        best = h * W + w;
        bestValue = value;
      }
    }
  }
  const to = dx + <usize>best * sizeof<T>();
  store<T>(to, load<T>(to) + load<T>(dy));
}

// As many windows as a vector has lanes, each a stride of 1 or 2 right of the one before; x and dx
// point at the first one's corner.
function maxOfWindowsBackward<T>(
  x: usize, dy: usize, dx: usize, rows: i32, W: i32, KW: i32, SW: i32,
): void {
  const stride = <usize>W * sizeof<T>();
  let best = v128.splat<T>(-Infinity);
  let bestPlace = v128.splat<T>(0);
  let place: T = 0;
  let from = x;
  for (let h = 0; h < rows; h++) {
    for (let j = 0; j < KW; j++) {
      const value = SW == 2 ? columnOfPair<T>(from, j) : v128.load(from + <usize>j * sizeof<T>());
      const better = v128.or(v128.gt<T>(value, best), v128.ne<T>(value, value));
      best = v128.bitselect(value, best, better);
      bestPlace = v128.bitselect(v128.splat<T>(place), bestPlace, better);
      place += 1;
    }
    from += stride;
  }
  const d = v128.load(dy);
  place = 0;
  let to = dx;
  for (let h = 0; h < rows; h++) {
    if (SW == 2) {
      for (let j = 0; j < KW; j += 2) {
        const even = v128.and(d, v128.eq<T>(bestPlace, v128.splat<T>(place + <T>j)));
        const odd =
          j + 1 < KW
            ? v128.and(d, v128.eq<T>(bestPlace, v128.splat<T>(place + <T>(j + 1))))
            : v128.splat<T>(0);
        const o = to + <usize>j * sizeof<T>();
        v128.store(o, v128.add<T>(v128.load(o), firstHalves<T>(even, odd)));
        v128.store(o, v128.add<T>(v128.load(o, 16), secondHalves<T>(even, odd)), 16);
      }
    } else {
      for (let j = 0; j < KW; j++) {
        const o = to + <usize>j * sizeof<T>();
        const mine = v128.and(d, v128.eq<T>(bestPlace, v128.splat<T>(place + <T>j)));
        v128.store(o, v128.add<T>(v128.load(o), mine));
      }
    }
    place += <T>KW;
    to += stride;
  }
}

// Column j of windows two apart: never reads past the pair of columns that j belongs to.
// @ts-ignore: decorator
@inline
function columnOfPair<T>(row: usize, j: i32): v128 {
  const from = row + <usize>(j & ~1) * sizeof<T>();
  return j & 1 ? everyOther<T>(from) : everySecond<T>(from);
}

// @ts-ignore: decorator
@inline
function everyOther<T>(from: usize): v128 {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 1, 3, 5, 7) : v128.shuffle<i64>(a, b, 1, 3);
}

// a[0] b[0] a[1] b[1] ..., the first vector of it and the second.
// @ts-ignore: decorator
@inline
function firstHalves<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 0, 4, 1, 5) : v128.shuffle<i64>(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline
function secondHalves<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 2, 6, 3, 7) : v128.shuffle<i64>(a, b, 1, 3);
}
