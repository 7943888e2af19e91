import type { Matrices } from '../../engine/several-products.js';
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
