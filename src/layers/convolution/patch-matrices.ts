/** The patches of images, and the maps over them, as matrices: block by block, for a product. */
import type { Matrices } from '../../engine/batched-product.js';
import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { bytesOf, type DType, empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows } from '../windows.js';
import type { Convolution, Finish } from './algorithm.js';

/**
 * Places whose patches are multiplied at once: all of several photos, or some rows of one. Where a photo is its
 * own patch matrix, all photos of a group.
 */
export interface Block {
  readonly group: number;
  /** The first photo, and how many there are. */
  readonly photo: number;
  readonly photos: number;
  /** The first row of each map, and how many there are. */
  readonly first: number;
  readonly rows: number;
  /** How many matrices these are: one for all photos, or one for each. */
  readonly matrices: number;
  /** Columns of a matrix: photos rows OW, or rows OW. */
  readonly P: number;
}

/** Bytes of patches laid out at once: smaller blocks starve the product, larger ones the cache. */
const blockBytes = 2 ** 21;

/**
 * Small maps of several photos are taken together: a product with few columns reads the filters as often
 * as one with many. Beyond these bytes and columns nothing more was gained on two cores of Zen 4 with
 * OpenBLAS, and copying the maps together begins to cost.
 */
const together = { bytes: 2 ** 22, columns: 512 };

/** The blocks of a convolution, and the most columns that one of them has. */
export function blocksOf(convolution: Convolution, dtype: DType) {
  const { N, groups, windows } = convolution;
  const { OH, OW } = windows;
  const size = bytesOf(dtype) * patchLength(convolution);
  const rowBytes = Math.max(1, OW * size);
  const direct = isDirect(convolution);
  const rowsAtOnce = direct ? OH : Math.min(OH, Math.max(1, Math.floor(blockBytes / rowBytes)));
  const most = direct ? N : rowsAtOnce < OH ? 1 : photosTogether(OH * rowBytes, OH * OW);
  const photosAtOnce = Math.max(1, Math.min(N, most));
  const blocks: Block[] = [];
  for (let photo = 0; photo < N; photo += photosAtOnce) {
    const photos = Math.min(photosAtOnce, N - photo);
    const matrices = direct ? photos : 1;
    for (let group = 0; group < groups; group++) {
      for (let first = 0; first < OH; first += rowsAtOnce) {
        const rows = Math.min(rowsAtOnce, OH - first);
        const P = (photos / matrices) * rows * OW;
        blocks.push({ group, photo, photos, first, rows, matrices, P });
      }
    }
  }
  return { blocks, columns: direct ? OH * OW : photosAtOnce * rowsAtOnce * OW };
}

/** How many photos share a block whose patches have so many bytes and columns each. */
function photosTogether(bytes: number, columns: number): number {
  return Math.min(Math.floor(together.bytes / bytes), Math.floor(together.columns / columns));
}

/** K: values of a patch, C / groups KH KW. */
function patchLength({ C, groups, windows: { KH, KW } }: Convolution): number {
  return (C / groups) * KH * KW;
}

/** Whether a photo is its own patch matrix: a 1 x 1 filter that visits each place once. */
function isDirect({ windows }: Convolution): boolean {
  const { H, W, KH, KW, SH, SW, PH, PW, OH, OW } = windows;
  return KH * KW * SH * SW === 1 && PH + PW === 0 && H === OH && W === OW;
}

/**
 * The patches of images x (N, C, H, W) as matrices (K, P), block by block. They share one buffer, so a
 * matrix lasts until the next one; where a photo is its own matrix there is none.
 */
export class PatchMatrices {
  readonly K: number;
  readonly #x: Tensor;
  readonly #windows: Windows;
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

  /** Elements from one photo to the next. */
  get #apart(): number {
    const { H, W } = this.#windows;
    return this.#C * this.#groups * H * W;
  }

  /** The first photo of a block, its group's channels. */
  #first({ photo, group }: Block): Tensor {
    return this.#x.at(photo).slice(group * this.#C, (group + 1) * this.#C);
  }

  /** The arguments of im2col and col2im that say how the window moves. */
  #movement({ photos, first, rows }: Block) {
    const { H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW } = this.#windows;
    const movement = [H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW, first, rows] as const;
    return [photos, this.#apart, this.#C, ...movement] as const;
  }
}

/**
 * Maps y (N, ..., OH, OW), from a channel on, as matrices (F / groups, P), block by block. A block of one
 * photo lies in y itself; the maps of several are copied side by side, into a buffer that all blocks share.
 */
export class MapMatrices {
  readonly #y: Tensor;
  readonly #channel: number;
  /** Filters of a group. */
  readonly F: number;
  readonly #OW: number;
  readonly #plane: number;
  readonly #buffer: Tensor | undefined;

  /** @param columns most that a block has. */
  constructor(y: Tensor, channel: number, { F, groups, windows }: Convolution, columns: number) {
    const { OH, OW } = windows;
    this.#y = y;
    this.#channel = channel;
    this.F = F / groups;
    this.#OW = OW;
    this.#plane = OH * OW;
    this.#buffer = columns > this.#plane ? empty(y.dtype, [this.F, columns]) : undefined;
  }

  /** Where a block's maps can be written. */
  room(block: Block): Matrices {
    const apart = (this.#y.shape[1] ?? 0) * this.#plane;
    if (this.#buffer) return { at: this.#buffer, line: block.P, apart };
    return { at: this.#map(block.photo, block), line: this.#plane, apart };
  }

  /** What y holds of this block. */
  gathered(block: Block): Matrices {
    const buffer = this.#buffer;
    if (buffer) {
      const plane = this.#plane;
      this.#eachPhoto(block, (map, column) => {
        kernelsFor(this.#y).copyBlocks(map, 0, plane, buffer, column, block.P, this.F, plane);
      });
    }
    return this.room(block);
  }

  /** Brings what was written to where it belongs in y, and finishes it. */
  place(block: Block, finish: Finish | undefined): void {
    const kernels = kernelsFor(this.#y);
    const [F, plane] = [this.F, this.#plane];
    const each = block.rows * this.#OW;
    const b = finish?.b.slice(block.group * F, (block.group + 1) * F);
    this.#eachPhoto(block, (map, column) => {
      if (this.#buffer) {
        kernels.copyBlocks(this.#buffer, column, block.P, map, 0, plane, F, plane);
      }
      if (finish && b) kernels.addBias(map, b, F, each, plane, finish.floor);
    });
  }

  #eachPhoto(block: Block, visit: (map: HeapArray, column: number) => void): void {
    const each = block.rows * this.#OW;
    for (let i = 0; i < block.photos; i++) visit(this.#map(block.photo + i, block), i * each);
  }

  /** A photo's maps of a group, from the block's first row on. */
  #map(photo: number, { group, first }: Block): HeapArray {
    const channel = this.#channel + group * this.F;
    const maps = this.#y.at(photo).slice(channel, channel + this.F);
    return maps.view(maps.size).slice(first * this.#OW, maps.size);
  }
}
