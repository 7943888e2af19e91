import type { HeapArray } from '../../engine/heap.js';
import type { Matrices } from '../../engine/several-products.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Convolution, Finish } from './algorithm.js';
import type { Block } from './patch-blocks.js';

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
