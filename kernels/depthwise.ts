// Convolution in which every channel has `m` filters of its own. There is no product in it: frames are
// copied into lines with their padding, and every output is summed up in a register.
//
// What one channel of one clip is about is a unit: frames x (length, H, W), filters (m, KT, KH, KW), biases (m),
// maps y (m, OT, OH, OW). Units lie `xApart`, ... elements apart: channels of one clip, or one channel of many
// clips, whose filters are the same (0 apart).
//
// Padded frames lie in a ring as long as a filter reaches over time: frame t at slot t modulo its length.

import { padded } from './shared/padded';
import { lanes, sumLanes } from './shared/simd';

// What vectors may see beyond the end of a line.
const BEYOND = 32;
// Bytes of an entry of the table of frames under a filter: pointers to a frame's lines and to its taps.
const ENTRY: usize = 8;

// @ts-ignore: decorator
@inline
function ringLength(KT: i32, DT: i32): i32 {
  return (KT - 1) * DT + 1;
}

// @ts-ignore: decorator
@inline
function tableBytes(m: i32, KT: i32): usize {
  return (<usize>(m * KT) * ENTRY + 15) & ~15;
}

// Bytes of scratch that any of these kernels needs, for frames (H, W) and maps (OH, OW).
export function depthwiseScratchBytes<T>(
  m: i32, H: i32, W: i32, KT: i32, KH: i32, KW: i32, SH: i32, SW: i32, DT: i32, DH: i32, DW: i32, OH: i32, OW: i32,
): i32 {
  const rows = max((OH - 1) * SH + 1, H) + (KH - 1) * DH;
  const line = max((OW - 1) * SW + 1, W) + (KW - 1) * DW + BEYOND;
  return <i32>tableBytes(m, KT) + m * ringLength(KT, DT) * rows * line * <i32>sizeof<T>();
}

// A vector of elements that lie `stride` elements apart.
// @ts-ignore: decorator
@inline
function everyNth<T>(p: usize, stride: i32): v128 {
  if (stride == 1) return v128.load(p);
  if (stride == 2) {
    const a = v128.load(p), b = v128.load(p, 16);
    return sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 0, 2, 4, 6) : v128.shuffle<i64>(a, b, 0, 2);
  }
  const step = <usize>stride * sizeof<T>();
  let v = v128.replace_lane<T>(v128.splat<T>(load<T>(p)), 1, load<T>(p + step));
  if (sizeof<T>() == 4) {
    v = v128.replace_lane<T>(v, 2, load<T>(p + 2 * step));
    v = v128.replace_lane<T>(v, 3, load<T>(p + 3 * step));
  }
  return v;
}

// The first `n` elements of a vector, of one or more.
// @ts-ignore: decorator
@inline
function storeSome<T>(to: usize, v: v128, n: i32): void {
  if (n >= lanes<T>()) {
    v128.store(to, v);
    return;
  }
  store<T>(to, v128.extract_lane<T>(v, 0));
  if (sizeof<T>() == 4) {
    if (n > 1) store<T>(to, v128.extract_lane<T>(v, 1), 4);
    if (n > 2) store<T>(to, v128.extract_lane<T>(v, 2), 8);
  }
}

// y[r, q] = max(bias + the sum of tap[i, j] lines[r SH + i DH, q SW + j DW] over the `count` frames of the table,
// floor), y (OH, OW). Taps are read `nextTap` bytes apart: backwards where the filter is turned about.
// Written out for the strides 1 and 2.
function correlate<T>(
  table: usize, count: i32, line: i32, nextTap: isize, y: usize, OH: i32, OW: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, DH: i32, DW: i32, bias: T, floor: T,
): void {
  if (SW == 1) {
    correlateBy<T>(table, count, line, nextTap, y, OH, OW, KH, KW, SH, 1, DH, DW, bias, floor);
  } else if (SW == 2) {
    correlateBy<T>(table, count, line, nextTap, y, OH, OW, KH, KW, SH, 2, DH, DW, bias, floor);
  } else {
    correlateBy<T>(table, count, line, nextTap, y, OH, OW, KH, KW, SH, SW, DH, DW, bias, floor);
  }
}

