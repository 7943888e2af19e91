// Optical flow by polynomial expansion (Farneback 2003). Rows of images are named by a list, `lines`, of
// their numbers among all rows of all images, so that threads may share the rows of a single image.
//
// Around each pixel an image is about  c + bx x + by y + axx x^2 + ayy y^2 + axy x y.  Its five coefficients
// (bx, by, axx, ayy, axy) lie next to each other. What follows from those of two images, the matrix and the
// vector of each pixel's equations, lies as five lines a row: gxx, gxy, gyy, hx, hy.
// Flow (images, 2, H, W): a plane of x, a plane of y.

import { at, lanes, put } from './shared/simd';

const COEFFICIENTS = 5;

// @ts-ignore: decorator
@inline
function lineOf(lines: usize, r: i32): i32 {
  return load<i32>(lines + (<usize>r << 2));
}

// @ts-ignore: decorator
@inline
function clamped(y: i32, H: i32): i32 {
  return min(max(y, 0), H - 1);
}

// `count` elements before the line and behind it, as its first and its last.
// @ts-ignore: decorator
@inline
function extend<T>(line: usize, W: i32, count: i32): void {
  const last = line + <usize>(W - 1) * sizeof<T>();
  for (let i = 1; i <= count; i++) {
    const o = <usize>i * sizeof<T>();
    store<T>(line - o, load<T>(line));
    store<T>(last + o, load<T>(last));
  }
}

// Bytes of scratch for lines of W elements, each with a margin on both sides.
export function farnebackScratchBytes<T>(W: i32, margin: i32): i32 {
  return COEFFICIENTS * (W + 2 * margin) * <i32>sizeof<T>();
}

// Coefficients of the quadratic that fits x around each pixel. `fit` holds, for distances k of 0 to margin,
// g[k], k g[k] and k^2 g[k] of the weights g, then four numbers: of the linear terms, of the mean in the
// square ones, of the square ones, of the mixed one.
// divides rows: lines i32, coefficients 5*W; scratch of farnebackScratchBytes
export function polynomials<T>(
  x: usize, fit: usize, coefficients: usize, lines: usize, rows: i32, H: i32, W: i32, margin: i32,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>W * size;
  const apart = <usize>(W + 2 * margin) * size;
  const line0 = scratch + <usize>margin * size;
  const line1 = line0 + apart;
  const line2 = line1 + apart;
  const first = fit + <usize>(margin + 1) * size;
  const second = first + <usize>(margin + 1) * size;
  const numbers = second + <usize>(margin + 1) * size;
  const ofLinear = v128.splat<T>(load<T>(numbers));
  const ofMean = v128.splat<T>(load<T>(numbers + size));
  const ofSquare = v128.splat<T>(load<T>(numbers + 2 * size));
  const ofMixed = v128.splat<T>(load<T>(numbers + 3 * size));
  const whole = W - (W % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const line = lineOf(lines, r);
    const y = line % H;
    const image = x + <usize>(line - y) * bytes;
    for (let i = 0; i < W; ) {
      const single = i >= whole;
      const o = <usize>i * size;
      let s0 = v128.mul<T>(v128.splat<T>(load<T>(fit)), at<T>(image + <usize>y * bytes + o, single));
      let s1 = v128.splat<T>(0);
      let s2 = v128.splat<T>(0);
      for (let k = 1; k <= margin; k++) {
        const d = <usize>k * size;
        const above = at<T>(image + <usize>clamped(y - k, H) * bytes + o, single);
        const below = at<T>(image + <usize>clamped(y + k, H) * bytes + o, single);
        const sum = v128.add<T>(above, below);
        s0 = v128.add<T>(s0, v128.mul<T>(v128.splat<T>(load<T>(fit + d)), sum));
        const difference = v128.sub<T>(below, above);
        s1 = v128.add<T>(s1, v128.mul<T>(v128.splat<T>(load<T>(first + d)), difference));
        s2 = v128.add<T>(s2, v128.mul<T>(v128.splat<T>(load<T>(second + d)), sum));
      }
      put<T>(line0 + o, s0, single);
      put<T>(line1 + o, s1, single);
      put<T>(line2 + o, s2, single);
      i += single ? 1 : lanes<T>();
    }
    extend<T>(line0, W, margin);
    extend<T>(line1, W, margin);
    extend<T>(line2, W, margin);
    const to = coefficients + <usize>r * COEFFICIENTS * bytes;
    for (let i = 0; i < W; ) {
      const single = i >= whole;
      const o = <usize>i * size;
      const middle = v128.splat<T>(load<T>(fit));
      let mean = v128.mul<T>(middle, at<T>(line0 + o, single));
      let bx = v128.splat<T>(0);
      let by = v128.mul<T>(middle, at<T>(line1 + o, single));
      let xx = v128.splat<T>(0);
      let yy = v128.mul<T>(middle, at<T>(line2 + o, single));
      let xy = v128.splat<T>(0);
      for (let k = 1; k <= margin; k++) {
        const d = <usize>k * size;
        const g0 = v128.splat<T>(load<T>(fit + d));
        const g1 = v128.splat<T>(load<T>(first + d));
        const g2 = v128.splat<T>(load<T>(second + d));
        let left = at<T>(line0 + o - d, single);
        let right = at<T>(line0 + o + d, single);
        const sum = v128.add<T>(left, right);
        mean = v128.add<T>(mean, v128.mul<T>(g0, sum));
        bx = v128.add<T>(bx, v128.mul<T>(g1, v128.sub<T>(right, left)));
        xx = v128.add<T>(xx, v128.mul<T>(g2, sum));
        left = at<T>(line1 + o - d, single);
        right = at<T>(line1 + o + d, single);
        by = v128.add<T>(by, v128.mul<T>(g0, v128.add<T>(left, right)));
        xy = v128.add<T>(xy, v128.mul<T>(g1, v128.sub<T>(right, left)));
        left = at<T>(line2 + o - d, single);
        right = at<T>(line2 + o + d, single);
        yy = v128.add<T>(yy, v128.mul<T>(g0, v128.add<T>(left, right)));
      }
      mean = v128.mul<T>(mean, ofMean);
      const pixel = to + <usize>i * COEFFICIENTS * size;
      scatter<T>(v128.mul<T>(bx, ofLinear), pixel, COEFFICIENTS * size, single);
      scatter<T>(v128.mul<T>(by, ofLinear), pixel + size, COEFFICIENTS * size, single);
      xx = v128.add<T>(mean, v128.mul<T>(xx, ofSquare));
      scatter<T>(xx, pixel + 2 * size, COEFFICIENTS * size, single);
      yy = v128.add<T>(mean, v128.mul<T>(yy, ofSquare));
      scatter<T>(yy, pixel + 3 * size, COEFFICIENTS * size, single);
      scatter<T>(v128.mul<T>(xy, ofMixed), pixel + 4 * size, COEFFICIENTS * size, single);
      i += single ? 1 : lanes<T>();
    }
  }
}

