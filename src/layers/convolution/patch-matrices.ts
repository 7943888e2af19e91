import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows } from '../windows.js';
import type { Convolution } from './algorithm.js';
import { type Block, isDirect, patchLength } from './patch-blocks.js';

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
  readonly #buffer: Tensor | undefined;

  /** @param columns most that a block has. */
  constructor(x: Tensor, convolution: Convolution, columns: number) {
    this.K = patchLength(convolution);
    this.#x = x;
    this.#windows = convolution.windows;
    this.#C = convolution.C / convolution.groups;
    this.#buffer = isDirect(convolution) ? undefined : empty(x.dtype, [this.K * columns]);
  }

  /** The patches of a block, laid out. */
  laid(block: Block): HeapArray {
    const buffer = this.#buffer;
    if (!buffer) return this.room(block);
    const { first, rows, P } = block;
    this.#eachPhoto(block, (photo, column) => {
      const columns = buffer.slice(column, buffer.size);
      kernelsFor(photo).im2col(photo, columns, P, this.#C, ...this.#movement, first, rows);
    });
    return buffer;
  }

  /** Where a matrix of this block can be written. */
  room({ photo, group }: Block): HeapArray {
    return this.#buffer ?? this.#photo(photo, group);
  }

  /** Adds what was written there to the places that the patches are of. */
  addBack(block: Block): void {
    const buffer = this.#buffer;
    if (!buffer) return;
    const { first, rows, P } = block;
    this.#eachPhoto(block, (photo, column) => {
      const columns = buffer.slice(column, buffer.size);
      kernelsFor(photo).col2im(columns, P, photo, this.#C, ...this.#movement, first, rows);
    });
  }

  #eachPhoto(block: Block, visit: (photo: Tensor, column: number) => void): void {
    const each = block.P / block.photos;
    for (let i = 0; i < block.photos; i++) {
      visit(this.#photo(block.photo + i, block.group), i * each);
    }
  }

  #photo(photo: number, group: number): Tensor {
    return this.#x.at(photo).slice(group * this.#C, (group + 1) * this.#C);
  }

  /** The arguments of im2col and col2im that say how the window moves. */
  get #movement() {
    const { H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW } = this.#windows;
    return [H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW] as const;
  }
}
