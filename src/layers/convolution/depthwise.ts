/** Convolution with filters for every channel by itself: depthwise. */
import { scope } from '../../engine/engine.js';
import { addInPlace, kernelsFor, sumRows } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows3d } from '../windows.js';
import type { Algorithm, Convolution, Finish } from './algorithm.js';

/**
 * Some filters for every channel, groups = C: a kernel that sums each output up in a register, for a
 * product of a few rows by KT KH KW would read its patches once and do nothing else.
 */
export const byChannel: Algorithm = { maps, clips, filters };

function maps(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  convolution: Convolution,
  finish?: Finish,
): void {
  using _scratch = scope();
  const { F, windows } = convolution;
  const { scratch, m } = lines(x, convolution);
  const { b, floor } = finish ?? { b: zeros([F], x.dtype), floor: Number.NEGATIVE_INFINITY };
  for (const { n, first, last, count, apart } of units(x, y, convolution)) {
    const [from, to] = [
      x.at(n).slice(first, last),
      y.at(n).slice(channel + first * m, channel + last * m),
    ];
    const [filters, biases] = [W.slice(first * m, last * m), b.slice(first * m, last * m)];
    const aparts = [apart.x, apart.filters, apart.b, apart.y] as const;
    const arrays = [from, filters, biases, to] as const;
    kernelsFor(x).depthwise(...arrays, scratch, count, ...aparts, m, ...movement(windows), floor);
  }
}

function clips(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void {
  using _scratch = scope();
  const { scratch, m } = lines(x, convolution);
  for (const { n, first, last, count, apart } of units(x, y, convolution)) {
    const [from, to] = [y.at(n).slice(first * m, last * m), x.at(n).slice(first, last)];
    const arrays = [from, W.slice(first * m, last * m), to] as const;
    const aparts = [apart.x, apart.filters, apart.y] as const;
    const moves = movement(convolution.windows);
    kernelsFor(x).depthwiseDx(...arrays, scratch, count, ...aparts, m, ...moves);
  }
}

function filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void {
  using _scratch = scope();
  const { scratch, m } = lines(x, convolution);
  const moves = movement(convolution.windows);
  for (const { n, first, last, count, apart } of units(x, y, convolution)) {
    const own = W.slice(first * m, last * m);
    // Threads must not add to the same sums: each clip has its own, where units are clips.
    const each = apart.filters > 0 ? own : zeros([count, own.size], x.dtype);
    const [from, by] = [x.at(n).slice(first, last), y.at(n).slice(first * m, last * m)];
    const arrays = [from, by, each] as const;
    const aparts = [apart.x, apart.filters || own.size, apart.y] as const;
    kernelsFor(x).depthwiseDW(...arrays, scratch, count, ...aparts, m, ...moves);
    if (each !== own) addInPlace(own.view(own.size), sumRows(each));
  }
}

/** Units of work as the kernels have them: channels `first` to `last` (exclusive) of clip n, or of all from it on. */
interface Units {
  readonly n: number;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Elements from one unit to the next. */
  readonly apart: Readonly<Record<'x' | 'filters' | 'b' | 'y', number>>;
}

/** All channels of one clip after the other, or all clips of one channel: whichever are more. */
function* units(x: Tensor, y: Tensor, { N, C, F, windows }: Convolution): Generator<Units> {
  const { T, H, W, KT, KH, KW, OT, OH, OW } = windows;
  const m = F / C;
  if (C >= N) {
    const apart = { x: T * H * W, filters: m * KT * KH * KW, b: m, y: m * OT * OH * OW };
    for (let n = 0; n < N; n++) yield { n, first: 0, last: C, count: C, apart };
  } else {
    const [channels = 0, maps = 0] = [x.shape[1], y.shape[1]];
    const apart = { x: channels * T * H * W, filters: 0, b: 0, y: maps * OT * OH * OW };
    for (let c = 0; c < C; c++) yield { n: 0, first: c, last: c + 1, count: N, apart };
  }
}

/** Scratch for the padded frames under a filter; m: filters of a channel. */
function lines(x: Tensor, { C, F, windows }: Convolution): { scratch: Tensor; m: number } {
  const { H, W, KT, KH, KW, SH, SW, DT, DH, DW, OH, OW } = windows;
  const m = F / C;
  const extents = [m, H, W, KT, KH, KW, SH, SW, DT, DH, DW, OH, OW] as const;
  return { scratch: empty('u8', [kernelsFor(x).depthwiseScratchBytes(...extents)]), m };
}

/** The arguments of the kernels that say how the window moves. */
function movement(windows: Windows3d) {
  const { T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, DT, DH, DW, OT, OH, OW } = windows;
  return [T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, DT, DH, DW, OT, OH, OW] as const;
}
