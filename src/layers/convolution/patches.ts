import { engine, scope } from '../../engine/engine.js';
import type { HeapArray } from '../../engine/heap.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { bytesOf, empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows } from '../windows.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';

/**
 * Any convolution. With columns(x) the patches of one photo and group, (C / groups KH KW, OH OW):
 *
 *     maps:     y = W columns(x)
 *     images:   x = W^T y, each column added back to the places of its patch
 *     filters:  W = the sum over the photos of y columns(x)^T
 *
 * Patches are laid out in blocks that stay in the cache; those of a 1 x 1 filter are the photo itself.
 */
export const byPatches: Algorithm = { maps, images, filters };

function maps(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  convolution: Convolution,
  finish?: Finish,
): void {
  using _scratch = scope();
  const { OH, OW } = convolution.windows;
  const patches = patchMatrix(x, convolution);
  const { K } = patches;
  eachGroup(convolution, (n, group) => {
    const out = y.at(n).slice(channel + group.F.start, channel + group.F.end);
    const weights = sliceOf(W, group.F);
    for (const { first, rows } of patches.blocks) {
      const [F, P] = [weights.shape[0] ?? 0, rows * OW];
      const columns = patches.lay(n, group, first, rows);
      const to = fromElement(out, first * OW);
      engine().product(x.float, false, false, F, P, K, 1, weights, K, columns, P, 0, to, OH * OW);
      if (!finish) continue;
      kernelsFor(y).addBias(to, sliceOf(finish.b, group.F), F, P, OH * OW, finish.floor);
    }
  });
}

function images(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void {
  using _scratch = scope();
  const { windows } = convolution;
  const { OH, OW } = windows;
  const { K, direct, columns, blocks } = patchBlocks(x, convolution);
  const patches = direct ? undefined : empty(x.dtype, [K, columns]);
  eachGroup(convolution, (n, group) => {
    const [image, map] = [sliceOf(x.at(n), group.C), sliceOf(y.at(n), group.F)];
    const [F, C] = [map.shape[0] ?? 0, image.shape[0] ?? 0];
    const weights = sliceOf(W, group.F);
    for (const { first, rows } of blocks) {
      const P = rows * OW;
      const from = fromElement(map, first * OW);
      const to = patches ?? image;
      engine().product(x.float, true, false, K, P, F, 1, weights, K, from, OH * OW, 0, to, P);
      if (patches) kernelsFor(x).col2im(patches, image, C, ...movement(windows), first, rows);
    }
  });
}

function filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void {
  using _scratch = scope();
  const { OH, OW } = convolution.windows;
  const patches = patchMatrix(x, convolution);
  const { K } = patches;
  eachGroup(convolution, (n, group) => {
    const [map, weights] = [sliceOf(y.at(n), group.F), sliceOf(W, group.F)];
    const F = map.shape[0] ?? 0;
    for (const { first, rows } of patches.blocks) {
      const P = rows * OW;
      const columns = patches.lay(n, group, first, rows);
      const from = fromElement(map, first * OW);
      engine().product(x.float, false, true, F, K, P, 1, from, OH * OW, columns, P, 1, weights, K);
    }
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The channels of the images and of the maps that one group joins. */
interface Group {
  readonly C: Range;
  readonly F: Range;
}

function eachGroup(
  { N, C, F, groups }: Convolution,
  visit: (n: number, group: Group) => void,
): void {
  const [perC, perF] = [C / groups, F / groups];
  for (let n = 0; n < N; n++) {
    for (let g = 0; g < groups; g++) {
      visit(n, {
        C: { start: g * perC, end: (g + 1) * perC },
        F: { start: g * perF, end: (g + 1) * perF },
      });
    }
  }
}

function sliceOf(tensor: Tensor, { start, end }: Range): Tensor {
  return tensor.slice(start, end);
}

/** Bytes of patches laid out at once: smaller blocks starve the product, larger ones the cache. */
const blockBytes = 2 ** 21;

/** How the patches of a photo and group are cut into matrices (K, rows OW) for output rows. */
function patchBlocks(x: Tensor, { C, groups, windows }: Convolution) {
  const { H, W, KH, KW, SH, SW, PH, PW, OH, OW } = windows;
  const K = (C / groups) * KH * KW;
  const direct = KH * KW * SH * SW === 1 && PH + PW === 0 && H === OH && W === OW;
  const rowBytes = Math.max(1, K * OW * bytesOf(x.dtype));
  const rowsAtOnce = direct ? OH : Math.min(OH, Math.max(1, Math.floor(blockBytes / rowBytes)));
  const blocks: { first: number; rows: number }[] = [];
  for (let first = 0; first < OH; first += rowsAtOnce) {
    blocks.push({ first, rows: Math.min(rowsAtOnce, OH - first) });
  }
  return {
    K,
    /** Whether a photo is its own patch matrix: a 1 x 1 filter that visits each place once. */
    direct,
    /** Most columns of a block. */
    columns: rowsAtOnce * OW,
    blocks,
  };
}

/**
 * The patches of x as matrices (K, P), for blocks of output rows: `lay` fills one shared buffer, so
 * its result lasts until the next call; where it can, it returns the photo itself.
 */
function patchMatrix(x: Tensor, convolution: Convolution) {
  const { windows } = convolution;
  const { K, direct, columns, blocks } = patchBlocks(x, convolution);
  const buffer = direct ? undefined : empty(x.dtype, [K, columns]);
  return {
    K,
    blocks,
    lay(n: number, { C }: Group, first: number, rows: number): HeapArray {
      const photo = sliceOf(x.at(n), C);
      if (!buffer) return photo;
      const channels = C.end - C.start;
      kernelsFor(x).im2col(photo, buffer, channels, ...movement(windows), first, rows);
      return buffer;
    },
  };
}

/** The arguments of im2col and col2im that say how the window moves. */
function movement({ H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW }: Windows) {
  return [H, W, KH, KW, SH, SW, PH, PW, DH, DW, OW] as const;
}

function fromElement(tensor: Tensor, index: number): HeapArray {
  return { pointer: tensor.pointer + index * bytesOf(tensor.dtype), heap: tensor.heap };
}