// The lanes of a vector, or the first one, to places that lie `apart` bytes apart.
// @ts-ignore: decorator
@inline
function scatter<T>(v: v128, to: usize, apart: usize, single: bool): void {
  store<T>(to, v128.extract_lane<T>(v, 0));
  if (single) return;
  store<T>(to + apart, v128.extract_lane<T>(v, 1));
  if (sizeof<T>() == 4) {
    store<T>(to + 2 * apart, v128.extract_lane<T>(v, 2));
    store<T>(to + 3 * apart, v128.extract_lane<T>(v, 3));
  }
}

// Each pixel's equations, from the coefficients of `previous` there and of `next` where the flow leads. What
// leads outside says nothing of the motion, and what lies near an edge counts less: by trustX (W) and
// trustY (H).
// divides rows: previous 5*W, matrices 5*W, lines i32
export function flowMatrices<T>(
  previous: usize, next: usize, flow: usize, trustX: usize, trustY: usize, matrices: usize,
  lines: usize, rows: i32, H: i32, W: i32,
): void {
  const size = sizeof<T>();
  const bytes = <usize>W * size;
  const plane = <usize>H * bytes;
  const pixelBytes = COEFFICIENTS * size;
  const rowBytes = <usize>W * pixelBytes;
  const half = v128.splat<T>(<T>0.5);
  const whole = W - (W % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const line = lineOf(lines, r);
    const y = line % H;
    const other = next + <usize>(line - y) * rowBytes;
    const alongX = flow + <usize>(line / H) * 2 * plane + <usize>y * bytes;
    const alongY = alongX + plane;
    const own = previous + <usize>r * rowBytes;
    const to = matrices + <usize>r * rowBytes;
    // First what the two images say together, as lines: bx, by, axx, ayy, axy / 2.
    for (let i = 0; i < W; i++) {
      const o = <usize>i * size;
      const a = own + <usize>i * pixelBytes;
      const u: T = <T>i + load<T>(alongX + o);
      const v: T = <T>y + load<T>(alongY + o);
      if (u >= 0 && u < <T>(W - 1) && v >= 0 && v < <T>(H - 1)) {
        const p: T = floor<T>(u);
        const q: T = floor<T>(v);
        const fu: T = u - p;
        const fv: T = v - q;
        const b = other + <usize>(<i32>q * W + <i32>p) * pixelBytes;
        const below = b + rowBytes;
        const s00: T = (<T>1 - fv) * (<T>1 - fu);
        const s01: T = (<T>1 - fv) * fu;
        const s10: T = fv * (<T>1 - fu);
        const s11: T = fv * fu;
        const k00 = v128.splat<T>(s00);
        const k01 = v128.splat<T>(s01);
        const k10 = v128.splat<T>(s10);
        const k11 = v128.splat<T>(s11);
        // (bx, by, axx, ayy): one vector of f32, two of f64.
        for (let part: usize = 0; part < 4 * size; part += 16) {
          let seen = v128.mul<T>(k00, v128.load(b + part));
          seen = v128.add<T>(seen, v128.mul<T>(k01, v128.load(b + part + pixelBytes)));
          seen = v128.add<T>(seen, v128.mul<T>(k10, v128.load(below + part)));
          seen = v128.add<T>(seen, v128.mul<T>(k11, v128.load(below + part + pixelBytes)));
          const mine = v128.load(a + part);
          const difference = v128.sub<T>(mine, seen);
          const sum = v128.add<T>(mine, seen);
          const both = part == 0 ? linearAndSquare<T>(difference, sum) : sum;
          const at = to + o + (part / size) * bytes;
          scatter<T>(v128.mul<T>(half, both), at, bytes, false);
        }
        const mixed = 4 * size;
        let seen: T = s00 * load<T>(b + mixed) + s01 * load<T>(b + pixelBytes + mixed);
        seen += s10 * load<T>(below + mixed) + s11 * load<T>(below + pixelBytes + mixed);
        store<T>(to + 4 * bytes + o, (load<T>(a + mixed) + seen) * <T>0.25);
      } else {
        store<T>(to + o, load<T>(a) * <T>0.5);
        store<T>(to + bytes + o, load<T>(a + size) * <T>0.5);
        store<T>(to + 2 * bytes + o, load<T>(a + 2 * size));
        store<T>(to + 3 * bytes + o, load<T>(a + 3 * size));
        store<T>(to + 4 * bytes + o, load<T>(a + 4 * size) * <T>0.5);
      }
    }
    // Then the equations: with A = (axx, axy / 2; axy / 2, ayy), what A d = b has to be for the whole flow d.
    const trustOfRow: T = load<T>(trustY + <usize>y * size);
    for (let i = 0; i < W; ) {
      const single = i >= whole;
      const o = <usize>i * size;
      const p0 = to + o;
      const p1 = p0 + bytes;
      const p2 = p1 + bytes;
      const p3 = p2 + bytes;
      const p4 = p3 + bytes;
      const trust = v128.mul<T>(v128.splat<T>(trustOfRow), at<T>(trustX + o, single));
      const dx = at<T>(alongX + o, single);
      const dy = at<T>(alongY + o, single);
      let xx = at<T>(p2, single);
      let yy = at<T>(p3, single);
      let xy = at<T>(p4, single);
      let bx = v128.add<T>(at<T>(p0, single), v128.add<T>(v128.mul<T>(xx, dx), v128.mul<T>(xy, dy)));
      let by = v128.add<T>(at<T>(p1, single), v128.add<T>(v128.mul<T>(xy, dx), v128.mul<T>(yy, dy)));
      bx = v128.mul<T>(bx, trust);
      by = v128.mul<T>(by, trust);
      xx = v128.mul<T>(xx, trust);
      yy = v128.mul<T>(yy, trust);
      xy = v128.mul<T>(xy, trust);
      const square = v128.mul<T>(xy, xy);
      put<T>(p0, v128.add<T>(v128.mul<T>(xx, xx), square), single);
      put<T>(p1, v128.mul<T>(v128.add<T>(xx, yy), xy), single);
      put<T>(p2, v128.add<T>(v128.mul<T>(yy, yy), square), single);
      put<T>(p3, v128.add<T>(v128.mul<T>(xx, bx), v128.mul<T>(xy, by)), single);
      put<T>(p4, v128.add<T>(v128.mul<T>(xy, bx), v128.mul<T>(yy, by)), single);
      i += single ? 1 : lanes<T>();
    }
  }
}

