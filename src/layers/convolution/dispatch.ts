/** Which algorithm computes a convolution is decided here and nowhere else. */
import { kernelsFor } from '../../tensor/arithmetic.js';
import { elementCount } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';
import { byChannel } from './depthwise.js';
import { byPatches } from './patches.js';
import { byTiles } from './winograd.js';

/** Most filters of a channel by itself that are not better computed as a product. */
const mostByChannel = 6;

/** `conv2d` and `conv3d` read the three products from clips to maps, their transposes from maps to clips. */
function algorithmFor(convolution: Convolution): Algorithm {
  const { C, F, groups } = convolution;
  if (groups === C && F <= mostByChannel * C) return byChannel;
  return tilesAreCheaper(convolution) ? byTiles : byPatches;
}

/**
 * Whether Winograd's tiles cost less than patches, by the nanoseconds that each took on one core of Zen 4
 * with OpenBLAS. Tiles save three quarters of the product and pay for the transforms, so they
 * need channels on both sides; and that of the filters has to be spread over enough tiles.
 */
function tilesAreCheaper({ N, C, F, groups, windows }: Convolution): boolean {
  const { KT, KH, KW, ST, SH, SW, DT, DH, DW, PH, PW, OT, OH, OW } = windows;
  const moves = ST * SH * SW * DT * DH * DW === 1;
  if (KH !== 3 || KW !== 3 || !moves || Math.max(PH, PW) > 2 || groups > 1) return false;
  const places = N * OT * OH * OW;
  // Tiles are computed four at a time, side by side.
  const tiles = N * OT * Math.ceil(OH / 4) * Math.max(4, Math.ceil(OW / 4));
  const byPatches = 0.24 * F * C * KT * places + 1.2 * C * KT * places;
  return 0.96 * F * C * KT * tiles + 18 * (C + F) * tiles + 50 * F * C * KT < byPatches;
}

/** `Algorithm.maps` by the cheapest way. */
export function mapsInto(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  convolution: Convolution,
  finish?: Finish,
): void {
  algorithmFor(convolution).maps(y, channel, x, W, convolution, finish);
}

/** `Algorithm.clips` by the cheapest way. */
export function clipsInto(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void {
  algorithmFor(convolution).clips(x, y, W, convolution);
}

/** `Algorithm.filters` by the cheapest way. */
export function filtersInto(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void {
  algorithmFor(convolution).filters(W, x, y, convolution);
}

/** db[c] of a bias that was added to every place of channel c: dy (N, C, ...) summed into (C). */
export function biasInto(db: Tensor, dy: Tensor): void {
  const [N = 0, C = 0, ...places] = dy.shape;
  for (let n = 0; n < N; n++) {
    kernelsFor(dy).addBiasBackward(dy.at(n), db, C, elementCount(places));
  }
}
