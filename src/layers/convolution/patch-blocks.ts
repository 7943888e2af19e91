import { bytesOf, type DType } from '../../tensor/tensor.js';
import type { Convolution } from './algorithm.js';

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
export function patchLength({ C, groups, windows: { KH, KW } }: Convolution): number {
  return (C / groups) * KH * KW;
}

/** Whether a photo is its own patch matrix: a 1 x 1 filter that visits each place once. */
export function isDirect({ windows }: Convolution): boolean {
  const { H, W, KH, KW, SH, SW, PH, PW, OH, OW } = windows;
  return KH * KW * SH * SW === 1 && PH + PW === 0 && H === OH && W === OW;
}
