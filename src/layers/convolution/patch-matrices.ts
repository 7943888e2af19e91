/** The patches of clips, and the maps over them, as matrices: block by block, for a product. */
import type { Matrices } from '../../engine/batched-product.js';
import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { bytesOf, type DType, empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows3d } from '../windows.js';
import type { Convolution, Finish } from './algorithm.js';

/**
 * Places whose patches are multiplied at once: all of several clips, some frames of one, or some rows of one
 * frame. Where a clip is its own patch matrix, all clips of a group.
 */
export interface Block {
  readonly group: number;
  /** The first clip, and how many there are. */
  readonly clip: number;
  readonly clips: number;
  /** The first frame of each map, and how many there are. */
  readonly frame: number;
  readonly frames: number;
  /** The first row of each frame, and how many there are. */
  readonly first: number;
  readonly rows: number;
  /** How many matrices these are: one for all clips, or one for each. */
  readonly matrices: number;
  /** Columns of a matrix: clips frames rows OW, or frames rows OW. */
  readonly P: number;
}

/** Bytes of patches laid out at once: smaller blocks starve the product, larger ones the cache. */
const blockBytes = 2 ** 21;

/**
 * Small maps of several clips are taken together: a product with few columns reads the filters as often
 * as one with many. Beyond these bytes and columns nothing more was gained on two cores of Zen 4 with
 * OpenBLAS, and copying the maps together begins to cost.
 */
const together = { bytes: 2 ** 22, columns: 512 };

/** The blocks of a convolution, and the most columns that one of them has. */
export function blocksOf(convolution: Convolution, dtype: DType) {
  const { N, groups, windows } = convolution;
  const { OT, OH, OW } = windows;
  const rowBytes = Math.max(1, OW * bytesOf(dtype) * patchLength(convolution));
  const direct = isDirect(convolution);
  const rows = direct ? OH : evenly(OH, blockBytes / rowBytes);
  const frames = direct ? OT : rows < OH ? 1 : evenly(OT, blockBytes / (OH * rowBytes));
  const clipsTogether = Math.min(
    together.bytes / (OT * OH * rowBytes),
    together.columns / (OT * OH * OW),
  );
  const clips = direct ? N : frames < OT || rows < OH ? 1 : evenly(N, clipsTogether);
  const blocks: Block[] = [];
  for (const [clip, clipsHere] of parts(N, clips)) {
    const matrices = direct ? clipsHere : 1;
    for (let group = 0; group < groups; group++) {
      for (const [frame, framesHere] of parts(OT, frames)) {
        for (const [first, rowsHere] of parts(OH, rows)) {
          const P = (clipsHere / matrices) * framesHere * rowsHere * OW;
          const places = {
            clip,
            clips: clipsHere,
            frame,
            frames: framesHere,
            first,
            rows: rowsHere,
          };
          blocks.push({ group, ...places, matrices, P });
        }
      }
    }
  }
  return { blocks, columns: (direct ? 1 : clips) * frames * rows * OW };
}

/** The size of equal parts of `all` that hold at most `most` each, or one. */
function evenly(all: number, most: number): number {
  return Math.ceil(all / Math.max(1, Math.ceil(all / Math.max(1, Math.floor(most)))));
}

/** Where each part of `all` begins, and how long it is. */
function* parts(all: number, size: number): Generator<readonly [first: number, count: number]> {
  for (let first = 0; first < all; first += size) yield [first, Math.min(size, all - first)];
}

/** K: values of a patch, C / groups KT KH KW. */
function patchLength({ C, groups, windows: { KT, KH, KW } }: Convolution): number {
  return (C / groups) * KT * KH * KW;
}

/** Whether a clip is its own patch matrix: a 1 x 1 x 1 filter that visits each place once. */
function isDirect({ windows }: Convolution): boolean {
  const { T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, OT, OH, OW } = windows;
  const single = KT * KH * KW * ST * SH * SW === 1 && PT + PH + PW === 0;
  return single && T === OT && H === OH && W === OW;
}

/**
 * The patches of clips x (N, C, T, H, W) as matrices (K, P), block by block. They share one buffer, so a
 * matrix lasts until the next one; where a clip is its own matrix there is none.
 */
export class PatchMatrices {
  readonly K: number;
  readonly #x: Tensor;
  readonly #windows: Windows3d;
  /** Channels of a group. */
  readonly #C: number;
  readonly #groups: number;
  readonly #buffer: Tensor | undefined;