// @ts-ignore: decorator
@inline
function correlateBy<T>(
  table: usize, count: i32, line: i32, nextTap: isize, y: usize, OH: i32, OW: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, DH: i32, DW: i32, bias: T, floor: T,
): void {
  const size = sizeof<T>();
  const down = <usize>(DH * line) * size, right = <usize>DW * size;
  const below = <usize>(SH * line) * size, beside = <usize>SW * 16;
  const rowBytes = <usize>OW * size;
  const whole = 4 * lanes<T>();
  const broad = OW - (OW % whole);
  for (let r = 0; r < OH; r++) {
    for (let q = 0; q < broad; q += whole) {
      const at = <usize>r * below + <usize>(q * SW) * size;
      const to = y + <usize>r * rowBytes + <usize>q * size;
      fourSums<T>(table, count, down, right, nextTap, KH, KW, SW, at, beside, to, 16, lanes<T>(), bias, floor);
    }
  }
  // What is left at the right is narrow: four rows of it at once. The last four may have been seen before; of
  // fewer rows than four each is taken by itself, four times.
  const four = OH >= 4;
  for (let q = broad; q < OW; q += lanes<T>()) {
    for (let r = 0; r < OH; r += four ? 4 : 1) {
      const first = four ? min(r, OH - 4) : r;
      const at = <usize>first * below + <usize>(q * SW) * size;
      const to = y + <usize>first * rowBytes + <usize>q * size;
      fourSums<T>(
        table, count, down, right, nextTap, KH, KW, SW, at, four ? below : 0, to, four ? rowBytes : 0, OW - q, bias,
        floor,
      );
    }
  }
}

// Four vectors of sums, from lines `at` on, the next one's `apart` bytes further; each stored as far as it is
// among the first `n`, `rowBytes` apart.
// @ts-ignore: decorator
@inline
function fourSums<T>(
  table: usize, count: i32, down: usize, right: usize, nextTap: isize, KH: i32, KW: i32, SW: i32,
  at: usize, apart: usize, to: usize, toApart: usize, n: i32, bias: T, floor: T,
): void {
  let s0 = v128.splat<T>(bias), s1 = s0, s2 = s0, s3 = s0;
  for (let entry = table, end = table + <usize>count * ENTRY; entry < end; entry += ENTRY) {
    let from = load<usize>(entry) + at;
    let tap = load<usize>(entry, 4);
    for (let i = 0; i < KH; i++, from += down) {
      let p = from;
      for (let j = 0; j < KW; j++, p += right, tap += nextTap) {
        // A tap is spread over its vector once for all four.
        const k = v128.load_splat<T>(tap);
        s0 = v128.add<T>(s0, v128.mul<T>(k, everyNth<T>(p, SW)));
        s1 = v128.add<T>(s1, v128.mul<T>(k, everyNth<T>(p + apart, SW)));
        s2 = v128.add<T>(s2, v128.mul<T>(k, everyNth<T>(p + 2 * apart, SW)));
        s3 = v128.add<T>(s3, v128.mul<T>(k, everyNth<T>(p + 3 * apart, SW)));
      }
    }
  }
  const low = v128.splat<T>(floor);
  storeSome<T>(to, v128.pmax<T>(s0, low), n);
  storeSome<T>(to + toApart, v128.pmax<T>(s1, low), n);
  storeSome<T>(to + 2 * toApart, v128.pmax<T>(s2, low), n);
  storeSome<T>(to + 3 * toApart, v128.pmax<T>(s3, low), n);
}

// Writes an entry of the table: a frame's lines, and the first of its taps.
// @ts-ignore: decorator
@inline
function enter(table: usize, entry: i32, lines: usize, taps: usize): void {
  store<usize>(table + <usize>entry * ENTRY, lines);
  store<usize>(table + <usize>entry * ENTRY, taps, 4);
}

