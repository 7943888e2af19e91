/** Convolution with filters of 3 x 3 in space by Winograd's tiles. */
import type { Matrices } from '../../engine/batched-product.js';
import { engine, scope } from '../../engine/engine.js';
import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { bytesOf, type DType, empty, type Tensor } from '../../tensor/tensor.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';

/** Places of a transformed tile, each with a product of its own. */
const places = 36;
/** Bytes of transformed tiles at once, of clips and of maps together. */
const blockBytes = 2 ** 22;

/**
 * KT x 3 x 3 filters with stride 1 by Winograd's minimal filtering: see kernels/winograd.ts. Tiles of frames,
 * maps and filters are transformed, and what is left are 36 products (F, KT C) by (KT C, tiles) for each frame
 * of the maps, with a quarter of the multiplications. The padding of a frame is at most 2.
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
  const { KT, PT, PH, PW } = windows;
  const U = matrices(W.dtype, F, KT * C);
  for (let k = 0; k < KT; k++) {
    const strides = [9 * KT * C, 9 * KT, 0, KT * C, U.plane] as const;
    kernelsFor(W).winogradFilters(tap(W, k), U.at(0, k * C), filterScratch(W), F, C, ...strides);
  }
  const { b, floor } = finish ?? plain(F, x.dtype);
  const to = mapsOf(y, windows, channel, F);
  throughTiles(clipsOf(x, windows, C), U, to, N, KT, [PT, PH, PW], b, floor);
}

/** A convolution of the maps: padded by what the clips' padding leaves, with filters turned about. */
function clips(x: Tensor, y: Tensor, W: Tensor, { N, C, F, windows }: Convolution): void {
  using _scratch = scope();
  const { KT, PT, PH, PW } = windows;
  const U = matrices(W.dtype, C, KT * F);
  for (let k = 0; k < KT; k++) {
    const strides = [9 * KT, 9 * KT * C, 1, KT * F, U.plane] as const;
    const to = U.at(0, (KT - 1 - k) * F);
    kernelsFor(W).winogradFilters(tap(W, k), to, filterScratch(W), C, F, ...strides);
  }
  const { b, floor } = plain(C, x.dtype);
  const padding = [KT - 1 - PT, 2 - PH, 2 - PW] as const;
  const to = clipsOf(x, windows, C);
  throughTiles(mapsOf(y, windows, 0, F), U, to, N, KT, padding, b, floor);
}

function filters(W: Tensor, x: Tensor, y: Tensor, { N, C, F, windows }: Convolution): void {
  using _scratch = scope();
  const { KT, PT, PH, PW } = windows;
  const [from, by] = [clipsOf(x, windows, C), mapsOf(y, windows, 0, F)];
  const tiles = tiling(x.dtype, N, by, KT * C + F);
  const ring = new FrameRing(from, KT, PT, [PH, PW], tiles);
  const D = matrices(x.dtype, F, tiles.most);
  const dU = matrices(W.dtype, F, KT * C);
  if (KT > 1) dU.clear();
  let beta = KT > 1 ? 1 : 0;
  for (const block of tiles.blocks) {
    ring.begin(block);
    for (let t = 0; t < by.T; t++) {
      const runs = ring.under(t);
      if (runs.length === 0) continue;
      for (const { n, column } of clipsIn(block)) {
        const { first, rows } = block;
        const place = [first, rows, tiles.across, tiles.most, D.plane] as const;
        const map = [by.apart, by.H, by.W] as const;
        kernelsFor(x).winogradCotangents(
          by.frame(n, t),
          D.at(0, column),
          tiles.scratch,
          F,
          ...map,
          ...place,
        );
      }
      for (const { k, frames, V } of runs) {
        const sizes = [F, frames * C, block.columns] as const;
        const u = { ...dU.all(KT * C), at: dU.at(0, k * C) };
        const v = { ...V, transposed: true };
        engine().batchedProduct(x.float, places, sizes, D.all(tiles.most), v, beta, u);
      }
      beta = 1;
    }
  }
  for (let k = 0; k < KT; k++) {
    const strides = [9 * KT * C, 9 * KT, KT * C, dU.plane] as const;
    const dW = tap(W, k);
    kernelsFor(x).winogradFiltersBackward(dU.at(0, k * C), dW, filterScratch(W), F, C, ...strides);
  }
}

