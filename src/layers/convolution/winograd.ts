/** Convolution with 3 x 3 filters by Winograd's tiles. */
import type { Matrices } from '../../engine/batched-product.js';
import { engine, scope } from '../../engine/engine.js';
import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { bytesOf, empty, type Tensor } from '../../tensor/tensor.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';

/** Places of a transformed tile, each with a product of its own. */
const places = 36;
/** Bytes of transformed tiles at once, of images and of maps together. */
const blockBytes = 2 ** 22;

/**
 * 3 x 3 filters with stride 1 by Winograd's minimal filtering: see kernels/winograd.ts. Tiles of images,
 * maps and filters are transformed, and what is left are 36 products (F, C) by (C, tiles) with a quarter
 * of the multiplications. The padding is at most 2.
 *
 * The transforms are exact but for rounding: in f32 a result's largest error, as a part of
 * their root mean square, is one and a half times that of the plain sum.
 */
export const byTiles: Algorithm = { maps, clips, filters };

function maps(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  { N, C, F, windows }: Convolution,
  finish?: Finish,
): void {
  using _scratch = scope();
  const { H, W: width, PH, PW, OH, OW } = windows;
  const U = matrices(W, F, C);
  kernelsFor(W).winogradFilters(W, U.at(0), filterScratch(W), F, C, 9 * C, 9, 0, U.plane);
  const b = finish?.b ?? zeros([F], x.dtype);
  const floor = finish?.floor ?? Number.NEGATIVE_INFINITY;
  throughTiles(x, U, [C, H, width], [F, OH, OW], N, [PH, PW], b, floor, (n) =>
    y.at(n).slice(channel, channel + F),
  );
}

/** A convolution of the maps: padded by what the images' padding leaves, with filters turned about. */
function clips(x: Tensor, y: Tensor, W: Tensor, { N, C, F, windows }: Convolution): void {
  using _scratch = scope();
  const { H, W: width, PH, PW, OH, OW } = windows;
  const U = matrices(W, C, F);
  kernelsFor(W).winogradFilters(W, U.at(0), filterScratch(W), C, F, 9, 9 * C, 1, U.plane);
  const b = zeros([C], x.dtype);
  const none = Number.NEGATIVE_INFINITY;
  throughTiles(y, U, [F, OH, OW], [C, H, width], N, [2 - PH, 2 - PW], b, none, (n) => x.at(n));
}

function filters(W: Tensor, x: Tensor, y: Tensor, { N, C, F, windows }: Convolution): void {
  using _scratch = scope();
  const { H, W: width, PH, PW, OH, OW } = windows;
  const tiles = tiling(x, N, [OH, OW], C + F);
  const [V, D] = [matrices(x, C, tiles.most), matrices(x, F, tiles.most)];
  const dU = matrices(W, F, C);
  const kernels = kernelsFor(x);
  const { scratch, across } = tiles;
  let beta = 0;
  for (const { n, photos, first, rows } of tiles.blocks) {
    const P = photos * rows * across;
    for (let p = 0; p < photos; p++) {
      const [to, from] = [V.at(0, p * rows * across), D.at(0, p * rows * across)];
      const [image, map] = [x.at(n + p), y.at(n + p)];
      kernels.winogradTiles(
        image,
        to,
        scratch,
        C,
        H,
        width,
        PH,
        PW,
        first,
        rows,
        across,
        tiles.most,
        V.plane,
      );
      kernels.winogradCotangents(
        map,
        from,
        scratch,
        F,
        OH,
        OW,
        first,
        rows,
        across,
        tiles.most,
        D.plane,
      );
    }
    const [d, v, u] = [D.all(tiles.most), V.all(tiles.most), dU.all(C)];
    engine().batchedProduct(x.float, places, [F, C, P], d, { ...v, transposed: true }, beta, u);
    beta = 1;
  }
  kernels.winogradFiltersBackward(dU.at(0), W, filterScratch(W), F * C, dU.plane);
}

type Extents = readonly [channels: number, height: number, width: number];

function throughTiles(
  x: Tensor,
  U: Places,
  [C, H, W]: Extents,
  [F, OH, OW]: Extents,
  N: number,
  [PH, PW]: readonly [number, number],
  b: Tensor,
  floor: number,
  out: (n: number) => HeapArray,
): void {
  const tiles = tiling(x, N, [OH, OW], C + F);
  const { scratch, across } = tiles;
  const [V, M] = [matrices(x, C, tiles.most), matrices(x, F, tiles.most)];
  const kernels = kernelsFor(x);
  for (const { n, photos, first, rows } of tiles.blocks) {
    const P = photos * rows * across;
    for (let p = 0; p < photos; p++) {
      const to = V.at(0, p * rows * across);
      kernels.winogradTiles(
        x.at(n + p),
        to,
        scratch,
        C,
        H,
        W,
        PH,
        PW,
        first,
        rows,
        across,
        tiles.most,
        V.plane,
      );
    }
    const [u, v, m] = [U.all(C), V.all(tiles.most), M.all(tiles.most)];
    engine().batchedProduct(x.float, places, [F, P, C], u, v, 0, m);
    for (let p = 0; p < photos; p++) {
      const from = M.at(0, p * rows * across);
      kernels.winogradMaps(
        from,
        b,
        out(n + p),
        scratch,
        F,
        OH,
        OW,
        first,
        rows,
        across,
        tiles.most,
        M.plane,
        floor,
      );
    }
  }
}

function filterScratch(W: Tensor): Tensor {
  return empty('u8', [kernelsFor(W).winogradFiltersScratchBytes()]);
}

interface Places {
  readonly plane: number;
  at(place: number, column?: number): HeapArray;
  /** Those of all places, with rows of `line` elements. */
  all(line: number): Matrices;
}

/** Room for 36 matrices (rows, columns). */
function matrices(like: Tensor, rows: number, columns: number): Places {
  const size = bytesOf(like.dtype);
  // An odd number of cache lines: the places of one tile then lie in different sets of the cache.
  const lines = Math.ceil((rows * columns * size) / 64) | 1;
  const plane = (lines * 64) / size;
  const room = empty(like.dtype, [places * plane]);
  const at = (place: number, column = 0): HeapArray => ({
    pointer: room.pointer + (place * plane + column) * size,
    heap: room.heap,
  });
  return { plane, at, all: (line) => ({ at: at(0), line, apart: plane }) };
}

function tiling(x: Tensor, N: number, [OH, OW]: readonly [number, number], channels: number) {
  const size = bytesOf(x.dtype);
  const down = Math.ceil(OH / 4);
  const across = Math.max(16 / size, Math.ceil(OW / 4));
  const rowsAtOnce = Math.max(1, Math.floor(blockBytes / (places * channels * size * across)));
  const photosAtOnce = Math.min(N, Math.max(1, Math.floor(rowsAtOnce / down)));
  const rowsOfOne = Math.min(down, rowsAtOnce);
  const blocks: { n: number; photos: number; first: number; rows: number }[] = [];
  for (let n = 0; n < N; n += photosAtOnce) {
    for (let first = 0; first < down; first += rowsOfOne) {
      const rows = Math.min(rowsOfOne, down - first);
      blocks.push({ n, photos: Math.min(photosAtOnce, N - n), first, rows });
    }
  }
  const bytes = kernelsFor(x).winogradScratchBytes(rowsOfOne, across);
  return {
    across,
    most: photosAtOnce * rowsOfOne * across,
    blocks,
    scratch: empty('u8', [bytes]),
  };
}