// y[g, t, r, q] = max(b[g] + the sum of W[g, k, i, j] x[t ST + k DT - PT, r SH + i DH - PH, q SW + j DW - PW], floor)
// of every unit.
// divides units: x xApart, y yApart, filters filtersApart, b bApart; scratch of depthwiseScratchBytes
export function depthwise<T>(
  x: usize, filters: usize, b: usize, y: usize, scratch: usize, units: i32,
  xApart: i32, filtersApart: i32, bApart: i32, yApart: i32, m: i32, length: i32, H: i32, W: i32,
  KT: i32, KH: i32, KW: i32, ST: i32, SH: i32, SW: i32, PT: i32, PH: i32, PW: i32, DT: i32, DH: i32, DW: i32,
  OT: i32, OH: i32, OW: i32, floor: T,
): void {
  const size = sizeof<T>();
  const rows = (OH - 1) * SH + (KH - 1) * DH + 1;
  const line = (OW - 1) * SW + (KW - 1) * DW + 1 + BEYOND;
  const slotBytes = <usize>(rows * line) * size;
  const taps = <usize>(KH * KW) * size;
  const R = ringLength(KT, DT);
  const ring = scratch + tableBytes(m, KT);
  for (let u = 0; u < units; u++) {
    const frames = x + <usize>u * <usize>xApart * size, maps = y + <usize>u * <usize>yApart * size;
    const ownFilters = filters + <usize>u * <usize>filtersApart * size, biases = b + <usize>u * <usize>bApart * size;
    let laid = 0;
    for (let t = 0; t < OT; t++) {
      const first = t * ST - PT;
      for (laid = max(laid, first); laid < min(length, first + R); laid++) {
        const slot = ring + <usize>(laid % R) * slotBytes;
        padded<T>(frames + <usize>(laid * H * W) * size, slot, H, W, -PH, -PW, rows, line);
      }
      for (let g = 0; g < m; g++) {
        let count = 0;
        for (let k = 0; k < KT; k++) {
          const f = first + k * DT;
          if (f < 0 || f >= length) continue;
          enter(scratch, count++, ring + <usize>(f % R) * slotBytes, ownFilters + <usize>(g * KT + k) * taps);
        }
        const map = maps + <usize>((g * OT + t) * OH * OW) * size;
        correlate<T>(
          scratch, count, line, size, map, OH, OW, KH, KW, SH, SW, DH, DW, load<T>(biases + <usize>g * size), floor,
        );
      }
    }
  }
}

