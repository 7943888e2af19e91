// Convolution in which every channel has one filter of its own. There is no product in it: a plane is
// copied into lines with its padding, and every output is summed up in a register.

import { padded } from './shared/padded';
import { lanes, sumLanes } from './shared/simd';

// What vectors may see beyond the end of a line.
const BEYOND = 32;

// Bytes of scratch that any of these kernels needs, for images (H, W) and maps (OH, OW).
export function depthwiseScratchBytes<T>(
  H: i32, W: i32, KH: i32, KW: i32, SH: i32, SW: i32, DH: i32, DW: i32, OH: i32, OW: i32,
): i32 {
  const rows = max((OH - 1) * SH + 1, H) + (KH - 1) * DH;
  const line = max((OW - 1) * SW + 1, W) + (KW - 1) * DW + BEYOND;
  return rows * line * <i32>sizeof<T>();
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

// y[r, q] = max(bias + the sum of w[i, j] lines[r SH + i DH, q SW + j DW], floor), y (OH, OW). The filter
// is read backwards when `turned`.
// Written out for the strides 1 and 2.
function correlate<T>(
  lines: usize, line: i32, w: usize, turned: bool, y: usize, OH: i32, OW: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, DH: i32, DW: i32, bias: T, floor: T,
): void {
  if (SW == 1) {
    correlateBy<T>(lines, line, w, turned, y, OH, OW, KH, KW, SH, 1, DH, DW, bias, floor);
  } else if (SW == 2) {
    correlateBy<T>(lines, line, w, turned, y, OH, OW, KH, KW, SH, 2, DH, DW, bias, floor);
  } else {
    correlateBy<T>(lines, line, w, turned, y, OH, OW, KH, KW, SH, SW, DH, DW, bias, floor);
  }
}

// @ts-ignore: decorator
@inline
function correlateBy<T>(
  lines: usize, line: i32, w: usize, turned: bool, y: usize, OH: i32, OW: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, DH: i32, DW: i32, bias: T, floor: T,
): void {
  const size = sizeof<T>();
  const low = v128.splat<T>(floor);
  const vectorBytes = <usize>SW * 16;
  const firstTap = turned ? w + <usize>(KH * KW - 1) * size : w;
  const nextTap: isize = turned ? -<isize>size : <isize>size;
  const down = <usize>(DH * line) * size, right = <usize>DW * size;
  for (let r = 0; r < OH; r++) {
    const row = lines + <usize>(r * SH * line) * size;
    let to = y + <usize>(r * OW) * size;
    let q = 0;
    // Four vectors at once, so that a tap is spread over its vector once for all of them.
    for (; q + 4 * lanes<T>() <= OW; q += 4 * lanes<T>(), to += 64) {
      let s0 = v128.splat<T>(bias), s1 = s0, s2 = s0, s3 = s0;
      let tap = firstTap;
      let from = row + <usize>(q * SW) * size;
      for (let i = 0; i < KH; i++, from += down) {
        let p = from;
        for (let j = 0; j < KW; j++, p += right, tap += nextTap) {
          const k = v128.load_splat<T>(tap);
          s0 = v128.add<T>(s0, v128.mul<T>(k, everyNth<T>(p, SW)));
          s1 = v128.add<T>(s1, v128.mul<T>(k, everyNth<T>(p + vectorBytes, SW)));
          s2 = v128.add<T>(s2, v128.mul<T>(k, everyNth<T>(p + 2 * vectorBytes, SW)));
          s3 = v128.add<T>(s3, v128.mul<T>(k, everyNth<T>(p + 3 * vectorBytes, SW)));
        }
      }
      v128.store(to, v128.pmax<T>(s0, low));
      v128.store(to, v128.pmax<T>(s1, low), 16);
      v128.store(to, v128.pmax<T>(s2, low), 32);
      v128.store(to, v128.pmax<T>(s3, low), 48);
    }
    for (; q < OW; q += lanes<T>(), to += 16) {
      let s = v128.splat<T>(bias);
      let tap = firstTap;
      let from = row + <usize>(q * SW) * size;
      for (let i = 0; i < KH; i++, from += down) {
        let p = from;
        for (let j = 0; j < KW; j++, p += right, tap += nextTap) {
          s = v128.add<T>(s, v128.mul<T>(v128.load_splat<T>(tap), everyNth<T>(p, SW)));
        }
      }
      s = v128.pmax<T>(s, low);
      if (q + lanes<T>() <= OW) {
        v128.store(to, s);
        continue;
      }
      store<T>(to, v128.extract_lane<T>(s, 0));
      if (sizeof<T>() == 4) {
        if (q + 1 < OW) store<T>(to, v128.extract_lane<T>(s, 1), 4);
        if (q + 2 < OW) store<T>(to, v128.extract_lane<T>(s, 2), 8);
      }
    }
  }
}

// y[c, r, q] = max(b[c] + the sum of W[c, i, j] x[c, r SH + i DH - PH, q SW + j DW - PW], floor);
// x (C, H, W), y (C, OH, OW), filters (C, KH, KW).
// divides C: x H*W, y OH*OW, filters KH*KW, b; scratch of depthwiseScratchBytes
export function depthwise<T>(
  x: usize, filters: usize, b: usize, y: usize, scratch: usize, C: i32, H: i32, W: i32,
  KH: i32, KW: i32, SH: i32, SW: i32, PH: i32, PW: i32, DH: i32, DW: i32, OH: i32, OW: i32, floor: T,
): void {
  const size = sizeof<T>();
  const count = (OH - 1) * SH + (KH - 1) * DH + 1;
  const line = (OW - 1) * SW + (KW - 1) * DW + 1 + BEYOND;
  for (let c = 0; c < C; c++) {
    padded<T>(x + <usize>(c * H * W) * size, scratch, H, W, -PH, -PW, count, line);
    correlate<T>(
      scratch, line, filters + <usize>(c * KH * KW) * size, false, y + <usize>(c * OH * OW) * size,
      OH, OW, KH, KW, SH, SW, DH, DW, load<T>(b + <usize>c * size), floor,
    );
  }
}

// dx of depthwise. dy is laid out as far apart as the filter moved, zeros between: what is left is the
// same sum with the filter turned about.
// divides C: dx H*W, dy OH*OW, filters KH*KW; scratch of depthwiseScratchBytes
export function depthwiseDx<T>(
  dy: usize, filters: usize, dx: usize, scratch: usize, C: i32, H: i32, W: i32,
  KH: i32, KW: i32, SH: i32, SW: i32, PH: i32, PW: i32, DH: i32, DW: i32, OH: i32, OW: i32,
): void {
  const size = sizeof<T>();
  const line = W + (KW - 1) * DW + BEYOND;
  const count = H + (KH - 1) * DH;
  const top = (KH - 1) * DH - PH, left = (KW - 1) * DW - PW;
  for (let c = 0; c < C; c++) {
    const plane = dy + <usize>(c * OH * OW) * size;
    if (SH == 1 && SW == 1) padded<T>(plane, scratch, OH, OW, -top, -left, count, line);
    else spread<T>(plane, scratch, OH, OW, SH, SW, top, left, count, line);
    correlate<T>(
      scratch, line, filters + <usize>(c * KH * KW) * size, true, dx + <usize>(c * H * W) * size,
      H, W, KH, KW, 1, 1, DH, DW, <T>0, <T>-Infinity,
    );
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

// The sum of a[i] b[i stride], for i < n.
function dot<T>(a: usize, b: usize, n: i32, stride: i32): T {
  if (stride == 1) return dotBy<T>(a, b, n, 1);
  if (stride == 2) return dotBy<T>(a, b, n, 2);
  return dotBy<T>(a, b, n, stride);
}

// @ts-ignore: decorator
@inline
function dotBy<T>(a: usize, b: usize, n: i32, stride: i32): T {
  const size = sizeof<T>();
  const step = <usize>stride * 16;
  let s0 = v128.splat<T>(0), s1 = s0;
  let i = 0;
  for (; i + 2 * lanes<T>() <= n; i += 2 * lanes<T>(), a += 32, b += 2 * step) {
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(a), everyNth<T>(b, stride)));
    s1 = v128.add<T>(s1, v128.mul<T>(v128.load(a, 16), everyNth<T>(b + step, stride)));
  }
  let sum = sumLanes<T>(v128.add<T>(s0, s1));
  for (; i < n; i++, a += size, b += <usize>stride * size) sum += load<T>(a) * load<T>(b);
  return sum;
}

// dW of depthwise: dW[c, i, j] += the sum of dy[c, r, q] x[c, r SH + i DH - PH, q SW + j DW - PW].
// divides C: x H*W, dy OH*OW, dW KH*KW; scratch of depthwiseScratchBytes
export function depthwiseDW<T>(
  x: usize, dy: usize, dW: usize, scratch: usize, C: i32, H: i32, W: i32,
  KH: i32, KW: i32, SH: i32, SW: i32, PH: i32, PW: i32, DH: i32, DW: i32, OH: i32, OW: i32,
): void {
  const size = sizeof<T>();
  const count = (OH - 1) * SH + (KH - 1) * DH + 1;
  const line = (OW - 1) * SW + (KW - 1) * DW + 1 + BEYOND;
  let to = dW;
  for (let c = 0; c < C; c++) {
    padded<T>(x + <usize>(c * H * W) * size, scratch, H, W, -PH, -PW, count, line);
    const plane = dy + <usize>(c * OH * OW) * size;
    for (let i = 0; i < KH; i++) {
      for (let j = 0; j < KW; j++, to += size) {
        const tap = scratch + <usize>(i * DH * line + j * DW) * size;
        let sum: T = 0;
        for (let r = 0; r < OH; r++) {
          const row = tap + <usize>(r * SH * line) * size;
          sum += dot<T>(plane + <usize>(r * OW) * size, row, OW, SW);
        }
        store<T>(to, load<T>(to) + sum);
      }
    }
  }
}