// The two linear terms of the difference, and of f32 the two square ones of the sum, too.
// @ts-ignore: decorator
@inline
function linearAndSquare<T>(difference: v128, sum: v128): v128 {
  return sizeof<T>() == 4 ? v128.shuffle<i64>(difference, sum, 0, 3) : difference;
}

// The flow that solves the equations of each pixel's neighbours best, summed up by weights[k] (k of 0 to
// margin) of their distance in x and in y; beyond an edge the last pixel stands in.
// divides rows: lines i32; scratch of farnebackScratchBytes
export function flowOfMatrices<T>(
  matrices: usize, weights: usize, flow: usize, lines: usize, rows: i32, H: i32, W: i32, margin: i32,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>W * size;
  const plane = <usize>H * bytes;
  const rowBytes = COEFFICIENTS * bytes;
  const apart = <usize>(W + 2 * margin) * size;
  const start = scratch + <usize>margin * size;
  const middle = v128.splat<T>(load<T>(weights));
  const whole = W - (W % lanes<T>());
  for (let r = 0; r < rows; r++) {
    const line = lineOf(lines, r);
    const y = line % H;
    const image = matrices + <usize>(line - y) * rowBytes;
    for (let c: usize = 0; c < <usize>COEFFICIENTS; c++) {
      const from = image + c * bytes;
      const to = start + c * apart;
      for (let i = 0; i < W; ) {
        const single = i >= whole;
        const o = <usize>i * size;
        let sum = v128.mul<T>(middle, at<T>(from + <usize>y * rowBytes + o, single));
        for (let k = 1; k <= margin; k++) {
          const above = at<T>(from + <usize>clamped(y - k, H) * rowBytes + o, single);
          const below = at<T>(from + <usize>clamped(y + k, H) * rowBytes + o, single);
          const weight = v128.splat<T>(load<T>(weights + <usize>k * size));
          sum = v128.add<T>(sum, v128.mul<T>(weight, v128.add<T>(above, below)));
        }
        put<T>(to + o, sum, single);
        i += single ? 1 : lanes<T>();
      }
      extend<T>(to, W, margin);
    }
    const toX = flow + <usize>(line / H) * 2 * plane + <usize>y * bytes;
    for (let i = 0; i < W; ) {
      const single = i >= whole;
      const o = start + <usize>i * size;
      const xx = weighted<T>(o, weights, margin, single);
      const xy = weighted<T>(o + apart, weights, margin, single);
      const yy = weighted<T>(o + 2 * apart, weights, margin, single);
      const hx = weighted<T>(o + 3 * apart, weights, margin, single);
      const hy = weighted<T>(o + 4 * apart, weights, margin, single);
      // Where there is no texture the determinant is about 0, and the flow, too.
      let determinant = v128.sub<T>(v128.mul<T>(xx, yy), v128.mul<T>(xy, xy));
      determinant = v128.add<T>(determinant, v128.splat<T>(<T>1e-3));
      const dx = v128.sub<T>(v128.mul<T>(yy, hx), v128.mul<T>(xy, hy));
      const dy = v128.sub<T>(v128.mul<T>(xx, hy), v128.mul<T>(xy, hx));
      put<T>(toX + <usize>i * size, v128.div<T>(dx, determinant), single);
      put<T>(toX + plane + <usize>i * size, v128.div<T>(dy, determinant), single);
      i += single ? 1 : lanes<T>();
    }
  }
}

// The weighted sum of a line's elements up to `margin` away from p.
// @ts-ignore: decorator
@inline
function weighted<T>(p: usize, weights: usize, margin: i32, single: bool): v128 {
  let sum = v128.mul<T>(v128.splat<T>(load<T>(weights)), at<T>(p, single));
  for (let k = 1; k <= margin; k++) {
    const d = <usize>k * sizeof<T>();
    const pair = v128.add<T>(at<T>(p - d, single), at<T>(p + d, single));
    sum = v128.add<T>(sum, v128.mul<T>(v128.splat<T>(load<T>(weights + d)), pair));
  }
  return sum;
}
