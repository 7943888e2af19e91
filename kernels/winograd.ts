// Convolution by 3x3 filters with stride 1 through Winograd's minimal filtering F(4x4, 3x3), after
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). A tile of 4x4 outputs
// sees 6x6 inputs; between transforms B, G, A of tiles, filters and results stand 36 matrix products,
// one for each place of a transformed tile, with a quarter of the multiplications:
//
//   y = A^T [ (G g G^T) . (B^T d B) ] A
//
// The transforms evaluate polynomials at 0, a, -a, b, -b and infinity. Any a and b are exact; the usual
// 1 and 2 lose three times as many digits as these, whose squares are exact in binary.
//
// A transformed tile lies spread over 36 planes, `plane` elements apart, so that each plane holds one
// matrix: rows of channels, `ld` elements apart, columns of tiles. A tile row has `across` tiles, at
// least as many as a vector has lanes: vectors go over neighbouring tiles, the last one over tiles
// that the one before it has seen, if need be.

import { padded } from './shared/padded';
import { lanes } from './shared/simd';
import { A, A2, B, B2 } from './shared/winograd-points';

// Elements of a padded line that holds `across` tiles; vectors look a little beyond the last.
// @ts-ignore: decorator
@inline
function lineOf(across: i32): i32 {
  return 4 * across + 8;
}

// Scratch of winogradTiles, winogradCotangents and winogradMaps for so many rows of tiles: padded
// lines, and one tile for each lane.
export function winogradScratchBytes<T>(rows: i32, across: i32): i32 {
  return (4 * rows + 2) * lineOf(across) * <i32>sizeof<T>() + 36 * 16;
}

// Element j of four (or two) neighbouring tiles, for j < 4: a transpose.
// @ts-ignore: decorator
@inline
function ofTiles<T>(p: usize, j: i32): v128 {
  if (sizeof<T>() == 4) {
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
    if (j == 0 || j == 2) {
      const ab = j == 0 ? v128.shuffle<f32>(a, b, 0, 4, 0, 4) : v128.shuffle<f32>(a, b, 2, 6, 2, 6);
      const cd = j == 0 ? v128.shuffle<f32>(c, d, 0, 4, 0, 4) : v128.shuffle<f32>(c, d, 2, 6, 2, 6);
      return v128.shuffle<f64>(ab, cd, 0, 2);
    }
    const ab = j == 1 ? v128.shuffle<f32>(a, b, 1, 5, 1, 5) : v128.shuffle<f32>(a, b, 3, 7, 3, 7);
    const cd = j == 1 ? v128.shuffle<f32>(c, d, 1, 5, 1, 5) : v128.shuffle<f32>(c, d, 3, 7, 3, 7);
    return v128.shuffle<f64>(ab, cd, 0, 2);
  }
  const q = p + <usize>((j & ~1) * 8);
  const a = v128.load(q), b = v128.load(q, 32);
  return (j & 1) == 0 ? v128.shuffle<f64>(a, b, 0, 2) : v128.shuffle<f64>(a, b, 1, 3);
}

// t = B^T d, stored `step` bytes apart.
// @ts-ignore: decorator
@inline
function transformInput<T>(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, to: usize, step: usize,
): void {
  const sum = v128.splat<T>(<T>(A2 + B2)), product = v128.splat<T>(<T>(A2 * B2));
  const a2 = v128.splat<T>(<T>A2), b2 = v128.splat<T>(<T>B2);
  const evenA = v128.sub<T>(d4, v128.mul<T>(b2, d2));
  const oddA = v128.mul<T>(v128.splat<T>(<T>A), v128.sub<T>(d3, v128.mul<T>(b2, d1)));
  const evenB = v128.sub<T>(d4, v128.mul<T>(a2, d2));
  const oddB = v128.mul<T>(v128.splat<T>(<T>B), v128.sub<T>(d3, v128.mul<T>(a2, d1)));
  v128.store(to, v128.add<T>(v128.sub<T>(v128.mul<T>(product, d0), v128.mul<T>(sum, d2)), d4));
  v128.store(to + step, v128.add<T>(evenA, oddA));
  v128.store(to + 2 * step, v128.sub<T>(evenA, oddA));
  v128.store(to + 3 * step, v128.add<T>(evenB, oddB));
  v128.store(to + 4 * step, v128.sub<T>(evenB, oddB));
  v128.store(
    to + 5 * step, v128.add<T>(v128.sub<T>(v128.mul<T>(product, d1), v128.mul<T>(sum, d3)), d5),
  );
}

