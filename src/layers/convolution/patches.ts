import { engine, scope } from '../../engine/engine.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';
import { MapMatrices } from './map-matrices.js';
import { type Block, blocksOf } from './patch-blocks.js';
import { PatchMatrices } from './patch-matrices.js';

/**
 * Any convolution. With columns(x) the patches of some photos and one group, (C / groups KH KW, P), and y
 * their maps, (F / groups, P):
 *
 *     maps:     y = W columns(x)
 *     images:   x = W^T y, each column added back to the places of its patch
 *     filters:  W = the sum over the photos of y columns(x)^T
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
  eachProduct(x, y, channel, W, convolution, (block, weights, patches, maps) => {
    const [F, K, P] = [weights.shape[0] ?? 0, patches.K, block.P];
    const columns = patches.laid(block);
    const { at, line } = maps.room(block);
    engine().product(x.float, false, false, F, P, K, 1, weights, K, columns, P, 0, at, line);
    maps.place(block, finish);
  });
}

function images(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void {
  eachProduct(x, y, 0, W, convolution, (block, weights, patches, maps) => {
    const [F, K, P] = [weights.shape[0] ?? 0, patches.K, block.P];
    const { at, line } = maps.gathered(block);
    const columns = patches.room(block);
    engine().product(x.float, true, false, K, P, F, 1, weights, K, at, line, 0, columns, P);
    patches.addBack(block);
  });
}

function filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void {
  eachProduct(x, y, 0, W, convolution, (block, weights, patches, maps) => {
    const [F, K, P] = [weights.shape[0] ?? 0, patches.K, block.P];
    const columns = patches.laid(block);
    const { at, line } = maps.gathered(block);
    engine().product(x.float, false, true, F, K, P, 1, at, line, columns, P, 1, weights, K);
  });
}

/** Calls `work` for every block and group, with the group's filters (F / groups, ...). */
function eachProduct(
  x: Tensor,
  y: Tensor,
  channel: number,
  W: Tensor,
  convolution: Convolution,
  work: (block: Block, weights: Tensor, patches: PatchMatrices, maps: MapMatrices) => void,
): void {
  using _scratch = scope();
  const { blocks, columns } = blocksOf(convolution, x.dtype);
  const patches = new PatchMatrices(x, convolution, columns);
  const maps = new MapMatrices(y, channel, convolution, columns);
  const filters = convolution.F / convolution.groups;
  for (const block of blocks) {
    const first = block.group * filters;
    work(block, W.slice(first, first + filters), patches, maps);
  }
}
