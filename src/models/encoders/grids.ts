/** Grids of features: their order of axes, and what of an encoder a captioner takes. */
import { ShapeError, ValueError } from '../../errors.js';
import type { Encoder } from './encoder.js';

/** A grid of features as encoders return it. */
export type GridShape = readonly [C: number, H: number, W: number];

/** The grid's places that a captioner attends to; undefined for one that takes vectors. */
export function locationsOf({
  attention,
}: {
  readonly attention?: { readonly locations: readonly [H: number, W: number] } | undefined;
}): readonly [H: number, W: number] | undefined {
  return attention?.locations;
}

/**
 * Grids (N, C, H, W), as encoders return them, to (N, L, C), as attention takes them: a place's
 * features lie together, L = H W places row by row.
 *
 * @param out written from `offset` on.
 * @throws ShapeError when `grids` holds no whole number of grids or `out` has too little room.
 */
export function channelsLast(
  grids: Float32Array,
  [C, H, W]: GridShape,
  out: Float32Array = new Float32Array(grids.length),
  offset = 0,
): Float32Array {
  const L = H * W;
  const size = C * L;
  if (size === 0 || grids.length % size !== 0 || offset + grids.length > out.length) {
    throw new ShapeError(
      `${grids.length} values at ${offset} of ${out.length} are no whole number of grids (${C}, ${H}, ${W})`,
    );
  }
  for (let start = 0; start < grids.length; start += size) {
    let from = start;
    for (let c = 0; c < C; c++) {
      let to = offset + start + c;
      for (let l = 0; l < L; l++) {
        out[to] = grids[from++] ?? 0;
        to += C;
      }
    }
  }
  return out;
}

/** What a captioner takes of an encoder: its vector (D), or its grid (L, C). */
export interface View {
  /** Shape of a photo's input. */
  readonly shape: readonly number[];
  /** The grid's places, when it is one. */
  readonly locations: readonly [H: number, W: number] | undefined;
  /** N photos as `Encoder.encode` takes them to their inputs (N, ...shape). */
  encode(batch: Float32Array, N: number): Promise<Float32Array>;
}

/**
 * An encoder as captioners need it: of vectors, or of grids with the channels last.
 * @throws ValueError when a grid is asked for and the encoder has none.
 */
export function viewThrough(encoder: Encoder, { grid = false } = {}): View {
  const { pooled, grid: shape } = encoder.outputs;
  if (!grid) {
    return {
      shape: [pooled],
      locations: undefined,
      encode: async (batch, N) => (await encoder.encode(batch, N)).pooled,
    };
  }
  if (!shape) throw new ValueError(`${encoder.name} has vectors only; attention needs its grid`);
  const [C, H, W] = shape;
  return {
    shape: [H * W, C],
    locations: [H, W],
    async encode(batch, N) {
      const { grid: grids = new Float32Array(0) } = await encoder.encode(batch, N, { grid: true });
      return channelsLast(grids, shape);
    },
  };
}
