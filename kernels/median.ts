// The median of each pixel and its neighbours: what one pixel has found alone, it loses.

import { clamped, extend } from './shared/lines';

// @ts-ignore: decorator
@inline
function middle<T>(a: v128, b: v128, c: v128): v128 {
  return v128.pmax<T>(v128.pmin<T>(a, b), v128.pmin<T>(v128.pmax<T>(a, b), c));
}

// Bytes of scratch for three lines with one element more on both sides.
export function medianOfNineScratchBytes<T>(stride: i32): i32 {
  return 3 * (stride + 2) * <i32>sizeof<T>();
}

// y = the median of 3 x 3 elements of x around each one; beyond an edge the last one stands in. Images of H rows,
// each of C lines, one for each of C values of a pixel.
// divides images: x H*C*stride, y H*C*stride; scratch of medianOfNineScratchBytes
export function medianOfNine<T>(
  x: usize, y: usize, images: i32, H: i32, C: i32, W: i32, stride: i32, scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = <usize>stride * size;
  const low = scratch + size;
  const mid = low + bytes + 2 * size;
  const high = mid + bytes + 2 * size;
  for (let n = 0; n < images; n++) {
    for (let line = 0; line < H * C; line++) {
      const r = line / C;
      const first = x + <usize>(n * H * C + line % C) * bytes;
      const above = first + <usize>(clamped(r - 1, H) * C) * bytes;
      const own = first + <usize>(r * C) * bytes;
      const below = first + <usize>(clamped(r + 1, H) * C) * bytes;
      // Each column in order ...
      for (let o: usize = 0; o < bytes; o += 16) {
        const a = v128.load(above + o);
        const b = v128.load(own + o);
        const c = v128.load(below + o);
        const less = v128.pmin<T>(a, b);
        const more = v128.pmax<T>(a, b);
        v128.store(low + o, v128.pmin<T>(less, c));
        v128.store(mid + o, v128.pmax<T>(less, v128.pmin<T>(more, c)));
        v128.store(high + o, v128.pmax<T>(more, c));
      }
      extend<T>(low, W, stride, 1);
      extend<T>(mid, W, stride, 1);
      extend<T>(high, W, stride, 1);
      // ... so that the median is that of the largest low one, the middle of the middle ones, and the least high one.
      const to = y + <usize>(n * H * C + line) * bytes;
      for (let o: usize = 0; o < bytes; o += 16) {
        const l = low + o;
        const m = mid + o;
        const h = high + o;
        const largest = v128.pmax<T>(v128.pmax<T>(v128.load(l - size), v128.load(l)), v128.load(l + size));
        const central = middle<T>(v128.load(m - size), v128.load(m), v128.load(m + size));
        const least = v128.pmin<T>(v128.pmin<T>(v128.load(h - size), v128.load(h)), v128.load(h + size));
        v128.store(to + o, middle<T>(largest, central, least));
      }
    }
  }
}
