/**
 * A filter or pooling window: extents, strides, padding and dilation (default 1), rows before columns. In time
 * it is one frame that goes on by one, unless it says something else.
 */
export interface Window {
  readonly KH: number;
  readonly KW: number;
  readonly SH: number;
  readonly SW: number;
  readonly PH: number;
  readonly PW: number;
  readonly DH?: number;
  readonly DW?: number;
  readonly KT?: number;
  readonly ST?: number;
  readonly PT?: number;
  readonly DT?: number;
}

/** Windows with every relation of extent, stride and padding that the kernels treat apart. */
export const windows: readonly Window[] = [
  { KH: 3, KW: 3, SH: 1, SW: 1, PH: 1, PW: 1 },
  { KH: 2, KW: 2, SH: 2, SW: 2, PH: 0, PW: 0 },
  { KH: 3, KW: 3, SH: 2, SW: 2, PH: 1, PW: 1 },
  { KH: 1, KW: 2, SH: 2, SW: 3, PH: 0, PW: 1 },
];

/** Filters whose values lie apart, as no pooling window's do. */
export const dilated: readonly Window[] = [
  { KH: 2, KW: 3, SH: 1, SW: 1, PH: 2, PW: 4, DH: 3, DW: 4 },
  { KH: 2, KW: 2, SH: 2, SW: 2, PH: 1, PW: 3, DH: 2, DW: 5 },
];

/** Windows that reach over time. */
export const overTime: readonly Window[] = [
  { KT: 3, KH: 2, KW: 3, SH: 1, SW: 1, PT: 1, PH: 1, PW: 1 },
  { KT: 2, KH: 1, KW: 2, ST: 2, SH: 1, SW: 2, PT: 3, PH: 0, PW: 1 },
  { KT: 1, KH: 2, KW: 2, SH: 1, SW: 1, PH: 0, PW: 1 },
  { KT: 2, KH: 2, KW: 1, ST: 3, SH: 1, SW: 1, PT: 1, PH: 1, PW: 0, DT: 2, DH: 3 },
];

export const showWindow = (window: Window) => {
  const { KT = 1, KH, KW, ST = 1, SH, SW, PT = 0, PH, PW, DT = 1, DH = 1, DW = 1 } = window;
  const time = KT * ST * DT + PT > 1 ? `, in time ${KT} / ${ST} + ${PT} dilated ${DT}` : '';
  return `${KH}x${KW} / ${SH}x${SW} + ${PH}x${PW}${DH * DW > 1 ? ` dilated ${DH}x${DW}` : ''}${time}`;
};

/** Places of a window of `extent` along an axis of `length`. */
export function places(
  length: number,
  extent: number,
  stride: number,
  padding: number,
  dilation = 1,
): number {
  const reach = dilation * (extent - 1) + 1;
  return Math.max(0, Math.floor((length + 2 * padding - reach) / stride) + 1);
}

/** A value under a window at one place: (r, q) of the output, (i, j) of the window, (h, w) of x. */
export interface Tap {
  readonly r: number;
  readonly q: number;
  readonly i: number;
  readonly j: number;
  readonly h: number;
  readonly w: number;
  readonly inside: boolean;
}

/** Every tap of every place, place by place. */
export function* taps(window: Window, H: number, W: number): Generator<Tap> {
  const { KH, KW, SH, SW, PH, PW, DH = 1, DW = 1 } = window;
  for (let r = 0; r < places(H, KH, SH, PH, DH); r++) {
    for (let q = 0; q < places(W, KW, SW, PW, DW); q++) {
      for (let i = 0; i < KH; i++) {
        for (let j = 0; j < KW; j++) {
          const [h, w] = [r * SH + i * DH - PH, q * SW + j * DW - PW];
          yield { r, q, i, j, h, w, inside: h >= 0 && h < H && w >= 0 && w < W };
        }
      }
    }
  }
}

/** A value under a window at one place of a clip: t of the output, k of the window, frame f of x. */
export interface ClipTap extends Tap {
  readonly t: number;
  readonly k: number;
  readonly f: number;
}

/** Every tap of every place over a clip (T, H, W), place by place. */
export function* clipTaps(window: Window, T: number, H: number, W: number): Generator<ClipTap> {
  const { KT = 1, ST = 1, PT = 0, DT = 1 } = window;
  for (let t = 0; t < places(T, KT, ST, PT, DT); t++) {
    for (let k = 0; k < KT; k++) {
      const f = t * ST + k * DT - PT;
      for (const tap of taps(window, H, W)) {
        yield { ...tap, t, k, f, inside: tap.inside && f >= 0 && f < T };
      }
    }
  }
}