// dx of depthwise. dy is laid out as far apart as the filter moved, zeros between: what is left is the
// same sum with the filters turned about.
// divides units: dx xApart, dy yApart, filters filtersApart; scratch of depthwiseScratchBytes
export function depthwiseDx<T>(
  dy: usize, filters: usize, dx: usize, scratch: usize, units: i32,
  xApart: i32, filtersApart: i32, yApart: i32, m: i32, length: i32, H: i32, W: i32,
  KT: i32, KH: i32, KW: i32, ST: i32, SH: i32, SW: i32, PT: i32, PH: i32, PW: i32, DT: i32, DH: i32, DW: i32,
  OT: i32, OH: i32, OW: i32,
): void {
  const size = sizeof<T>();
  const rows = H + (KH - 1) * DH;
  const line = W + (KW - 1) * DW + BEYOND;
  const slotBytes = <usize>(rows * line) * size;
  const taps = <usize>(KH * KW) * size;
  const top = (KH - 1) * DH - PH, left = (KW - 1) * DW - PW;
  const R = ringLength(KT, DT);
  const ring = scratch + tableBytes(m, KT);
  for (let u = 0; u < units; u++) {
    const frames = dx + <usize>u * <usize>xApart * size, maps = dy + <usize>u * <usize>yApart * size;
    const ownFilters = filters + <usize>u * <usize>filtersApart * size;
    let laid = 0;
    for (let f = 0; f < length; f++) {
      // Frame f lies under maps `earliest` to `latest`, if any: at most as many as the ring is long.
      const latest = min(OT - 1, (f + PT) / ST);
      const earliest = max(0, (f + PT - (R - 1) + ST - 1) / ST);
      for (laid = max(laid, earliest); laid <= latest; laid++) {
        for (let g = 0; g < m; g++) {
          const map = maps + <usize>((g * OT + laid) * OH * OW) * size;
          const slot = ring + <usize>(g * R + laid % R) * slotBytes;
          if (SH == 1 && SW == 1) padded<T>(map, slot, OH, OW, -top, -left, rows, line);
          else spread<T>(map, slot, OH, OW, SH, SW, top, left, rows, line);
        }
      }
      let count = 0;
      for (let g = 0; g < m; g++) {
        for (let k = 0; k < KT; k++) {
          const moved = f + PT - k * DT;
          if (moved < 0 || moved % ST != 0 || moved / ST >= OT) continue;
          const slot = ring + <usize>(g * R + (moved / ST) % R) * slotBytes;
          enter(scratch, count++, slot, ownFilters + <usize>(g * KT + k + 1) * taps - size);
        }
      }
      const frame = frames + <usize>(f * H * W) * size;
      correlate<T>(
        scratch, count, line, -<isize>size, frame, H, W, KH, KW, 1, 1, DH, DW, <T>0, <T>-Infinity,
      );
    }
  }
}

// Lines of zeros, with x[r, q] at (r SH + top, q SW + left).
function spread<T>(
  x: usize, to: usize, H: i32, W: i32, SH: i32, SW: i32, top: i32, left: i32, count: i32, line: i32,
): void {
  const size = sizeof<T>();
  memory.fill(to, 0, <usize>(count * line) * size);
  for (let r = 0; r < H; r++) {
    const at = r * SH + top;
    if (at < 0 || at >= count) continue;
    for (let q = 0; q < W; q++) {
      const place = q * SW + left;
      if (place < 0 || place >= line) continue;
      store<T>(to + <usize>(at * line + place) * size, load<T>(x + <usize>(r * W + q) * size));
    }
  }
}

// dW of depthwise: dW[g, k, i, j] += the sum of dy[g, t, r, q] x[t ST + k DT - PT, r SH + i DH - PH, q SW + j DW - PW].
// divides units: x xApart, dy yApart, dW filtersApart; scratch of depthwiseScratchBytes
export function depthwiseDW<T>(
  x: usize, dy: usize, dW: usize, scratch: usize, units: i32,
  xApart: i32, filtersApart: i32, yApart: i32, m: i32, length: i32, H: i32, W: i32,
  KT: i32, KH: i32, KW: i32, ST: i32, SH: i32, SW: i32, PT: i32, PH: i32, PW: i32, DT: i32, DH: i32, DW: i32,
  OT: i32, OH: i32, OW: i32,
): void {
  const size = sizeof<T>();
  const rows = (OH - 1) * SH + (KH - 1) * DH + 1;
  const line = (OW - 1) * SW + (KW - 1) * DW + 1 + BEYOND;
  const slotBytes = <usize>(rows * line) * size;
  const R = ringLength(KT, DT);
  const ring = scratch + tableBytes(m, KT);
  for (let u = 0; u < units; u++) {
    const frames = x + <usize>u * <usize>xApart * size, maps = dy + <usize>u * <usize>yApart * size;
    const sums = dW + <usize>u * <usize>filtersApart * size;
    let laid = 0;
    for (let t = 0; t < OT; t++) {
      const first = t * ST - PT;
      for (laid = max(laid, first); laid < min(length, first + R); laid++) {
        const slot = ring + <usize>(laid % R) * slotBytes;
        padded<T>(frames + <usize>(laid * H * W) * size, slot, H, W, -PH, -PW, rows, line);
      }
      for (let g = 0; g < m; g++) {
        const map = maps + <usize>((g * OT + t) * OH * OW) * size;
        for (let k = 0; k < KT; k++) {
          const f = first + k * DT;
          if (f < 0 || f >= length) continue;
          const slot = ring + <usize>(f % R) * slotBytes;
          let to = sums + <usize>((g * KT + k) * KH * KW) * size;
          for (let i = 0; i < KH; i++) {
            dots<T>(map, slot + <usize>(i * DH * line) * size, line, to, OH, OW, KW, SH, SW, DW);
            to += <usize>KW * size;
          }
        }
      }
    }
  }
}