/** Frames (H, W) of clips or maps, T of each of some channels. */
interface Frames {
  readonly like: Tensor;
  readonly channels: number;
  readonly T: number;
  readonly H: number;
  readonly W: number;
  /** Elements from one channel to the next. */
  readonly apart: number;
  /** Frame t of the first channel of clip n. */
  frame(n: number, t: number): HeapArray;
}

function framesOf(
  x: Tensor,
  first: number,
  channels: number,
  [T, H, W]: readonly [number, number, number],
): Frames {
  const size = bytesOf(x.dtype);
  const frame = (n: number, t: number): HeapArray => {
    const { pointer, heap } = x.at(n);
    return { pointer: pointer + (first * T + t) * H * W * size, heap };
  };
  return { like: x, channels, T, H, W, apart: T * H * W, frame };
}

type WindowsOf = Convolution['windows'];

function clipsOf(x: Tensor, { T, H, W }: WindowsOf, C: number): Frames {
  return framesOf(x, 0, C, [T, H, W]);
}

function mapsOf(y: Tensor, { OT, OH, OW }: WindowsOf, channel: number, F: number): Frames {
  return framesOf(y, channel, F, [OT, OH, OW]);
}

function throughTiles(
  from: Frames,
  U: Places,
  to: Frames,
  N: number,
  KT: number,
  [PT, PH, PW]: readonly [number, number, number],
  b: Tensor,
  floor: number,
): void {
  const [C, F] = [from.channels, to.channels];
  const { like } = from;
  const tiles = tiling(like.dtype, N, to, KT * C + F);
  const ring = new FrameRing(from, KT, PT, [PH, PW], tiles);
  const M = matrices(like.dtype, F, tiles.most);
  const map = [to.apart, to.H, to.W] as const;
  for (const block of tiles.blocks) {
    ring.begin(block);
    const place = [block.first, block.rows, tiles.across, tiles.most, M.plane] as const;
    for (let t = 0; t < to.T; t++) {
      const runs = ring.under(t);
      let beta = 0;
      for (const { k, frames, V } of runs) {
        const sizes = [F, block.columns, frames * C] as const;
        const u = { ...U.all(KT * C), at: U.at(0, k * C) };
        engine().batchedProduct(like.float, places, sizes, u, V, beta, M.all(tiles.most));
        beta = 1;
      }
      if (runs.length === 0) M.clear();
      for (const { n, column } of clipsIn(block)) {
        const maps = to.frame(n, t);
        kernelsFor(like).winogradMaps(
          M.at(0, column),
          b,
          maps,
          tiles.scratch,
          F,
          ...map,
          ...place,
          floor,
        );
      }
    }
  }
}

/** Frames that follow each other in the ring: `frames` of them, under the filter's from `k` on. */
interface Run {
  readonly k: number;
  readonly frames: number;
  /** Their transformed tiles, (frames C, columns) for each place. */
  readonly V: Matrices;
}

/**
 * The transformed tiles of the last KT frames of a block, each laid once: a frame's place is its number modulo KT,
 * and what lies under a filter is the whole ring, in one run or two.
 */
class FrameRing {
  readonly #x: Frames;
  readonly #KT: number;
  readonly #padding: readonly [PT: number, PH: number, PW: number];
  readonly #tiles: Tiling;
  readonly #V: Places;
  #block: TileBlock | undefined;
  /** The next frame to lay. */
  #next = 0;

  constructor(
    x: Frames,
    KT: number,
    PT: number,
    [PH, PW]: readonly [number, number],
    tiles: Tiling,
  ) {
    this.#x = x;
    this.#KT = KT;
    this.#padding = [PT, PH, PW];
    this.#tiles = tiles;
    this.#V = matrices(x.like.dtype, KT * x.channels, tiles.most);
  }

  /** From here on it is about the tiles of this block. */
  begin(block: TileBlock): void {
    this.#block = block;
    this.#next = 0;
  }

