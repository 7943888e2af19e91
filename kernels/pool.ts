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
        let from = x + <usize>(first * H + top) * stride;
        maxOfRows<T>(from, from + stride, image, rows - 1, W);
        for (let d = 1; d < frames; d++) {
          from += <usize>H * stride;
          maxOfRows<T>(image, from, image, rows, W);
        }
        maxOfRow<T>(row, to, KW, SW, OW);
        to += <usize>OW * sizeof<T>();
      }
    }
  }
}

// to[w] = max of start[w] and of x[h, w] for h < rows.
// @ts-ignore: decorator
@inline
function maxOfRows<T>(start: usize, x: usize, to: usize, rows: i32, W: i32): void {
  const stride = <usize>W * sizeof<T>();
  let w = 0;
  for (; w + lanes<T>() <= W; w += lanes<T>()) {
    const o = <usize>w * sizeof<T>();
    let from = x + o;
    let v = v128.load(start + o);
    let nan = v128.ne<T>(v, v);
    for (let h = 0; h < rows; h++) {
      const next = v128.load(from);
      nan = v128.or(nan, v128.ne<T>(next, next));
      v = v128.pmax<T>(v, next);
      from += stride;
    }
    v128.store(to + o, v128.or(v, nan));
  }
  for (; w < W; w++) {
    const o = <usize>w * sizeof<T>();
    let from = x + o;
    let v = load<T>(start + o);
    for (let h = 0; h < rows; h++) {
      v = max<T>(v, load<T>(from));
      from += stride;
    }
    store<T>(to + o, v);
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
  return evenOnes<T>(v128.load(from), v128.load(from, 16));
}

// dx[where y was found] += dy: the first of equal values, the last NaN if there is one.
// divides planes: dx D*H*W, dy OD*OH*OW, x D*H*W, y OD*OH*OW
export function maxPoolBackward<T>(
  x: usize, y: usize, dy: usize, dx: usize, planes: i32, D: i32, H: i32, W: i32, KD: i32, KH: i32,
  KW: i32, SD: i32, SH: i32, SW: i32, PD: i32, PH: i32, PW: i32, OD: i32, OH: i32, OW: i32,
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
          if (q >= inside && q + lanes<T>() <= end && noNaN<T>(v128.load(y))) {
            const at = corner + <usize>left * sizeof<T>();
            maxOfWindowsBackward<T>(x + at, y, dy, dx + at, frames, rows, H, W, KW, SW);
            q += lanes<T>();
            y += 16;
            dy += 16;
          } else {
            const at = corner + <usize>max(left, 0) * sizeof<T>();
            const columns = min(left + KW, W) - max(left, 0);
            maxOfWindowBackward<T>(
              x + at, load<T>(y), load<T>(dy), dx + at, frames, rows, columns, H, W,
            );
            q++;
            y += sizeof<T>();
            dy += sizeof<T>();
          }
        }
      }
    }
  }
}

// dy[...] = t[where y was found], the first of equal values: how a change of x changes y. NaN where y is NaN.
// divides planes: x D*H*W, y OD*OH*OW, t D*H*W, dy OD*OH*OW
export function maxPoolTangent<T>(
  x: usize, y: usize, t: usize, dy: usize, planes: i32, D: i32, H: i32, W: i32, KD: i32, KH: i32,
  KW: i32, SD: i32, SH: i32, SW: i32, PD: i32, PH: i32, PW: i32, OD: i32, OH: i32, OW: i32,
): void {
  for (let p = 0; p < planes; p++) {
    for (let f = 0; f < OD; f++) {
      const first = p * D + max(f * SD - PD, 0);
      const frames = min(f * SD - PD + KD, D) - max(f * SD - PD, 0);
      for (let r = 0; r < OH; r++) {
        const top = max(r * SH - PH, 0);
        const rows = min(r * SH - PH + KH, H) - top;
        for (let q = 0; q < OW; q++) {
          const left = max(q * SW - PW, 0);
          const columns = min(q * SW - PW + KW, W) - left;
          const corner = <usize>((first * H + top) * W + left) * sizeof<T>();
          const from = x + corner;
          store<T>(dy, atMax<T>(from, load<T>(y), t + corner, frames, rows, columns, H, W));
          y += sizeof<T>();
          dy += sizeof<T>();
        }
      }
    }
  }
}

