/** What the cases of optical flow share: images in rows with room for whole vectors, of which lists name some. */
import { at, type Setup, type Values } from '@test/engine/conformance.js';

export const images = 2;

/** Elements of a row with room for W pixels. */
export const strideOf = (W: number) => 4 * Math.ceil(W / 4);

/** All rows of the images, or in another order some of them: what a part of a divided call names. */
export const lists = ['all rows', 'some rows'] as const;
export type List = (typeof lists)[number];

/** The numbers of the rows in a list. Their neighbours are named side by side as well as apart. */
export function linesOf(list: List, H: number): Int32Array {
  const all = Int32Array.from({ length: images * H }, (_, i) => i);
  return list === 'all rows' ? all : Int32Array.of(...all.slice(H - 1), ...all.slice(0, 2));
}

/** A row, by its place in the list: its image and its y. */
export interface Row {
  readonly r: number;
  readonly image: number;
  readonly y: number;
}

export function rowsOf(lines: Values, H: number): Row[] {
  return Array.from(lines, (line, r) => ({ r, image: Math.floor(line / H), y: line % H }));
}

/** Flow (images, 2, H, stride) that leads here and there, some of it far outside. */
export function flowOf(s: Setup, H: number): Float32Array | Float64Array {
  const flow = s.floats(images * 2 * H * strideOf(s.n));
  return flow.map((value, i) => 1.5 * value - (i % 11 === 3 ? s.n + 8 : 0));
}

/** u and v at a pixel. */
export function flowAt(flow: Values, s: Setup, H: number, { image, y }: Row, x: number) {
  const stride = strideOf(s.n);
  const place = (2 * image * H + y) * stride + x;
  return [at(flow, place), at(flow, place + H * stride)] as const;
}

/** Makes alike what stands behind the last pixel of each row. */
export function settleRows(values: Values, W: number, stride = strideOf(W)): void {
  for (let i = 0; i < values.length; i++) if (i % stride >= W) values[i] = 0;
}

/** The number of a row or column, or of the nearest one there is. */
export const clamped = (i: number, extent: number) => Math.min(Math.max(0, i), extent - 1);
