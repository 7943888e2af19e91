// Bilinear sampling. x is an image of H by W pixels with C channels, either channels-last (N, H, W, C)
// or planes (N, C, H, W); grid (N, P, 2) holds x and y in [-1, 1]; out is (N, P, C) or (N, C, P).
// Channels-last runs vectors over the channels; planes run the same code one channel at a time.
//
// No grid value leads outside the image: coordinates are clamped before they become indices, corners
// outside are read at the nearest pixel and masked to 0. A NaN coordinate goes on as NaN.

import { at, firstLane, lanes, put, sumLanes } from './shared/simd';

// The pixel coordinate of g. Beyond 8 no image has anything: what is larger, or infinite, is as far.
// @ts-ignore: decorator
@inline
function pixel<T>(g: T, extent: i32, border: i32, alignCorners: i32): T {
  const half: T = <T>0.5;
  const near: T = min<T>(max<T>(g, -8), 8);
  const u: T = alignCorners
    ? (near + <T>1) * (<T>(extent - 1) * half)
    : (near + <T>1) * (<T>extent * half) - half;
  return border ? min<T>(max<T>(u, 0), <T>(extent - 1)) : u;
}

// d pixel / d g: nothing at and beyond the border, where the coordinate is clamped.
// @ts-ignore: decorator
@inline
function slope<T>(u: T, extent: i32, border: i32, alignCorners: i32): T {
  if (border && (u <= 0 || u >= <T>(extent - 1))) return 0;
  return <T>(alignCorners ? extent - 1 : extent) * <T>0.5;
}

// @ts-ignore: decorator
@inline
function index<T>(floored: T): i32 {
  return floored == floored ? <i32>floored : 0;
}

// @ts-ignore: decorator
@inline
function within(i: i32, extent: i32): bool {
  return <u32>i < <u32>extent;
}

// Where pixel (h, w) lies, or the nearest that the image has.
// @ts-ignore: decorator
@inline
function place(image: usize, h: i32, w: i32, H: i32, W: i32, pixelBytes: usize): usize {
  const row = <usize>max(min(h, H - 1), 0);
  return image + (row * <usize>W + <usize>max(min(w, W - 1), 0)) * pixelBytes;
}

// All ones, or all zeros.
// @ts-ignore: decorator
@inline
function mask(inside: bool): v128 {
  return i32x4.splat(-<i32>inside);
}

// out = the four pixels around each point, weighted by how near they are.
// divides N: x C*H*W, grid 2*P, out C*P
export function bilinearSample<T>(
  x: usize, grid: usize, out: usize, N: i32, C: i32, H: i32, W: i32, P: i32,
  channelsLast: i32, border: i32, alignCorners: i32,
): void {
  const size = sizeof<T>();
  const imageBytes = <usize>H * <usize>W * <usize>C * size;
  const pixelBytes: usize = channelsLast ? <usize>C * size : size;
  const channel: usize = channelsLast ? size : <usize>H * <usize>W * size;
  const outChannel: usize = channelsLast ? size : <usize>P * size;
  const whole = channelsLast ? C - (C % lanes<T>()) : 0;
  for (let n = 0; n < N; n++) {
    const image = x + <usize>n * imageBytes;
    for (let p = 0; p < P; p++) {
      const g = grid + (<usize>n * <usize>P + <usize>p) * 2 * size;
      const u: T = pixel<T>(load<T>(g), W, border, alignCorners);
      const v: T = pixel<T>(load<T>(g + size), H, border, alignCorners);
      const w: i32 = index<T>(floor<T>(u));
      const h: i32 = index<T>(floor<T>(v));
      const fu: T = u - floor<T>(u);
      const fv: T = v - floor<T>(v);
      const k00 = v128.splat<T>((<T>1 - fv) * (<T>1 - fu));
      const k01 = v128.splat<T>((<T>1 - fv) * fu);
      const k10 = v128.splat<T>(fv * (<T>1 - fu));
      const k11 = v128.splat<T>(fv * fu);
      const m00 = mask(within(h, H) && within(w, W));
      const m01 = mask(within(h, H) && within(w + 1, W));
      const m10 = mask(within(h + 1, H) && within(w, W));
      const m11 = mask(within(h + 1, H) && within(w + 1, W));
      let a = place(image, h, w, H, W, pixelBytes);
      let b = place(image, h, w + 1, H, W, pixelBytes);
      let c = place(image, h + 1, w, H, W, pixelBytes);
      let d = place(image, h + 1, w + 1, H, W, pixelBytes);
      let to = out + <usize>n * <usize>P * <usize>C * size + <usize>p * pixelBytes;
      for (let i = 0; i < C; ) {
        const single = i >= whole;
        let s = v128.and(m00, v128.mul<T>(k00, at<T>(a, single)));
        s = v128.add<T>(s, v128.and(m01, v128.mul<T>(k01, at<T>(b, single))));
        s = v128.add<T>(s, v128.and(m10, v128.mul<T>(k10, at<T>(c, single))));
        s = v128.add<T>(s, v128.and(m11, v128.mul<T>(k11, at<T>(d, single))));
        put<T>(to, s, single);
        const step = single ? 1 : lanes<T>();
        i += step;
        a += <usize>step * channel;
        b += <usize>step * channel;
        c += <usize>step * channel;
        d += <usize>step * channel;
        to += <usize>step * outChannel;
      }
    }
  }
}

