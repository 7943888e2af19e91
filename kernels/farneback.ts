// Optical flow by polynomial expansion (Farneback 2003).
//
// Around each pixel an image is about  c + bx x + by y + axx x^2 + ayy y^2 + axy x y.  Its coefficients bx, by,
// axx, ayy, axy lie next to each other. What follows from those of two images, each pixel's equations
//
//     (gxx gxy) (u)   (hx)
//     (gxy gyy) (v) = (hy)
//
// lies as five lines a row: gxx, gxy, gyy, hx, hy. Flow (images, 2, H, stride): a plane of x, a plane of y.
//
// Lines of images, equations and flow have W elements, and others up to a `stride`, a multiple of 4, that
// nobody looks at: so there are only whole vectors. Rows are named by a list, `lines`, of their numbers among
// all rows of all images, so that threads may share those of a single image.

import { lanes } from './shared/simd';

const COEFFICIENTS = 5;

// @ts-ignore: decorator
@inline
function entry(lines: usize, r: i32): i32 {
  return load<i32>(lines + (<usize>r << 2));
}

// The number of the row y, or of the first or the last one when there is no such row.
// @ts-ignore: decorator
@inline
function clamped(y: i32, H: i32): i32 {
  return min(max(y, 0), H - 1);
}

// @ts-ignore: decorator
@inline
function splatAt<T>(p: usize): v128 {
  return v128.splat<T>(load<T>(p));
}

// Before a line of W elements stands its first one, behind it the last one: `count` before 0 and behind `stride`.
// @ts-ignore: decorator
@inline
function extend<T>(line: usize, W: i32, stride: i32, count: i32): void {
  const before: T = load<T>(line);
  const behind: T = load<T>(line + <usize>(W - 1) * sizeof<T>());
  for (let i = 1; i <= count; i++) store<T>(line - <usize>i * sizeof<T>(), before);
  for (let i = W; i < stride + count; i++) store<T>(line + <usize>i * sizeof<T>(), behind);
}

// Bytes of scratch for five lines with a margin on both sides.
export function farnebackScratchBytes<T>(stride: i32, margin: i32): i32 {
  return COEFFICIENTS * (stride + 2 * margin) * <i32>sizeof<T>();
}