// What t has where the first value of a window equals y. NaN is equal to nothing.
function atMax<T>(
  x: usize, y: T, t: usize, frames: i32, rows: i32, columns: i32, H: i32, W: i32,
): T {
  for (let f = 0; f < frames; f++) {
    for (let h = 0; h < rows; h++) {
      const row = <usize>((f * H + h) * W) * sizeof<T>();
      for (let w = 0; w < columns; w++) {
        const at = row + <usize>w * sizeof<T>();
        if (load<T>(x + at) == y) return load<T>(t + at);
      }
    }
  }
  return <T>NaN;
}

// @ts-ignore: decorator
@inline
function noNaN<T>(v: v128): bool {
  return !v128.any_true(v128.ne<T>(v, v));
}

// One window of some frames, rows and columns; x and dx point at its corner. NaN is equal to nothing.
function maxOfWindowBackward<T>(
  x: usize, y: T, dy: T, dx: usize, frames: i32, rows: i32, columns: i32, H: i32, W: i32,
): void {
  let found: usize = 0;
  for (let f = 0; f < frames; f++) {
    for (let h = 0; h < rows; h++) {
      const row = <usize>((f * H + h) * W) * sizeof<T>();
      for (let w = 0; w < columns; w++) {
        const at = row + <usize>w * sizeof<T>();
        const value = load<T>(x + at);
        if (value == y) {
          store<T>(dx + at, load<T>(dx + at) + dy);
          return;
        }
        if (value != value) found = at;
      }
    }
  }
  store<T>(dx + found, load<T>(dx + found) + dy);
}

// As many windows as a vector has lanes, each a stride of 1 or 2 right of the one before; x and dx
// point at the first one's corner. A window is open until the first place that holds its y is found.
function maxOfWindowsBackward<T>(
  x: usize, y: usize, dy: usize, dx: usize, frames: i32, rows: i32, H: i32, W: i32, KW: i32, SW: i32,
): void {
  const stride = <usize>W * sizeof<T>();
  const toFrame = <usize>(H - rows) * stride;
  const best = v128.load(y);
  const d = v128.load(dy);
  let open = v128.eq<T>(best, best);
  for (let f = 0; f < frames; f++) {
    for (let h = 0; h < rows; h++) {
      for (let j = 0; j < KW; j += SW) {
        const o = <usize>j * sizeof<T>();
        const first = v128.load(x + o);
        const to = dx + o;
        if (SW == 1) {
          const here = v128.and(open, v128.eq<T>(first, best));
          open = v128.andnot(open, here);
          v128.store(to, v128.add<T>(v128.load(to), v128.and(d, here)));
          continue;
        }
        // Columns in pairs: one of each window, and what lies between it and the next window's.
        const second = v128.load(x + o, 16);
        const even = v128.and(open, v128.eq<T>(evenOnes<T>(first, second), best));
        open = v128.andnot(open, even);
        let odd = v128.splat<T>(0);
        if (j + 1 < KW) {
          odd = v128.and(open, v128.eq<T>(oddOnes<T>(first, second), best));
          open = v128.andnot(open, odd);
        }
        const left = v128.and(d, even);
        const right = v128.and(d, odd);
        v128.store(to, v128.add<T>(v128.load(to), firstHalves<T>(left, right)));
        v128.store(to, v128.add<T>(v128.load(to, 16), secondHalves<T>(left, right)), 16);
      }
      x += stride;
      dx += stride;
    }
    x += toFrame;
    dx += toFrame;
  }
}

// Every second element of two vectors, from the first one on, and from the second one on.
// @ts-ignore: decorator
@inline
function evenOnes<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 0, 2, 4, 6) : v128.shuffle<i64>(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline
function oddOnes<T>(a: v128, b: v128): v128 {
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