// t = A d, stored `step` bytes apart.
// @ts-ignore: decorator
@inline
function transformCotangent<T>(
  d0: v128, d1: v128, d2: v128, d3: v128, to: usize, step: usize,
): void {
  const a2 = v128.splat<T>(<T>A2), b2 = v128.splat<T>(<T>B2);
  const evenA = v128.add<T>(d0, v128.mul<T>(a2, d2));
  const oddA = v128.mul<T>(v128.splat<T>(<T>A), v128.add<T>(d1, v128.mul<T>(a2, d3)));
  const evenB = v128.add<T>(d0, v128.mul<T>(b2, d2));
  const oddB = v128.mul<T>(v128.splat<T>(<T>B), v128.add<T>(d1, v128.mul<T>(b2, d3)));
  v128.store(to, d0);
  v128.store(to + step, v128.add<T>(evenA, oddA));
  v128.store(to + 2 * step, v128.sub<T>(evenA, oddA));
  v128.store(to + 3 * step, v128.add<T>(evenB, oddB));
  v128.store(to + 4 * step, v128.sub<T>(evenB, oddB));
  v128.store(to + 5 * step, d3);
}

// o = A^T m for m that lie `from` bytes apart, stored `step` bytes apart.
// @ts-ignore: decorator
@inline
function transformMap<T>(m: usize, from: usize, to: usize, step: usize): void {
  const m1 = v128.load(m + from), m2 = v128.load(m + 2 * from);
  const m3 = v128.load(m + 3 * from), m4 = v128.load(m + 4 * from);
  const evenA = v128.add<T>(m1, m2), evenB = v128.add<T>(m3, m4);
  const oddA = v128.mul<T>(v128.splat<T>(<T>A), v128.sub<T>(m1, m2));
  const oddB = v128.mul<T>(v128.splat<T>(<T>B), v128.sub<T>(m3, m4));
  const a2 = v128.splat<T>(<T>A2), b2 = v128.splat<T>(<T>B2);
  const o0 = v128.add<T>(v128.load(m), v128.add<T>(evenA, evenB));
  const o3 = v128.add<T>(
    v128.add<T>(v128.mul<T>(a2, oddA), v128.mul<T>(b2, oddB)), v128.load(m + 5 * from),
  );
  v128.store(to, o0);
  v128.store(to + step, v128.add<T>(oddA, oddB));
  v128.store(to + 2 * step, v128.add<T>(v128.mul<T>(a2, evenA), v128.mul<T>(b2, evenB)));
  v128.store(to + 3 * step, o3);
}

// V[i, c, t] = (B^T d B)[i] for the tiles of `rows` tile rows from `first` on; x has C images (H, W), `apart`
// elements from one to the next. Tile (r, q) begins at input (4 r - PH, 4 q - PW).
// divides C: x apart, V ld; scratch of winogradScratchBytes
export function winogradTiles<T>(
  x: usize, V: usize, scratch: usize, C: i32, apart: i32, H: i32, W: i32, PH: i32, PW: i32,
  first: i32, rows: i32, across: i32, ld: i32, plane: i32,
): void {
  const size = sizeof<T>();
  const line = lineOf(across);
  const lineBytes = <usize>line * size;
  const planeBytes = <usize>plane * size;
  const lines = scratch + 36 * 16;
  for (let c = 0; c < C; c++) {
    padded<T>(
      x + <usize>c * <usize>apart * size, lines, H, W, 4 * first - PH, -PW, 4 * rows + 2, line,
    );
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < across; q += lanes<T>()) {
        const tile = min(q, across - lanes<T>());
        let from = lines + <usize>(4 * r) * lineBytes + <usize>(4 * tile) * size;
        for (let i: usize = 0; i < 6; i++, from += lineBytes) {
          const next = from + 4 * size;
          transformInput<T>(
            ofTiles<T>(from, 0), ofTiles<T>(from, 1), ofTiles<T>(from, 2), ofTiles<T>(from, 3),
            ofTiles<T>(next, 0), ofTiles<T>(next, 1), scratch + i * 96, 16,
          );
        }
        let to = V + (<usize>c * ld + <usize>(r * across + tile)) * size;
        for (let j: usize = 0; j < 6; j++, to += planeBytes) {
          const t = scratch + j * 16;
          transformInput<T>(
            v128.load(t), v128.load(t, 96), v128.load(t, 192), v128.load(t, 288),
            v128.load(t, 384), v128.load(t, 480), to, 6 * planeBytes,
          );
        }
      }
    }
  }
}

