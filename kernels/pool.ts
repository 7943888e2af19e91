import { lanes } from './shared/simd';

// Elements of scratch that maxPool needs: one row with the padding on both sides, and room for
// vector loads that end beyond it.
function scratchElements(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return max(W, OW * SW) + 2 * KW + 16;
}
export function maxPoolScratchBytes<T>(W: i32, KW: i32, SW: i32, OW: i32): i32 {
  return scratchElements(W, KW, SW, OW) * <i32>sizeof<T>();
}

// y[p, f, r, q] = the largest of x[p, f SD - PD + d, r SH - PH + i, q SW - PW + j] for d < KD, i < KH and
// j < KW inside the clip; a NaN in the window wins. x (planes, D, H, W), D frames each, y (planes, OD, OH,
// OW). An image is a clip of one frame. `row` is scratch.
//
// First the rows of a window, of all its frames, are combined into one, padded by -infinity, then its
// columns. pmax is one instruction where max takes seven, but loses NaN: those are collected in a mask of
// their own.
// divides planes: x D*H*W, y OD*OH*OW; row of maxPoolScratchBytes
export function maxPool<T>(
  x: usize, y: usize, row: usize, planes: i32, D: i32, H: i32, W: i32, KD: i32, KH: i32, KW: i32,
  SD: i32, SH: i32, SW: i32, PD: i32, PH: i32, PW: i32, OD: i32, OH: i32, OW: i32,
): void {
  const lowest: T = -Infinity;
  const scratch = scratchElements(W, KW, SW, OW);
  for (let k = 0; k < scratch; k++) store<T>(row + <usize>k * sizeof<T>(), lowest);
  const image = row + <usize>PW * sizeof<T>();
  const stride = <usize>W * sizeof<T>();
  let to = y;
  for (let p = 0; p < planes; p++) {
    for (let f = 0; f < OD; f++) {
      const first = p * D + max(f * SD - PD, 0);
      const frames = min(f * SD - PD + KD, D) - max(f * SD - PD, 0);
      for (let r = 0; r < OH; r++) {
        const top = max(r * SH - PH, 0);
        const rows = min(r * SH - PH + KH, H) - top;
        maxOfRows<T>(x + <usize>(first * H + top) * stride, image, frames, rows, H, W);
        maxOfRow<T>(row, to, KW, SW, OW);
        to += <usize>OW * sizeof<T>();
      }
    }
  }
}

// to[w] = max of x[f, h, w] over some frames, of H rows each, and the first of their rows.
function maxOfRows<T>(x: usize, to: usize, frames: i32, rows: i32, H: i32, W: i32): void {
  const stride = <usize>W * sizeof<T>();
  const toFrame = <usize>(H - rows) * stride;
  let w = 0;
  for (; w + lanes<T>() <= W; w += lanes<T>()) {
    let from = x + <usize>w * sizeof<T>();
    let v = v128.load(from);
    let nan = v128.ne<T>(v, v);
    from += stride;
    for (let f = 0, h = 1; f < frames; f++, h = 0) {
      for (; h < rows; h++) {
        const next = v128.load(from);
        nan = v128.or(nan, v128.ne<T>(next, next));
        v = v128.pmax<T>(v, next);
        from += stride;
      }
      from += toFrame;
    }
    v128.store(to + <usize>w * sizeof<T>(), v128.or(v, nan));
  }
  for (; w < W; w++) {
    let from = x + <usize>w * sizeof<T>();
    let v = load<T>(from);
    for (let f = 0; f < frames; f++) {
      for (let h = 0; h < rows; h++) {
        v = max<T>(v, load<T>(from));
        from += stride;
      }
      from += toFrame;
    }
    store<T>(to + <usize>w * sizeof<T>(), v);
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
// divides planes: dx D*H*W, dy OD*OH*OW, x D*H*W
export function maxPoolBackward<T>(
  x: usize, dy: usize, dx: usize, planes: i32, D: i32, H: i32, W: i32, KD: i32, KH: i32, KW: i32,
  SD: i32, SH: i32, SW: i32, PD: i32, PH: i32, PW: i32, OD: i32, OH: i32, OW: i32,
): void {
  const frame = <usize>(H * W) * sizeof<T>();
  memory.fill(dx, 0, <usize>(planes * D) * frame);
  // Windows that are read side by side: those wholly inside, and what a pair of columns reads beyond.
  const inside = (PW + SW - 1) / SW;
  const reach = KW + (SW == 2 ? KW & 1 : 0);
  const end = SW <= 2 && W + PW >= reach ? min(OW, (W + PW - reach) / SW + 1) : 0;
  for (let p = 0; p < planes; p++) {
    for (let f = 0; f < OD; f++) {
      const first = p * D + max(f * SD - PD, 0);
      const frames = min(f * SD - PD + KD, D) - max(f * SD - PD, 0);
      for (let r = 0; r < OH; r++) {
        const top = max(r * SH - PH, 0);
        const rows = min(r * SH - PH + KH, H) - top;
        const corner = <usize>first * frame + <usize>(top * W) * sizeof<T>();
        let q = 0;
        while (q < OW) {
          const left = q * SW - PW;
          if (q >= inside && q + lanes<T>() <= end) {
            const at = corner + <usize>left * sizeof<T>();
            maxOfWindowsBackward<T>(x + at, dy, dx + at, frames, rows, H, W, KW, SW);
            q += lanes<T>();
            dy += 16;
          } else {
            const at = corner + <usize>max(left, 0) * sizeof<T>();
            const columns = min(left + KW, W) - max(left, 0);
            maxOfWindowBackward<T>(x + at, dy, dx + at, frames, rows, columns, H, W);
            q++;
            dy += sizeof<T>();
          }
        }
      }
    }
  }
}

// One window of some frames, rows and columns; x and dx point at its corner.
function maxOfWindowBackward<T>(
  x: usize, dy: usize, dx: usize, frames: i32, rows: i32, columns: i32, H: i32, W: i32,
): void {
  let best = 0;
  let bestValue: T = -Infinity;
  for (let f = 0; f < frames; f++) {
    for (let h = 0; h < rows; h++) {
      for (let w = 0; w < columns; w++) {
        const place = (f * H + h) * W + w;
        const value = load<T>(x + <usize>place * sizeof<T>());
        if (value > bestValue || value != value) {
          best = place;
          bestValue = value;
        }
      }
    }
  }
  const to = dx + <usize>best * sizeof<T>();
  store<T>(to, load<T>(to) + load<T>(dy));
}

// As many windows as a vector has lanes, each a stride of 1 or 2 right of the one before; x and dx
// point at the first one's corner.
function maxOfWindowsBackward<T>(
  x: usize, dy: usize, dx: usize, frames: i32, rows: i32, H: i32, W: i32, KW: i32, SW: i32,
): void {
  const stride = <usize>W * sizeof<T>();
  const toFrame = <usize>(H - rows) * stride;
  let best = v128.splat<T>(-Infinity);
  let bestPlace = v128.splat<T>(0);
  let place: T = 0;
  let from = x;
  for (let f = 0; f < frames; f++) {
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
    from += toFrame;
  }
  const d = v128.load(dy);
  place = 0;
  let to = dx;
  for (let f = 0; f < frames; f++) {
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
    to += toFrame;
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