// Coefficients of the quadratic that fits x around each pixel. `fit` holds, for distances k of 0 to margin,
// g[k], k g[k] and k^2 g[k] of the weights g, then four numbers: of the linear terms, of the mean in the
// square ones, of the square ones, of the mixed one.
// divides rows: lines i32, coefficients 5*W; scratch of farnebackScratchBytes
export function polynomials<T>(
  x: usize, fit: usize, coefficients: usize, lines: usize, rows: i32, H: i32, W: i32, stride: i32, margin: i32,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>stride * size;
  const apart = <usize>(stride + 2 * margin) * size;
  const reach = <usize>margin * size;
  const line0 = scratch + reach;
  const line1 = line0 + apart;
  const line2 = line1 + apart;
  const first = fit + reach + size;
  const second = first + reach + size;
  const numbers = second + reach + size;
  const ofLinear = splatAt<T>(numbers);
  const ofMean = splatAt<T>(numbers + size);
  const ofSquare = splatAt<T>(numbers + 2 * size);
  const ofMixed = splatAt<T>(numbers + 3 * size);
  const middle = splatAt<T>(fit);
  const pixelBytes = <usize>COEFFICIENTS * size;
  for (let r = 0; r < rows; r++) {
    const line = entry(lines, r);
    const y = line % H;
    const image = x + <usize>(line - y) * bytes;
    for (let o: usize = 0; o < bytes; o += 16) {
      let s0 = v128.mul<T>(middle, v128.load(image + <usize>y * bytes + o));
      let s1 = v128.splat<T>(0);
      let s2 = v128.splat<T>(0);
      for (let k = 1; k <= margin; k++) {
        const d = <usize>k * size;
        const above = v128.load(image + <usize>clamped(y - k, H) * bytes + o);
        const below = v128.load(image + <usize>clamped(y + k, H) * bytes + o);
        const sum = v128.add<T>(above, below);
        s0 = v128.add<T>(s0, v128.mul<T>(splatAt<T>(fit + d), sum));
        s1 = v128.add<T>(s1, v128.mul<T>(splatAt<T>(first + d), v128.sub<T>(below, above)));
        s2 = v128.add<T>(s2, v128.mul<T>(splatAt<T>(second + d), sum));
      }
      v128.store(line0 + o, s0);
      v128.store(line1 + o, s1);
      v128.store(line2 + o, s2);
    }
    extend<T>(line0, W, stride, margin);
    extend<T>(line1, W, stride, margin);
    extend<T>(line2, W, stride, margin);
    let to = coefficients + <usize>(r * W) * pixelBytes;
    for (let i = 0; i < W; i += lanes<T>()) {
      const o = <usize>i * size;
      let mean = v128.mul<T>(middle, v128.load(line0 + o));
      let bx = v128.splat<T>(0);
      let by = v128.mul<T>(middle, v128.load(line1 + o));
      let xx = v128.splat<T>(0);
      let yy = v128.mul<T>(middle, v128.load(line2 + o));
      let xy = v128.splat<T>(0);
      for (let d = size; d <= reach; d += size) {
        const g0 = splatAt<T>(fit + d);
        const g1 = splatAt<T>(first + d);
        let left = v128.load(line0 + o - d);
        let right = v128.load(line0 + o + d);
        const sum = v128.add<T>(left, right);
        mean = v128.add<T>(mean, v128.mul<T>(g0, sum));
        bx = v128.add<T>(bx, v128.mul<T>(g1, v128.sub<T>(right, left)));
        xx = v128.add<T>(xx, v128.mul<T>(splatAt<T>(second + d), sum));
        left = v128.load(line1 + o - d);
        right = v128.load(line1 + o + d);
        by = v128.add<T>(by, v128.mul<T>(g0, v128.add<T>(left, right)));
        xy = v128.add<T>(xy, v128.mul<T>(g1, v128.sub<T>(right, left)));
        left = v128.load(line2 + o - d);
        right = v128.load(line2 + o + d);
        yy = v128.add<T>(yy, v128.mul<T>(g0, v128.add<T>(left, right)));
      }
      mean = v128.mul<T>(mean, ofMean);
      const count = min(lanes<T>(), W - i);
      scatter<T>(v128.mul<T>(bx, ofLinear), to, pixelBytes, count);
      scatter<T>(v128.mul<T>(by, ofLinear), to + size, pixelBytes, count);
      scatter<T>(v128.add<T>(mean, v128.mul<T>(xx, ofSquare)), to + 2 * size, pixelBytes, count);
      scatter<T>(v128.add<T>(mean, v128.mul<T>(yy, ofSquare)), to + 3 * size, pixelBytes, count);
      scatter<T>(v128.mul<T>(xy, ofMixed), to + 4 * size, pixelBytes, count);
      to += <usize>lanes<T>() * pixelBytes;
    }
  }
}

// The first `count` lanes of a vector to places that lie `apart` bytes apart.
// @ts-ignore: decorator
@inline
function scatter<T>(v: v128, to: usize, apart: usize, count: i32): void {
  store<T>(to, v128.extract_lane<T>(v, 0));
  if (count > 1) store<T>(to + apart, v128.extract_lane<T>(v, 1));
  if (sizeof<T>() == 4) {
    if (count > 2) store<T>(to + 2 * apart, v128.extract_lane<T>(v, 2));
    if (count > 3) store<T>(to + 3 * apart, v128.extract_lane<T>(v, 3));
  }
}