  /** @param columns most that a block has. */
  constructor(x: Tensor, convolution: Convolution, columns: number) {
    this.K = patchLength(convolution);
    this.#x = x;
    this.#windows = convolution.windows;
    this.#groups = convolution.groups;
    this.#C = convolution.C / convolution.groups;
    this.#buffer = isDirect(convolution) ? undefined : empty(x.dtype, [this.K, columns]);
  }

  /** The patches of a block, laid out. */
  laid(block: Block): Matrices {
    const buffer = this.#buffer;
    if (buffer) kernelsFor(this.#x).im2col(this.#first(block), buffer, ...this.#movement(block));
    return this.room(block);
  }

  /** Where a block's patches can be written. */
  room(block: Block): Matrices {
    return { at: this.#buffer ?? this.#first(block), line: block.P, apart: this.#apart };
  }

  /** Adds what was written there to the places that the patches are of. */
  addBack(block: Block): void {
    const buffer = this.#buffer;
    if (buffer) kernelsFor(this.#x).col2im(this.#first(block), buffer, ...this.#movement(block));
  }

  /** Elements from one clip to the next. */
  get #apart(): number {
    const { T, H, W } = this.#windows;
    return this.#C * this.#groups * T * H * W;
  }

  /** The first clip of a block, its group's channels. */
  #first({ clip, group }: Block): Tensor {
    return this.#x.at(clip).slice(group * this.#C, (group + 1) * this.#C);
  }

  /** The arguments of im2col and col2im that say how the window moves. */
  #movement({ clips, frame, frames, first, rows }: Block) {
    const { T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, DT, DH, DW, OW } = this.#windows;
    const movement = [T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, DT, DH, DW] as const;
    return [clips, this.#apart, this.#C, ...movement, OW, frame, frames, first, rows] as const;
  }
}

/**
 * Maps y (N, ..., OT, OH, OW), from a channel on, as matrices (F / groups, P), block by block. A block of one
 * clip lies in y itself; the maps of several are copied side by side, into a buffer that all blocks share.
 */
export class MapMatrices {
  readonly #y: Tensor;
  readonly #channel: number;
  /** Filters of a group. */
  readonly F: number;
  readonly #OH: number;
  readonly #OW: number;
  /** Values of one map: OT OH OW. */
  readonly #plane: number;
  readonly #buffer: Tensor | undefined;

  /** @param columns most that a block has. */
  constructor(y: Tensor, channel: number, { F, groups, windows }: Convolution, columns: number) {
    const { OT, OH, OW } = windows;
    this.#y = y;
    this.#channel = channel;
    this.F = F / groups;
    this.#OH = OH;
    this.#OW = OW;
    this.#plane = OT * OH * OW;
    this.#buffer = columns > this.#plane ? empty(y.dtype, [this.F, columns]) : undefined;
  }

  /** Where a block's maps can be written. */
  room(block: Block): Matrices {
    const apart = (this.#y.shape[1] ?? 0) * this.#plane;
    if (this.#buffer) return { at: this.#buffer, line: block.P, apart };
    return { at: this.#map(block.clip, block), line: this.#plane, apart };
  }

  /** What y holds of this block. */
  gathered(block: Block): Matrices {
    const buffer = this.#buffer;
    if (buffer) {
      const plane = this.#plane;
      this.#eachClip(block, (map, column) => {
        kernelsFor(this.#y).copyBlocks(map, 0, plane, buffer, column, block.P, this.F, plane);
      });
    }
    return this.room(block);
  }

  /** Brings what was written to where it belongs in y, and finishes it. */
  place(block: Block, finish: Finish | undefined): void {
    const kernels = kernelsFor(this.#y);
    const [F, plane] = [this.F, this.#plane];
    const each = block.frames * block.rows * this.#OW;
    const b = finish?.b.slice(block.group * F, (block.group + 1) * F);
    this.#eachClip(block, (map, column) => {
      if (this.#buffer) {
        kernels.copyBlocks(this.#buffer, column, block.P, map, 0, plane, F, plane);
      }
      if (finish && b) kernels.addBias(map, b, F, each, plane, finish.floor);
    });
  }

  #eachClip(block: Block, visit: (map: HeapArray, column: number) => void): void {
    const each = block.frames * block.rows * this.#OW;
    for (let i = 0; i < block.clips; i++) visit(this.#map(block.clip + i, block), i * each);
  }

  /** A clip's maps of a group, from the block's first row on. */
  #map(clip: number, { group, frame, first }: Block): HeapArray {
    const channel = this.#channel + group * this.F;
    const maps = this.#y.at(clip).slice(channel, channel + this.F);
    return maps.view(maps.size).slice((frame * this.#OH + first) * this.#OW, maps.size);
  }
}
