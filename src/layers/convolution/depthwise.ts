/** Depthwise convolution: one filter for every channel. */
import { scope } from '../../engine/engine.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows } from '../windows.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';

/**
 * One filter for every channel, F = C = groups: a kernel that sums each output up in a register, for a
 * product of one row by KH KW would read its patches once and do nothing else.
 */
export const byChannel: Algorithm = { maps, clips, filters };

function maps(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  { N, C, windows }: Convolution,
  finish?: Finish,
): void {
  using _scratch = scope();
  const scratch = lines(x, windows);
  const b = finish?.b ?? zeros([C], x.dtype);
  const floor = finish?.floor ?? Number.NEGATIVE_INFINITY;
  for (let n = 0; n < N; n++) {
    const map = y.at(n).slice(channel, channel + C);
    kernelsFor(x).depthwise(x.at(n), W, b, map, scratch, C, ...movement(windows), floor);
  }
}

function clips(x: Tensor, y: Tensor, W: Tensor, { N, C, windows }: Convolution): void {
  using _scratch = scope();
  const scratch = lines(x, windows);
  for (let n = 0; n < N; n++) {
    kernelsFor(x).depthwiseDx(y.at(n), W, x.at(n), scratch, C, ...movement(windows));
  }
}

function filters(W: Tensor, x: Tensor, y: Tensor, { N, C, windows }: Convolution): void {
  using _scratch = scope();
  const scratch = lines(x, windows);
  for (let n = 0; n < N; n++) {
    kernelsFor(x).depthwiseDW(x.at(n), y.at(n), W, scratch, C, ...movement(windows));
  }
}

/** Scratch for one padded plane. */
function lines(x: Tensor, { H, W, KH, KW, SH, SW, DH, DW, OH, OW }: Windows): Tensor {
  const bytes = kernelsFor(x).depthwiseScratchBytes(H, W, KH, KW, SH, SW, DH, DW, OH, OW);
  return empty('u8', [bytes]);
}

/** The arguments of the kernels that say how the window moves. */
function movement({ H, W, KH, KW, SH, SW, PH, PW, DH, DW, OH, OW }: Windows) {
  return [H, W, KH, KW, SH, SW, PH, PW, DH, DW, OH, OW] as const;
}