// Each pixel's equations, from the coefficients of `previous` there and of `next` where the flow leads. What
// leads outside says nothing of the motion, and what lies near an edge counts less: by trustX (stride) and
// trustY (H).
// divides rows: previous 5*W, equations 5*stride, lines i32
export function flowEquations<T>(
  previous: usize, next: usize, flow: usize, trustX: usize, trustY: usize, equations: usize,
  lines: usize, rows: i32, H: i32, W: i32, stride: i32,
): void {
  const size = sizeof<T>();
  const bytes = <usize>stride * size;
  const plane = <usize>H * bytes;
  const pixelBytes = <usize>COEFFICIENTS * size;
  const rowBytes = <usize>W * pixelBytes;
  const right: T = <T>(W - 1);
  const bottom: T = <T>(H - 1);
  const half = v128.splat<T>(<T>0.5);
  for (let r = 0; r < rows; r++) {
    const line = entry(lines, r);
    const y = line % H;
    const other = next + <usize>(line - y) * rowBytes;
    const alongX = flow + <usize>(line / H) * 2 * plane + <usize>y * bytes;
    const alongY = alongX + plane;
    const to = equations + <usize>r * <usize>COEFFICIENTS * bytes;
    // First what the two images say together, as lines: bx, by, axx, ayy, axy / 2.
    let a = previous + <usize>r * rowBytes;
    let at = to;
    for (let x = 0; x < W; x++, a += pixelBytes, at += size) {
      const u: T = <T>x + load<T>(alongX + (at - to));
      const v: T = <T>y + load<T>(alongY + (at - to));
      if (u >= 0 && u < right && v >= 0 && v < bottom) {
        const i = <i32>u;
        const j = <i32>v;
        const b = other + <usize>(j * W + i) * pixelBytes;
        const fu: T = u - <T>i;
        const fv: T = v - <T>j;
        const gu: T = <T>1 - fu;
        const gv: T = <T>1 - fv;
        const k00: T = gv * gu;
        const k01: T = gv * fu;
        const k10: T = fv * gu;
        const k11: T = fv * fu;
        const c = b + rowBytes;
        let mixed: T = k00 * load<T>(b + 4 * size) + k01 * load<T>(b + 4 * size + pixelBytes);
        mixed += k10 * load<T>(c + 4 * size) + k11 * load<T>(c + 4 * size + pixelBytes);
        const v00 = v128.splat<T>(k00);
        const v01 = v128.splat<T>(k01);
        const v10 = v128.splat<T>(k10);
        const v11 = v128.splat<T>(k11);
        const seen = between<T>(b, c, pixelBytes, v00, v01, v10, v11);
        const own = v128.load(a);
        const difference = v128.mul<T>(half, v128.sub<T>(own, seen));
        if (sizeof<T>() == 4) {
          // (bx, by, axx, ayy) are one vector of f32 ...
          const sum = v128.mul<T>(half, v128.add<T>(own, seen));
          store<T>(at, v128.extract_lane<T>(difference, 0));
          store<T>(at + bytes, v128.extract_lane<T>(difference, 1));
          store<T>(at + 2 * bytes, v128.extract_lane<T>(sum, 2));
          store<T>(at + 3 * bytes, v128.extract_lane<T>(sum, 3));
        } else {
          // ... and two of f64.
          const squares = between<T>(b + 16, c + 16, pixelBytes, v00, v01, v10, v11);
          const sum = v128.mul<T>(half, v128.add<T>(v128.load(a, 16), squares));
          store<T>(at, v128.extract_lane<T>(difference, 0));
          store<T>(at + bytes, v128.extract_lane<T>(difference, 1));
          store<T>(at + 2 * bytes, v128.extract_lane<T>(sum, 0));
          store<T>(at + 3 * bytes, v128.extract_lane<T>(sum, 1));
        }
        store<T>(at + 4 * bytes, (load<T>(a + 4 * size) + mixed) * <T>0.25);
      } else {
        store<T>(at, load<T>(a) * <T>0.5);
        store<T>(at + bytes, load<T>(a + size) * <T>0.5);
        store<T>(at + 2 * bytes, load<T>(a + 2 * size));
        store<T>(at + 3 * bytes, load<T>(a + 3 * size));
        store<T>(at + 4 * bytes, load<T>(a + 4 * size) * <T>0.5);
      }
    }
    // Then the equations: with A = (axx, axy / 2; axy / 2, ayy), A d = b for the whole way d, times A.
    const trustOfRow = splatAt<T>(trustY + <usize>y * size);
    for (let o: usize = 0; o < bytes; o += 16) {
      const p = to + o;
      const trust = v128.mul<T>(trustOfRow, v128.load(trustX + o));
      const dx = v128.load(alongX + o);
      const dy = v128.load(alongY + o);
      let xx = v128.load(p + 2 * bytes);
      let yy = v128.load(p + 3 * bytes);
      let xy = v128.load(p + 4 * bytes);
      let bx = v128.add<T>(v128.load(p), v128.add<T>(v128.mul<T>(xx, dx), v128.mul<T>(xy, dy)));
      let by = v128.add<T>(v128.load(p + bytes), v128.add<T>(v128.mul<T>(xy, dx), v128.mul<T>(yy, dy)));
      bx = v128.mul<T>(bx, trust);
      by = v128.mul<T>(by, trust);
      xx = v128.mul<T>(xx, trust);
      yy = v128.mul<T>(yy, trust);
      xy = v128.mul<T>(xy, trust);
      const square = v128.mul<T>(xy, xy);
      v128.store(p, v128.add<T>(v128.mul<T>(xx, xx), square));
      v128.store(p + bytes, v128.mul<T>(v128.add<T>(xx, yy), xy));
      v128.store(p + 2 * bytes, v128.add<T>(v128.mul<T>(yy, yy), square));
      v128.store(p + 3 * bytes, v128.add<T>(v128.mul<T>(xx, bx), v128.mul<T>(xy, by)));
      v128.store(p + 4 * bytes, v128.add<T>(v128.mul<T>(xy, bx), v128.mul<T>(yy, by)));
    }
  }
}