// dx = each cotangent shared out among the pixels that its point saw. Points are taken in turn, so
// that any number of them may lie on one pixel.
// divides N: grid 2*P, dout C*P, dx C*H*W
export function bilinearSampleDx<T>(
  grid: usize, dout: usize, dx: usize, N: i32, C: i32, H: i32, W: i32, P: i32,
  channelsLast: i32, border: i32, alignCorners: i32,
): void {
  const size = sizeof<T>();
  const imageBytes = <usize>H * <usize>W * <usize>C * size;
  const pixelBytes: usize = channelsLast ? <usize>C * size : size;
  const channel: usize = channelsLast ? size : <usize>H * <usize>W * size;
  const outChannel: usize = channelsLast ? size : <usize>P * size;
  memory.fill(dx, 0, <usize>N * imageBytes);
  for (let n = 0; n < N; n++) {
    const image = dx + <usize>n * imageBytes;
    for (let p = 0; p < P; p++) {
      const g = grid + (<usize>n * <usize>P + <usize>p) * 2 * size;
      const u: T = pixel<T>(load<T>(g), W, border, alignCorners);
      const v: T = pixel<T>(load<T>(g + size), H, border, alignCorners);
      const w: i32 = index<T>(floor<T>(u));
      const h: i32 = index<T>(floor<T>(v));
      const from = dout + <usize>n * <usize>P * <usize>C * size + <usize>p * pixelBytes;
      const fu: T = u - floor<T>(u);
      const fv: T = v - floor<T>(v);
      for (let corner = 0; corner < 4; corner++) {
        const y = h + (corner >> 1);
        const z = w + (corner & 1);
        if (!within(y, H) || !within(z, W)) continue;
        const k: T = (corner >> 1 ? fv : <T>1 - fv) * (corner & 1 ? fu : <T>1 - fu);
        const to = place(image, y, z, H, W, pixelBytes);
        addScaled<T>(k, from, outChannel, to, channel, C, channelsLast);
      }
    }
  }
}

// to[i] += k from[i] over the channels, which lie next to each other or some stride apart.
// @ts-ignore: decorator
@inline
function addScaled<T>(
  k: T, from: usize, fromStride: usize, to: usize, toStride: usize, C: i32, channelsLast: i32,
): void {
  const whole = channelsLast ? C - (C % lanes<T>()) : 0;
  const vk = v128.splat<T>(k);
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    v128.store(to + o, v128.add<T>(v128.load(to + o), v128.mul<T>(vk, v128.load(from + o))));
  }
  for (let i = whole; i < C; i++) {
    const target = to + <usize>i * toStride;
    store<T>(target, load<T>(target) + k * load<T>(from + <usize>i * fromStride));
  }
}

