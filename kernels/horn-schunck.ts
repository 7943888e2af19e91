// Optical flow by a smoothness term (Horn and Schunck 1981). Rows of images are named by a list, `lines`, of
// their numbers among all rows of all images. Flow (images, 2, H, W): a plane of x, a plane of y.
//
// Pixels of a chessboard's one colour have neighbours of the other colour only, so that all of one colour can
// be renewed at once. Lines therefore lie in two halves, first the even pixels of a row, then the odd ones,
// each filled up with zeros to `half` elements, a multiple of 4.

import { lanes, sumLanes } from './shared/simd';

// Ix, Iy, c and 1 / (n alpha^2 + Ix^2 + Iy^2) of a row's pixels, each as a line, first for the even ones.
const TERMS = 4;

// The cubic through four pixels (Catmull and Rom), at t between the second and the third: weights
// ((a t + b) t + c) t + d of the pixels. A vector of f32 holds those of all four, one of f64 those of the first
// two, or of the `last` two.

// @ts-ignore: decorator
@inline
function four<T>(last: bool, p: f32, q: f32, r: f32, s: f32): v128 {
  if (sizeof<T>() == 4) return f32x4(p, q, r, s);
  return last ? f64x2(r, s) : f64x2(p, q);
}

// @ts-ignore: decorator
@inline
function cubic<T>(last: bool, t: v128): v128 {
  const a = four<T>(last, -0.5, 1.5, -1.5, 0.5);
  const b = four<T>(last, 1, -2.5, 2, -0.5);
  const c = four<T>(last, -0.5, 0, 0.5, 0);
  const d = four<T>(last, 0, 1, 0, 0);
  return v128.add<T>(v128.mul<T>(v128.add<T>(v128.mul<T>(v128.add<T>(v128.mul<T>(a, t), b), t), c), t), d);
}

// How these weights change with t.
// @ts-ignore: decorator
@inline
function cubicSlope<T>(last: bool, t: v128): v128 {
  const a = four<T>(last, -1.5, 4.5, -4.5, 1.5);
  const b = four<T>(last, 2, -5, 4, -1);
  const c = four<T>(last, -0.5, 0, 0.5, 0);
  return v128.add<T>(v128.mul<T>(v128.add<T>(v128.mul<T>(a, t), b), t), c);
}

// The sum of four rows, or of their two first or last elements, by a weight each: w of f64 goes on in z.
// @ts-ignore: decorator
@inline
function ofRows<T>(last: bool, p: usize, wide: usize, w: v128, z: v128): v128 {
  const from = sizeof<T>() == 8 && last ? p + 16 : p;
  const k2: T = sizeof<T>() == 4 ? v128.extract_lane<T>(w, 2) : v128.extract_lane<T>(z, 0);
  const k3: T = sizeof<T>() == 4 ? v128.extract_lane<T>(w, 3) : v128.extract_lane<T>(z, 1);
  const first = v128.mul<T>(v128.splat<T>(v128.extract_lane<T>(w, 0)), v128.load(from));
  const second = v128.mul<T>(v128.splat<T>(v128.extract_lane<T>(w, 1)), v128.load(from + wide));
  const third = v128.mul<T>(v128.splat<T>(k2), v128.load(from + 2 * wide));
  const fourth = v128.mul<T>(v128.splat<T>(k3), v128.load(from + 3 * wide));
  return v128.add<T>(v128.add<T>(first, second), v128.add<T>(third, fourth));
}

// @ts-ignore: decorator
@inline
function dot<T>(a: v128, b: v128): T {
  return sumLanes<T>(v128.mul<T>(a, b));
}