// What lies between four pixels: b and the one beside it, c below and the one beside that.
// @ts-ignore: decorator
@inline
function between<T>(b: usize, c: usize, pixelBytes: usize, v00: v128, v01: v128, v10: v128, v11: v128): v128 {
  const upper = v128.add<T>(v128.mul<T>(v00, v128.load(b)), v128.mul<T>(v01, v128.load(b + pixelBytes)));
  const lower = v128.add<T>(v128.mul<T>(v10, v128.load(c)), v128.mul<T>(v11, v128.load(c + pixelBytes)));
  return v128.add<T>(upper, lower);
}

// Rows that are summed up anew, so that the rounding errors of a running sum stay small.
const RESTART = 16;

// The flow that solves the equations of each pixel's neighbours best, those up to `margin` away in x and in y,
// all alike: their sum times `share`. Beyond an edge the last pixel stands in.
// divides rows by 16: lines i32; scratch of farnebackScratchBytes
export function flowOfBox<T>(
  equations: usize, flow: usize, lines: usize, rows: i32, H: i32, W: i32, stride: i32, margin: i32, share: T,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>stride * size;
  const rowBytes = <usize>COEFFICIENTS * bytes;
  const reach = <usize>margin * size;
  const apart = bytes + 2 * reach;
  const start = scratch + reach;
  const factor = v128.splat<T>(share);
  for (let r = 0; r < rows; r++) {
    const line = entry(lines, r);
    const y = line % H;
    const image = equations + <usize>(line - y) * rowBytes;
    const anew = r % RESTART == 0 || y == 0 || entry(lines, r - 1) != line - 1;
    for (let c: usize = 0; c < <usize>COEFFICIENTS; c++) {
      const from = image + c * bytes;
      const to = start + c * apart;
      if (anew) {
        memory.fill(to, 0, bytes);
        for (let k = y - margin; k <= y + margin; k++) {
          const row = from + <usize>clamped(k, H) * rowBytes;
          for (let o: usize = 0; o < bytes; o += 16) {
            v128.store(to + o, v128.add<T>(v128.load(to + o), v128.load(row + o)));
          }
        }
      } else {
        const gone = from + <usize>clamped(y - margin - 1, H) * rowBytes;
        const come = from + <usize>clamped(y + margin, H) * rowBytes;
        for (let o: usize = 0; o < bytes; o += 16) {
          const change = v128.sub<T>(v128.load(come + o), v128.load(gone + o));
          v128.store(to + o, v128.add<T>(v128.load(to + o), change));
        }
      }
      extend<T>(to, W, stride, margin);
    }
    const flowRow = flow + <usize>(line / H * 2 * H + y) * bytes;
    for (let o: usize = 0; o < bytes; o += 16) {
      let left = start + o;
      let right = left;
      let xx = v128.load(left);
      let xy = v128.load(left + apart);
      let yy = v128.load(left + 2 * apart);
      let hx = v128.load(left + 3 * apart);
      let hy = v128.load(left + 4 * apart);
      for (const end = left + reach; right < end; ) {
        left -= size;
        right += size;
        xx = v128.add<T>(xx, v128.add<T>(v128.load(left), v128.load(right)));
        xy = v128.add<T>(xy, v128.add<T>(v128.load(left + apart), v128.load(right + apart)));
        yy = v128.add<T>(yy, v128.add<T>(v128.load(left + 2 * apart), v128.load(right + 2 * apart)));
        hx = v128.add<T>(hx, v128.add<T>(v128.load(left + 3 * apart), v128.load(right + 3 * apart)));
        hy = v128.add<T>(hy, v128.add<T>(v128.load(left + 4 * apart), v128.load(right + 4 * apart)));
      }
      xx = v128.mul<T>(factor, xx);
      xy = v128.mul<T>(factor, xy);
      yy = v128.mul<T>(factor, yy);
      hx = v128.mul<T>(factor, hx);
      hy = v128.mul<T>(factor, hy);
      solve<T>(xx, xy, yy, hx, hy, flowRow + o, <usize>H * bytes);
    }
  }
}

