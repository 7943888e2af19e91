/** Convolution as a matrix product of filters and patches. */
import type { Matrices } from '../../engine/batched-product.js';
import { engine, scope } from '../../engine/engine.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';
import { type Block, blocksOf, MapMatrices, PatchMatrices } from './patch-matrices.js';

/**
 * Any convolution. With columns(x) the patches of some clips and one group, (C / groups KT KH KW, P), and
 * y their maps, (F / groups, P):
 *
 *     maps:     y = W columns(x)
 *     clips:    x = W^T y, each column added back to the places of its patch
 *     filters:  W = the sum over the clips of y columns(x)^T
 */
export const byPatches: Algorithm = { maps, clips, filters };

function maps(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  convolution: Convolution,
  finish?: Finish,
): void {
  eachBlock(x, y, channel, W, convolution, (block, weights, patches, maps) => {
    const sizes = [maps.F, block.P, patches.K] as const;
    const [columns, room] = [patches.laid(block), maps.room(block)];
    engine().batchedProduct(x.float, block.matrices, sizes, weights, columns, 0, room);
    maps.place(block, finish);
  });
}

function clips(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void {
  eachBlock(x, y, 0, W, convolution, (block, weights, patches, maps) => {
    const sizes = [patches.K, block.P, maps.F] as const;
    const [from, room] = [maps.gathered(block), patches.room(block)];
    engine().batchedProduct(x.float, block.matrices, sizes, transposed(weights), from, 0, room);
    patches.addBack(block);
  });
}

function filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void {
  eachBlock(x, y, 0, W, convolution, (block, weights, patches, maps) => {
    const sizes = [maps.F, patches.K, block.P] as const;
    const [from, columns] = [maps.gathered(block), patches.laid(block)];
    engine().batchedProduct(x.float, block.matrices, sizes, from, transposed(columns), 1, weights);
  });
}

const transposed = (matrices: Matrices): Matrices => ({ ...matrices, transposed: true });

/** Calls `work` for every block, with the filters of its group as a matrix (F / groups, K). */
function eachBlock(
  x: Tensor,
  y: Tensor,
  channel: number,
  W: Tensor,
  convolution: Convolution,
  work: (block: Block, weights: Matrices, patches: PatchMatrices, maps: MapMatrices) => void,
): void {
  using _scratch = scope();
  const { blocks, columns } = blocksOf(convolution, x.dtype);
  const patches = new PatchMatrices(x, convolution, columns);
  const maps = new MapMatrices(y, channel, convolution, columns);
  for (const block of blocks) {
    const at = W.slice(block.group * maps.F, (block.group + 1) * maps.F);
    work(block, { at, line: patches.K, apart: 0 }, patches, maps);
  }
}