// The terms of each pixel: the brightness of `next` where the flow (u, v) leads is about
// J + Ix du + Iy dv; with c = J - I - Ix u - Iy v for the brightness I of `previous`, a flow (u', v') of the
// whole way is off by Ix u' + Iy v' + c. What leads outside has no such term. n is the number of neighbours.
// `next` has a margin of one pixel before each row and column and of two behind it.
// divides rows: previous stride, terms 8*half, lines i32
export function hornSchunckTerms<T>(
  previous: usize, next: usize, flow: usize, terms: usize, lines: usize, rows: i32, H: i32, W: i32,
  stride: i32, half: i32, alpha: T,
): void {
  const size = sizeof<T>();
  const plane = <usize>(H * stride) * size;
  const wide = <usize>(W + 3) * size;
  const lineBytes = <usize>half * size;
  for (let r = 0; r < rows; r++) {
    const line = load<i32>(lines + (<usize>r << 2));
    const y = line % H;
    const image = line / H;
    const other = next + <usize>(image * (H + 3)) * wide;
    const own = previous + <usize>(r * stride) * size;
    const alongX = flow + <usize>image * 2 * plane + <usize>(y * stride) * size;
    const to = terms + <usize>r * 2 * TERMS * lineBytes;
    memory.fill(to, 0, 2 * TERMS * lineBytes);
    const vertical = <i32>(y > 0) + <i32>(y < H - 1);
    for (let x = 0; x < W; x++) {
      const o = <usize>x * size;
      const u: T = load<T>(alongX + o);
      const v: T = load<T>(alongX + plane + o);
      const p: T = <T>x + u;
      const q: T = <T>y + v;
      let ix: T = 0;
      let iy: T = 0;
      let c: T = 0;
      if (p >= 0 && p <= <T>(W - 1) && q >= 0 && q <= <T>(H - 1)) {
        const i = <i32>p;
        const j = <i32>q;
        const from = other + <usize>j * wide + <usize>i * size;
        const s = v128.splat<T>(p - <T>i);
        const t = v128.splat<T>(q - <T>j);
        const wy = cubic<T>(false, t);
        const zy = cubic<T>(true, t);
        const ofWeights = ofRows<T>(false, from, wide, wy, zy);
        const ofSlopes = ofRows<T>(false, from, wide, cubicSlope<T>(false, t), cubicSlope<T>(true, t));
        const wx = cubic<T>(false, s);
        let brightness: T = dot<T>(wx, ofWeights);
        ix = dot<T>(cubicSlope<T>(false, s), ofWeights);
        iy = dot<T>(wx, ofSlopes);
        if (sizeof<T>() == 8) {
          const others = ofRows<T>(true, from, wide, wy, zy);
          const otherSlopes = ofRows<T>(true, from, wide, cubicSlope<T>(false, t), cubicSlope<T>(true, t));
          const zx = cubic<T>(true, s);
          brightness += dot<T>(zx, others);
          ix += dot<T>(cubicSlope<T>(true, s), others);
          iy += dot<T>(zx, otherSlopes);
        }
        c = brightness - load<T>(own + o) - ix * u - iy * v;
      }
      const neighbours = vertical + <i32>(x > 0) + <i32>(x < W - 1);
      const denominator: T = <T>neighbours * alpha * alpha + ix * ix + iy * iy;
      const at = to + (<usize>(x & 1) * TERMS * <usize>half + <usize>(x >> 1)) * size;
      store<T>(at, ix);
      store<T>(at + lineBytes, iy);
      store<T>(at + 2 * lineBytes, c);
      store<T>(at + 3 * lineBytes, neighbours > 0 ? <T>1 / denominator : <T>0);
    }
  }
}

// Bytes of scratch for the flow of one image in halves of lines with a margin of zeros all around, and the
// inverse numbers of neighbours.
export function hornSchunckScratchBytes<T>(H: i32, half: i32): i32 {
  return (2 * (H + 2) * 2 * (half + 2 * lanes<T>()) + 6 * half) * <i32>sizeof<T>();
}