// dgrid = how out changes as its point moves: differences of neighbouring pixels, along the cotangent.
// divides N: x C*H*W, grid 2*P, dout C*P, dgrid 2*P
export function bilinearSampleDGrid<T>(
  x: usize, grid: usize, dout: usize, dgrid: usize, N: i32, C: i32, H: i32, W: i32, P: i32,
  channelsLast: i32, border: i32, alignCorners: i32,
): void {
  const size = sizeof<T>();
  const imageBytes = <usize>H * <usize>W * <usize>C * size;
  const pixelBytes: usize = channelsLast ? <usize>C * size : size;
  const channel: usize = channelsLast ? size : <usize>H * <usize>W * size;
  const outChannel: usize = channelsLast ? size : <usize>P * size;
  const whole = channelsLast ? C - (C % lanes<T>()) : 0;
  for (let n = 0; n < N; n++) {
    const image = x + <usize>n * imageBytes;
    for (let p = 0; p < P; p++) {
      const o = (<usize>n * <usize>P + <usize>p) * 2 * size;
      const u: T = pixel<T>(load<T>(grid + o), W, border, alignCorners);
      const v: T = pixel<T>(load<T>(grid + o + size), H, border, alignCorners);
      const w: i32 = index<T>(floor<T>(u));
      const h: i32 = index<T>(floor<T>(v));
      if (w < -1 || w >= W || h < -1 || h >= H) {
        store<T>(dgrid + o, 0);
        store<T>(dgrid + o + size, 0);
        continue;
      }
      const fu = v128.splat<T>(u - floor<T>(u));
      const fv = v128.splat<T>(v - floor<T>(v));
      const gu = v128.sub<T>(v128.splat<T>(1), fu);
      const gv = v128.sub<T>(v128.splat<T>(1), fv);
      const m00 = mask(within(h, H) && within(w, W));
      const m01 = mask(within(h, H) && within(w + 1, W));
      const m10 = mask(within(h + 1, H) && within(w, W));
      const m11 = mask(within(h + 1, H) && within(w + 1, W));
      let a = place(image, h, w, H, W, pixelBytes);
      let b = place(image, h, w + 1, H, W, pixelBytes);
      let c = place(image, h + 1, w, H, W, pixelBytes);
      let d = place(image, h + 1, w + 1, H, W, pixelBytes);
      let from = dout + <usize>n * <usize>P * <usize>C * size + <usize>p * pixelBytes;
      let sumU = v128.splat<T>(0);
      let sumV = v128.splat<T>(0);
      let du: T = 0;
      let dv: T = 0;
      for (let i = 0; i < C; ) {
        const single = i >= whole;
        const x00 = v128.and(m00, at<T>(a, single));
        const x01 = v128.and(m01, at<T>(b, single));
        const x10 = v128.and(m10, at<T>(c, single));
        const x11 = v128.and(m11, at<T>(d, single));
        const cotangent = at<T>(from, single);
        const upper = v128.mul<T>(gv, v128.sub<T>(x01, x00));
        const lower = v128.mul<T>(fv, v128.sub<T>(x11, x10));
        const left = v128.mul<T>(gu, v128.sub<T>(x10, x00));
        const right = v128.mul<T>(fu, v128.sub<T>(x11, x01));
        const alongU = v128.mul<T>(cotangent, v128.add<T>(upper, lower));
        const alongV = v128.mul<T>(cotangent, v128.add<T>(left, right));
        if (single) {
          du += firstLane<T>(alongU);
          dv += firstLane<T>(alongV);
        } else {
          sumU = v128.add<T>(sumU, alongU);
          sumV = v128.add<T>(sumV, alongV);
        }
        const step = single ? 1 : lanes<T>();
        i += step;
        a += <usize>step * channel;
        b += <usize>step * channel;
        c += <usize>step * channel;
        d += <usize>step * channel;
        from += <usize>step * outChannel;
      }
      store<T>(dgrid + o, (sumLanes<T>(sumU) + du) * slope<T>(u, W, border, alignCorners));
      store<T>(dgrid + o + size, (sumLanes<T>(sumV) + dv) * slope<T>(v, H, border, alignCorners));
    }
  }
}