// As flowOfBox, but what lies k pixels away in x and l in y counts weights[k] weights[l], k and l of 0 to margin.
// divides rows: lines i32; scratch of farnebackScratchBytes
export function flowOfWeighted<T>(
  equations: usize, weights: usize, flow: usize, lines: usize, rows: i32, H: i32, W: i32, stride: i32,
  margin: i32, scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>stride * size;
  const rowBytes = <usize>COEFFICIENTS * bytes;
  const reach = <usize>margin * size;
  const apart = bytes + 2 * reach;
  const start = scratch + reach;
  const middle = splatAt<T>(weights);
  for (let r = 0; r < rows; r++) {
    const line = entry(lines, r);
    const y = line % H;
    const image = equations + <usize>(line - y) * rowBytes;
    for (let c: usize = 0; c < <usize>COEFFICIENTS; c++) {
      const from = image + c * bytes;
      const to = start + c * apart;
      const own = from + <usize>y * rowBytes;
      for (let o: usize = 0; o < bytes; o += 16) v128.store(to + o, v128.mul<T>(middle, v128.load(own + o)));
      for (let k = 1; k <= margin; k++) {
        const weight = splatAt<T>(weights + <usize>k * size);
        const above = from + <usize>clamped(y - k, H) * rowBytes;
        const below = from + <usize>clamped(y + k, H) * rowBytes;
        for (let o: usize = 0; o < bytes; o += 16) {
          const pair = v128.add<T>(v128.load(above + o), v128.load(below + o));
          v128.store(to + o, v128.add<T>(v128.load(to + o), v128.mul<T>(weight, pair)));
        }
      }
      extend<T>(to, W, stride, margin);
    }
    const flowRow = flow + <usize>(line / H * 2 * H + y) * bytes;
    for (let o: usize = 0; o < bytes; o += 16) {
      const p = start + o;
      let xx = v128.mul<T>(middle, v128.load(p));
      let xy = v128.mul<T>(middle, v128.load(p + apart));
      let yy = v128.mul<T>(middle, v128.load(p + 2 * apart));
      let hx = v128.mul<T>(middle, v128.load(p + 3 * apart));
      let hy = v128.mul<T>(middle, v128.load(p + 4 * apart));
      for (let d = size; d <= reach; d += size) {
        const weight = splatAt<T>(weights + d);
        xx = addPair<T>(xx, weight, p, d);
        xy = addPair<T>(xy, weight, p + apart, d);
        yy = addPair<T>(yy, weight, p + 2 * apart, d);
        hx = addPair<T>(hx, weight, p + 3 * apart, d);
        hy = addPair<T>(hy, weight, p + 4 * apart, d);
      }
      solve<T>(xx, xy, yy, hx, hy, flowRow + o, <usize>H * bytes);
    }
  }
}

// The sum, and what stands d bytes before p and behind it, times the weight.
// @ts-ignore: decorator
@inline
function addPair<T>(sum: v128, weight: v128, p: usize, d: usize): v128 {
  return v128.add<T>(sum, v128.mul<T>(weight, v128.add<T>(v128.load(p - d), v128.load(p + d))));
}

// The flow, x to `to` and y a plane behind. Where there is no texture the determinant is about 0; with what is
// added to it the flow is about 0, too.
// @ts-ignore: decorator
@inline
function solve<T>(xx: v128, xy: v128, yy: v128, hx: v128, hy: v128, to: usize, plane: usize): void {
  const determinant = v128.sub<T>(v128.mul<T>(xx, yy), v128.mul<T>(xy, xy));
  const inverse = v128.div<T>(v128.splat<T>(1), v128.add<T>(determinant, v128.splat<T>(<T>1e-3)));
  const dx = v128.sub<T>(v128.mul<T>(yy, hx), v128.mul<T>(xy, hy));
  const dy = v128.sub<T>(v128.mul<T>(xx, hy), v128.mul<T>(xy, hx));
  v128.store(to, v128.mul<T>(dx, inverse));
  v128.store(to + plane, v128.mul<T>(dy, inverse));
}