// `sweeps` times, first all pixels of one colour, then of the other: with the means (mu, mv) of its neighbours,
// a pixel's flow goes `step` times the way to  (mu, mv) - (Ix, Iy) (Ix mu + Iy mv + c) / (n alpha^2 + Ix^2 + Iy^2).
// divides images: terms 8*H*half, flow 2*H*stride; scratch of hornSchunckScratchBytes
export function hornSchunckSweeps<T>(
  terms: usize, flow: usize, images: i32, H: i32, W: i32, stride: i32, half: i32, step: T, sweeps: i32,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const lineBytes = <usize>half * size;
  const apart = lineBytes + 32;
  const planeBytes = <usize>(H + 2) * 2 * apart;
  const inverses = scratch + 2 * planeBytes;
  // Of a row with 0, 1 and 2 neighbours above and below.
  for (let vertical = 0; vertical < 3; vertical++) {
    const at = inverses + <usize>(vertical * 2) * lineBytes;
    memory.fill(at, 0, 2 * lineBytes);
    for (let x = 0; x < W; x++) {
      const neighbours = vertical + <i32>(x > 0) + <i32>(x < W - 1);
      const place = at + <usize>(x & 1) * lineBytes + <usize>(x >> 1) * size;
      if (neighbours > 0) store<T>(place, <T>1 / <T>neighbours);
    }
  }
  for (let image = 0; image < images; image++) {
    const own = terms + <usize>(image * H * 2 * TERMS) * lineBytes;
    const from = flow + <usize>(image * 2 * H * stride) * size;
    memory.fill(scratch, 0, 2 * planeBytes);
    inHalves<T>(from, scratch, false, H, W, stride, apart);
    for (let sweep = 0; sweep < 2 * sweeps; sweep++) {
      for (let y = 0; y < H; y++) {
        const odd = (sweep + y) & 1;
        const vertical = <i32>(y > 0) + <i32>(y < H - 1);
        const inverse = inverses + <usize>(vertical * 2 + odd) * lineBytes;
        const row = own + <usize>((y * 2 + odd) * TERMS) * lineBytes;
        // Of an odd pixel i the even ones i and i + 1 are beside it, of an even one the odd ones i - 1 and i.
        const line = scratch + <usize>(2 * (y + 1) + odd) * apart + 16;
        const beside = scratch + <usize>(2 * (y + 1) + 1 - odd) * apart + 16 + <usize>odd * size;
        renew<T>(line, beside, row, inverse, lineBytes, apart, planeBytes, step);
      }
    }
    inHalves<T>(from, scratch, true, H, W, stride, apart);
  }
}

// One half of a row: x at `line`, y a plane behind it.
// @ts-ignore: decorator
@inline
function renew<T>(
  line: usize, beside: usize, row: usize, inverse: usize, lineBytes: usize, apart: usize, planeBytes: usize,
  step: T,
): void {
  const size = sizeof<T>();
  const way = v128.splat<T>(step);
  for (let o: usize = 0; o < lineBytes; o += 16) {
    const p = line + o;
    const q = p + planeBytes;
    const share = v128.load(inverse + o);
    let mu = v128.add<T>(v128.load(p - 2 * apart), v128.load(p + 2 * apart));
    let mv = v128.add<T>(v128.load(q - 2 * apart), v128.load(q + 2 * apart));
    mu = v128.add<T>(mu, v128.add<T>(v128.load(beside + o - size), v128.load(beside + o)));
    const other = beside + planeBytes + o;
    mv = v128.add<T>(mv, v128.add<T>(v128.load(other - size), v128.load(other)));
    mu = v128.mul<T>(mu, share);
    mv = v128.mul<T>(mv, share);
    const ix = v128.load(row + o);
    const iy = v128.load(row + lineBytes + o);
    let off = v128.add<T>(v128.mul<T>(ix, mu), v128.mul<T>(iy, mv));
    off = v128.add<T>(off, v128.load(row + 2 * lineBytes + o));
    off = v128.mul<T>(off, v128.load(row + 3 * lineBytes + o));
    const u = v128.load(p);
    const v = v128.load(q);
    mu = v128.sub<T>(v128.sub<T>(mu, v128.mul<T>(ix, off)), u);
    mv = v128.sub<T>(v128.sub<T>(mv, v128.mul<T>(iy, off)), v);
    v128.store(p, v128.add<T>(u, v128.mul<T>(way, mu)));
    v128.store(q, v128.add<T>(v, v128.mul<T>(way, mv)));
  }
}

// The flow of an image into halves of lines, or `back`.
// @ts-ignore: decorator
@inline
function inHalves<T>(
  flow: usize, scratch: usize, back: bool, H: i32, W: i32, stride: i32, apart: usize,
): void {
  const size = sizeof<T>();
  for (let plane = 0; plane < 2; plane++) {
    for (let y = 0; y < H; y++) {
      let from = flow + <usize>((plane * H + y) * stride) * size;
      const line = scratch + <usize>(2 * (plane * (H + 2) + y + 1)) * apart + 16;
      for (let x = 0; x < W; x++) {
        const at = line + <usize>(x & 1) * apart + <usize>(x >> 1) * size;
        if (back) store<T>(from, load<T>(at));
        else store<T>(at, load<T>(from));
        from += size;
      }
    }
  }
}