// sums[j] += the sum of y[r, q] lines[r SH, q SW + j DW], for j < KW.
function dots<T>(
  y: usize, lines: usize, line: i32, sums: usize, OH: i32, OW: i32, KW: i32, SH: i32, SW: i32, DW: i32,
): void {
  const size = sizeof<T>();
  let j = 0;
  // Several at once share what is read of y.
  for (; j + 4 <= KW; j += 4) {
    dotsBy<T>(4, y, lines + <usize>(j * DW) * size, line, sums + <usize>j * size, OH, OW, SH, SW, DW);
  }
  const at = lines + <usize>(j * DW) * size, to = sums + <usize>j * size;
  if (KW - j == 3) dotsBy<T>(3, y, at, line, to, OH, OW, SH, SW, DW);
  else if (KW - j == 2) dotsBy<T>(2, y, at, line, to, OH, OW, SH, SW, DW);
  else if (KW - j == 1) dotsBy<T>(1, y, at, line, to, OH, OW, SH, SW, DW);
}

// `count` of them, at most 4.
// @ts-ignore: decorator
@inline
function dotsBy<T>(
  count: i32, y: usize, lines: usize, line: i32, sums: usize, OH: i32, OW: i32, SH: i32, SW: i32, DW: i32,
): void {
  const size = sizeof<T>();
  const right = <usize>DW * size, beside = <usize>SW * 16;
  const whole = OW - (OW % lanes<T>());
  let s0 = v128.splat<T>(0), s1 = s0, s2 = s0, s3 = s0;
  let e0: T = 0, e1: T = 0, e2: T = 0, e3: T = 0;
  for (let r = 0; r < OH; r++) {
    let p = lines + <usize>(r * SH * line) * size;
    let d = y + <usize>(r * OW) * size;
    for (let q = 0; q < whole; q += lanes<T>(), d += 16, p += beside) {
      const v = v128.load(d);
      s0 = v128.add<T>(s0, v128.mul<T>(v, everyNth<T>(p, SW)));
      if (count > 1) s1 = v128.add<T>(s1, v128.mul<T>(v, everyNth<T>(p + right, SW)));
      if (count > 2) s2 = v128.add<T>(s2, v128.mul<T>(v, everyNth<T>(p + 2 * right, SW)));
      if (count > 3) s3 = v128.add<T>(s3, v128.mul<T>(v, everyNth<T>(p + 3 * right, SW)));
    }
    for (let q = whole; q < OW; q++, d += size, p += <usize>SW * size) {
      const v = load<T>(d);
      e0 += v * load<T>(p);
      if (count > 1) e1 += v * load<T>(p + right);
      if (count > 2) e2 += v * load<T>(p + 2 * right);
      if (count > 3) e3 += v * load<T>(p + 3 * right);
    }
  }
  store<T>(sums, load<T>(sums) + sumLanes<T>(s0) + e0);
  if (count > 1) store<T>(sums, load<T>(sums, sizeof<T>()) + sumLanes<T>(s1) + e1, sizeof<T>());
  if (count > 2) store<T>(sums, load<T>(sums, 2 * sizeof<T>()) + sumLanes<T>(s2) + e2, 2 * sizeof<T>());
  if (count > 3) store<T>(sums, load<T>(sums, 3 * sizeof<T>()) + sumLanes<T>(s3) + e3, 3 * sizeof<T>());
}