  /** What lies under the filter at frame t of the maps, laid; where only padding does, nothing. */
  under(t: number): Run[] {
    const { channels, T } = this.#x;
    const KT = this.#KT;
    const first = t - this.#padding[0];
    const end = Math.min(T, first + KT);
    const runs: Run[] = [];
    for (let f = Math.max(0, first); f < end; f += runs.at(-1)?.frames ?? 1) {
      const slot = f % KT;
      const at = this.#V.at(0, slot * channels * this.#tiles.most);
      const frames = Math.min(end - f, KT - slot);
      runs.push({ k: f - first, frames, V: { ...this.#V.all(this.#tiles.most), at } });
    }
    for (let f = Math.max(this.#next, first); f < end; f++) this.#lay(f);
    this.#next = Math.max(this.#next, end);
    return runs;
  }

  #lay(f: number): void {
    const { like, channels, apart, H, W } = this.#x;
    const { across, most, scratch } = this.#tiles;
    const block = this.#block;
    if (!block) return;
    const [, PH, PW] = this.#padding;
    const place = [block.first, block.rows, across, most, this.#V.plane] as const;
    const row = (f % this.#KT) * channels * most;
    for (const { n, column } of clipsIn(block)) {
      const [from, to] = [this.#x.frame(n, f), this.#V.at(0, row + column)];
      const image = [apart, H, W, PH, PW] as const;
      kernelsFor(like).winogradTiles(from, to, scratch, channels, ...image, ...place);
    }
  }
}

/** The filters' values at time k, all of them. */
function tap(W: Tensor, k: number): HeapArray {
  return { pointer: W.pointer + 9 * k * bytesOf(W.dtype), heap: W.heap };
}

function plain(channels: number, dtype: DType): Finish {
  return { b: zeros([channels], dtype), floor: Number.NEGATIVE_INFINITY };
}

function filterScratch(W: Tensor): Tensor {
  return empty('u8', [kernelsFor(W).winogradFiltersScratchBytes()]);
}

interface Places {
  readonly plane: number;
  at(place: number, column?: number): HeapArray;
  /** Those of all places, with rows of `line` elements. */
  all(line: number): Matrices;
  /** Makes them zeros. */
  clear(): void;
}

/** Room for 36 matrices (rows, columns). */
function matrices(dtype: DType, rows: number, columns: number): Places {
  const size = bytesOf(dtype);
  // An odd number of cache lines: the places of one tile then lie in different sets of the cache.
  const lines = Math.ceil((rows * columns * size) / 64) | 1;
  const plane = (lines * 64) / size;
  const room = empty(dtype, [places * plane]);
  const at = (place: number, column = 0): HeapArray => ({
    pointer: room.pointer + (place * plane + column) * size,
    heap: room.heap,
  });
  return {
    plane,
    at,
    all: (line) => ({ at: at(0), line, apart: plane }),
    clear: () => room.fill(0),
  };
}

/** Tile rows of some clips, or of a part of one, side by side. */
interface TileBlock {
  readonly n: number;
  readonly clips: number;
  /** The first tile row of each frame, and how many there are. */
  readonly first: number;
  readonly rows: number;
  /** Tiles of one frame of them all. */
  readonly columns: number;
}

interface Tiling {
  readonly blocks: readonly TileBlock[];
  /** Tiles of a row. */
  readonly across: number;
  /** Most columns of a block. */
  readonly most: number;
  readonly scratch: Tensor;
}

/** The clips of a block, and the column at which their tiles begin. */
function* clipsIn({ n, clips, columns }: TileBlock): Generator<{ n: number; column: number }> {
  for (let i = 0; i < clips; i++) yield { n: n + i, column: i * (columns / clips) };
}

/** @param rows rows of all matrices with tiles for columns. */
function tiling(dtype: DType, N: number, { like, H, W }: Frames, rows: number): Tiling {
  const size = bytesOf(dtype);
  const down = Math.ceil(H / 4);
  const across = Math.max(16 / size, Math.ceil(W / 4));
  const rowsAtOnce = Math.max(1, Math.floor(blockBytes / (places * rows * size * across)));
  const clipsAtOnce = Math.min(N, Math.max(1, Math.floor(rowsAtOnce / down)));
  const rowsOfOne = Math.min(down, rowsAtOnce);
  const blocks: TileBlock[] = [];
  for (let n = 0; n < N; n += clipsAtOnce) {
    for (let first = 0; first < down; first += rowsOfOne) {
      const tileRows = Math.min(rowsOfOne, down - first);
      const clips = Math.min(clipsAtOnce, N - n);
      blocks.push({ n, clips, first, rows: tileRows, columns: clips * tileRows * across });
    }
  }
  const bytes = kernelsFor(like).winogradScratchBytes(rowsOfOne, across);
  const most = clipsAtOnce * rowsOfOne * across;
  return { blocks, across, most, scratch: empty('u8', [bytes]) };
}
