/** How clips are changed in each epoch of training, so that a network does not learn them by heart. */

import type { SequenceScale } from '../../data/video/sequence-scale.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { bilinearSampleForward } from '../../layers/resampling/bilinear-sampler.js';
import { affineGridForward } from '../../layers/resampling/grids.js';
import type { Random } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { VideoClassifierRecipe } from './recipe.js';

/** What is changed, and by how much: see the recipe. */
export type ClipChanges = Pick<
  VideoClassifierRecipe,
  'seed' | 'shift' | 'zoom' | 'stretch' | 'bend' | 'flip' | 'noise' | 'turn' | 'trim'
>;

/** What is changed, and by which random numbers: one generator for each clip. */
export interface DrawnChanges {
  readonly changes: ClipChanges;
  readonly randoms: readonly Random[];
}

/**
 * @param points coordinates of a point of sequences that are points; undefined for other sequences.
 * @throws UsageError for changes that would do nothing to what a network sees
 */
export function refuseIdleChanges(
  { flip, bend, turn, noise }: ClipChanges,
  { isSequence, points }: { readonly isSequence: boolean; readonly points: number | undefined },
): void {
  const idle = isSequence
    ? (flip && ['--flip', 'mirrors frames']) ||
      (bend > 0 && ['--bend', 'moves places of frames']) ||
      (turn > 0 && points !== 3 && ['--turn', 'turns frames, or points in space (--points 3)'])
    : noise > 0 && ['--noise', 'is added to sequences'];
  if (!idle) return;
  const [flag, does] = idle;
  throw new UsageError(
    `${flag} ${does}, but this network sees ${isSequence ? 'sequences of numbers' : 'frames'}: leave it out`,
  );
}

/** A number from -most to most. */
function within(random: Random, most: number): number {
  return most * (2 * random.uniform() - 1);
}

/** The steps (T, D) of one sequence, made larger, moved, turned and noisy; `n` is its place in the batch. */
export function changeSequence(
  values: Float32Array,
  scale: SequenceScale | undefined,
  { changes: { shift, zoom, stretch, noise, turn }, randoms }: DrawnChanges,
  n: number,
): void {
  const random = randoms[n];
  if (!random) return;
  const { deviation = 1, points = 1 } = scale ?? {};
  const size = Math.exp(within(random, Math.log1p(zoom)));
  const angle = (within(random, turn) * Math.PI) / 180;
  const moved = Float64Array.from({ length: points }, () => within(random, shift) * deviation);
  const sizes = moved.map(() =>
    stretch > 0 ? size * Math.exp(within(random, Math.log1p(stretch))) : size,
  );
  if (points === 3 && angle !== 0) turnUpright(values, angle);
  for (const [i, value] of values.entries()) {
    const drawn = noise > 0 ? noise * deviation * random.normal() : 0;
    const axis = i % points;
    values[i] = value * (sizes[axis] ?? 1) + (moved[axis] ?? 0) + drawn;
  }
}

/** Points (x, y, z) turned about the axis of y. */
function turnUpright(values: Float32Array, angle: number): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i + 2 < values.length; i += 3) {
    const [x = 0, , z = 0] = values.subarray(i, i + 3);
    values[i] = cos * x + sin * z;
    values[i + 2] = cos * z - sin * x;
  }
}

/** Frames (N, C, T, H, W) moved, zoomed, stretched, turned, bent and mirrored, all of a clip alike. */
export function changeFrames(x: Tensor, { changes, randoms }: DrawnChanges): Tensor {
  const { shift, zoom, stretch, bend, flip, turn } = changes;
  if (!flip && [shift, zoom, stretch, bend, turn].every((most) => most === 0)) return x;
  const [N = 0, C = 0, T = 0, H = 0, W = 0] = x.shape;
  // A place of the new frame is looked up at scale times it, plus the shift; -1 and 1 are the edges.
  const maps = randoms.flatMap((random) => {
    const scale = Math.exp(-within(random, Math.log1p(zoom)));
    const [right, down] = [2 * within(random, shift), 2 * within(random, shift)];
    const mirror = flip && random.uniform() < 0.5 ? -1 : 1;
    const wider = Math.exp(within(random, Math.log1p(stretch)));
    const angle = (within(random, turn) * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const [across, along] = [mirror * scale * wider, scale];
    // A turn keeps lengths in pixels, not in shares of the sides.
    return [across * cos, (-across * sin * H) / W, right, (along * sin * W) / H, along * cos, down];
  });
  using work = scope();
  const { grid } = affineGridForward(tensor(maps, { shape: [N, 2, 3] }), [H, W]);
  if (bend > 0) bendGrid(grid, bend, randoms);
  const frames = x.view(N, C * T, H, W);
  const { out } = bilinearSampleForward(frames, grid, { padding: 'border' });
  return work.keep(out.view(N, C, T, H, W));
}

/** Waves along each axis of a bend: from none to one and a half. */
const WAVES = 4;

/**
 * Adds to the places (N, H, W, 2) of each clip a smooth random field, an elastic deformation as in Simard et al. 2003:
 *
 *     d(u, v) = bend · 2 · Σ a_kl cos(π k u) cos(π l v) / √(WAVES² - 1),   a_kl normal, k and l from 0 to 3, not both 0
 *
 * u and v go from 0 to 1 over the frame. A place moves by about `bend` of the side.
 */
function bendGrid(grid: Tensor, bend: number, randoms: readonly Random[]): void {
  const [, H = 0, W = 0] = grid.shape;
  const places = Float32Array.from(grid.dataSync());
  const [along, across] = [cosines(H), cosines(W)];
  const amplitude = (2 * bend * 2) / Math.sqrt(WAVES ** 2 - 1);
  for (const [n, random] of randoms.entries()) {
    for (const axis of [0, 1]) {
      const a = Float64Array.from({ length: WAVES ** 2 }, (_, i) =>
        i === 0 ? 0 : amplitude * random.normal(),
      );
      const row = new Float64Array(WAVES);
      for (let y = 0; y < H; y++) {
        for (let k = 0; k < WAVES; k++) row[k] = sumOfWaves(a, k * WAVES, along, y * WAVES);
        for (let x = 0; x < W; x++) {
          const at = ((n * H + y) * W + x) * 2 + axis;
          places[at] = (places[at] ?? 0) + sumOfWaves(row, 0, across, x * WAVES);
        }
      }
    }
  }
  grid.assign(places);
}

function sumOfWaves(a: Float64Array, first: number, waves: Float64Array, at: number): number {
  let sum = 0;
  for (let k = 0; k < WAVES; k++) sum += (a[first + k] ?? 0) * (waves[at + k] ?? 0);
  return sum;
}

/** cos(π k (i + 1/2) / count), (count, WAVES). */
function cosines(count: number): Float64Array {
  return Float64Array.from({ length: count * WAVES }, (_, at) => {
    const [i, k] = [Math.floor(at / WAVES), at % WAVES];
    return Math.cos((Math.PI * k * (i + 0.5)) / count);
  });
}