// D[i, c, t] = (A d A^T)[i] for the tiles of dy, C maps (H, W) as those of winogradMaps: its adjoint.
// divides C: dy apart, D ld; scratch of winogradScratchBytes
export function winogradCotangents<T>(
  dy: usize, D: usize, scratch: usize, C: i32, apart: i32, H: i32, W: i32,
  first: i32, rows: i32, across: i32, ld: i32, plane: i32,
): void {
  const size = sizeof<T>();
  const line = lineOf(across);
  const lineBytes = <usize>line * size;
  const planeBytes = <usize>plane * size;
  const lines = scratch + 36 * 16;
  for (let c = 0; c < C; c++) {
    padded<T>(dy + <usize>c * <usize>apart * size, lines, H, W, 4 * first, 0, 4 * rows, line);
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < across; q += lanes<T>()) {
        const tile = min(q, across - lanes<T>());
        let from = lines + <usize>(4 * r) * lineBytes + <usize>(4 * tile) * size;
        for (let i: usize = 0; i < 4; i++, from += lineBytes) {
          transformCotangent<T>(
            ofTiles<T>(from, 0), ofTiles<T>(from, 1), ofTiles<T>(from, 2), ofTiles<T>(from, 3),
            scratch + i * 96, 16,
          );
        }
        let to = D + (<usize>c * ld + <usize>(r * across + tile)) * size;
        for (let j: usize = 0; j < 6; j++, to += planeBytes) {
          const t = scratch + j * 16;
          transformCotangent<T>(
            v128.load(t), v128.load(t, 96), v128.load(t, 192), v128.load(t, 288), to,
            6 * planeBytes,
          );
        }
      }
    }
  }
}

// y[c] = max(A^T M[:, c, t] A + b[c], floor) for the tiles of `rows` tile rows from `first` on, as far
// as they lie inside y: C maps (H, W), `apart` elements from one to the next.
// divides C: M ld, b, y apart; scratch of winogradScratchBytes
export function winogradMaps<T>(
  M: usize, b: usize, y: usize, scratch: usize, C: i32, apart: i32, H: i32, W: i32,
  first: i32, rows: i32, across: i32, ld: i32, plane: i32, floor: T,
): void {
  const size = sizeof<T>();
  const lineBytes = <usize>lineOf(across) * size;
  const planeBytes = <usize>plane * size;
  const lines = scratch + 36 * 16;
  const low = v128.splat<T>(floor);
  const whole = W - (W % lanes<T>());
  for (let c = 0; c < C; c++) {
    const bias = load<T>(b + <usize>c * size);
    const v = v128.splat<T>(bias);
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < across; q += lanes<T>()) {
        const tile = min(q, across - lanes<T>());
        let from = M + (<usize>c * ld + <usize>(r * across + tile)) * size;
        for (let j: usize = 0; j < 6; j++, from += planeBytes) {
          transformMap<T>(from, 6 * planeBytes, scratch + j * 16, 96);
        }
        let to = lines + <usize>(4 * tile) * size;
        for (let i: usize = 0; i < 4; i++, to += lineBytes) {
          // The four results of a row lie in four vectors over tiles: one transpose more.
          const o = scratch + i * 96;
          transformMap<T>(o, 16, o, 16);
          if (sizeof<T>() == 4) {
            v128.store(to, ofTiles<T>(o, 0));
            v128.store(to, ofTiles<T>(o, 1), 16);
            v128.store(to, ofTiles<T>(o, 2), 32);
            v128.store(to, ofTiles<T>(o, 3), 48);
          } else {
            const o0 = v128.load(o), o1 = v128.load(o, 16), o2 = v128.load(o, 32), o3 = v128.load(o, 48);
            v128.store(to, v128.shuffle<f64>(o0, o1, 0, 2));
            v128.store(to, v128.shuffle<f64>(o2, o3, 0, 2), 16);
            v128.store(to, v128.shuffle<f64>(o0, o1, 1, 3), 32);
            v128.store(to, v128.shuffle<f64>(o2, o3, 1, 3), 48);
          }
        }
      }
      const top = 4 * (first + r);
      for (let i = 0; i < min(4, H - top); i++) {
        const from = lines + <usize>i * lineBytes;
        const to = y + (<usize>c * <usize>apart + <usize>((top + i) * W)) * size;
        for (let w = 0; w < whole; w += lanes<T>()) {
          const o = <usize>w * size;
          v128.store(to + o, v128.pmax<T>(v128.add<T>(v128.load(from + o), v), low));
        }
        for (let w = whole; w < W; w++) {
          const o = <usize>w * size;
          store<T>(to + o, max<T>(load<T>(from + o) + bias, floor));
        }
      }
    }
  }
}
