/** Labelled pictures that are distorted anew in each epoch, with the box around what is drawn. */

import { scope } from '../../engine/engine.js';
import { bilinearSampleForward } from '../../layers/resampling/bilinear-sampler.js';
import { affineGridForward, projectiveGridForward } from '../../layers/resampling/grids.js';
import { thinPlateSplineGridForward } from '../../layers/resampling/thin-plate-spline.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Box } from '../pictures/pixels.js';
import type { Source } from '../source.js';
import {
  affineOf,
  type Clutter,
  type Distortion,
  distortedExtent,
  distortionRandom,
  drawClutter,
  drawCorners,
  drawRotation,
  drawSimilarity,
  drawSpline,
  type Extent,
  projectionOf,
  SPLINE_POINTS,
} from './distortions.js';
import { type LabelledPictures, type PictureShape, pictureInto } from './labelled-pictures.js';

/** Ink: what is at least this bright belongs to the digit. */
const INK = 0.25;

/** Pictures (N, C, H, W), and the box around what is drawn in each: see `DistortedPictures.batch`. */
export interface DistortedBatch {
  readonly x: Tensor;
  readonly boxes: readonly (Box | undefined)[];
}

/**
 * Labelled pictures as a network sees them in some epoch: distorted on the fly. What picture n looks
 * like in epoch e is a pure function of (seed, e, n).
 */
export class DistortedPictures implements Source<DistortedBatch> {
  readonly source: LabelledPictures;
  readonly kind: Distortion;
  readonly seed: number;
  /** (C, H, W) of what comes out. */
  readonly shape: PictureShape;

  constructor(source: LabelledPictures, kind: Distortion = 'none', seed = 0) {
    this.source = source;
    this.kind = kind;
    this.seed = seed;
    this.shape = [source.channels, ...distortedExtent(kind, [source.height, source.width])];
  }

  /** Number of pictures. */
  get size(): number {
    return this.source.labels.length;
  }

  /**
   * Pictures (N, C, H, W) in an epoch, and the box around what is drawn in each before clutter comes
   * beside it: undefined for a picture without anything brighter than a quarter of white, and for all that
   * are not distorted, of which nobody knows what is the digit and what lies around it.
   */
  batch(indices: ArrayLike<number>, epoch = 0): DistortedBatch {
    using work = scope();
    const [, H, W] = this.shape;
    const plain = this.#plain(indices);
    if (this.kind === 'TC') {
      const { values, boxes } = this.#cluttered(indices, epoch);
      return { x: work.keep(tensor(values, { shape: [indices.length, ...this.shape] })), boxes };
    }
    const grid = this.#grid(indices, epoch);
    if (!grid) return { x: work.keep(plain), boxes: Array.from(indices, () => undefined) };
    const x = bilinearSampleForward(plain, grid).out;
    const size = this.shape[0] * H * W;
    const values = x.dataSync();
    const boxes = Array.from(indices, (_, n) =>
      inkBox(values.subarray(n * size, (n + 1) * size), [H, W]),
    );
    return { x: work.keep(x), boxes };
  }

  #plain(indices: ArrayLike<number>): Tensor {
    const { channels, height, width } = this.source;
    const size = channels * height * width;
    const values = new Float32Array(indices.length * size);
    for (let n = 0; n < indices.length; n++) {
      pictureInto(this.source, indices[n] ?? 0, values, n * size);
    }
    return tensor(values, { shape: [indices.length, channels, height, width] });
  }

  /** Where each place of the new pictures comes from; undefined for pictures that stay. */
  #grid(indices: ArrayLike<number>, epoch: number): Tensor | undefined {
    const from: Extent = [this.source.height, this.source.width];
    const to: Extent = [this.shape[1], this.shape[2]];
    const N = indices.length;
    const each = (
      draw: (random: ReturnType<typeof distortionRandom>) => number[],
      ...shape: number[]
    ) =>
      tensor(
        Array.from(indices, (index) => draw(distortionRandom(this.seed, epoch, index))).flat(),
        { shape: [N, ...shape] },
      );
    switch (this.kind) {
      case 'R':
        return affineGridForward(
          each((random) => affineOf(drawRotation(random), from, to), 2, 3),
          to,
        ).grid;
      case 'RTS':
        return affineGridForward(
          each((random) => affineOf(drawSimilarity(random, from, to), from, to), 2, 3),
          to,
        ).grid;
      case 'P':
        return projectiveGridForward(
          each((random) => projectionOf(drawCorners(random)), 8),
          to,
        ).grid;
      case 'E':
        return thinPlateSplineGridForward(each(drawSpline, SPLINE_POINTS, SPLINE_POINTS, 2), to)
          .grid;
      case 'none':
      case 'TC':
        return undefined;
    }
  }

  #cluttered(indices: ArrayLike<number>, epoch: number) {
    const { height, width, channels } = this.source;
    const [, H, W] = this.shape;
    const size = channels * H * W;
    const values = new Float32Array(indices.length * size);
    const one = new Float32Array(channels * height * width);
    const boxes = Array.from(indices, (index, n) => {
      const canvas = values.subarray(n * size, (n + 1) * size);
      const clutter = drawClutter(distortionRandom(this.seed, epoch, index), {
        count: this.size,
        own: index,
        from: [height, width],
        to: [H, W],
      });
      pictureInto(this.source, index, one);
      const whole = {
        from: [0, 0],
        to: [clutter.left, clutter.top],
        size: [height, width],
      } as const;
      this.#paste(one, canvas, whole);
      const box = inkBox(canvas, [H, W]);
      this.#addPatches(clutter, one, canvas);
      return box;
    });
    return { values, boxes };
  }

  #addPatches({ patches, size }: Clutter, one: Float32Array, canvas: Float32Array): void {
    for (const { index, from, to } of patches) {
      pictureInto(this.source, index, one);
      this.#paste(one, canvas, { from, to, size });
    }
  }

  /** Lays a rectangle of a picture over the canvas: the brighter of the two is seen. */
  #paste(
    one: Float32Array,
    canvas: Float32Array,
    {
      from,
      to,
      size,
    }: { from: readonly [number, number]; to: readonly [number, number]; size: Extent },
  ): void {
    const { height, width, channels } = this.source;
    const [, H, W] = this.shape;
    for (let c = 0; c < channels; c++) {
      for (let row = 0; row < size[0]; row++) {
        const source = (c * height + from[1] + row) * width + from[0];
        const target = (c * H + to[1] + row) * W + to[0];
        for (let i = 0; i < size[1]; i++) {
          canvas[target + i] = Math.max(canvas[target + i] ?? 0, one[source + i] ?? 0);
        }
      }
    }
  }
}

/** The rectangle around all ink of planes (C, H, W): from the edges of pixels to their edges. */
export function inkBox(values: ArrayLike<number>, [H, W]: Extent): Box | undefined {
  let [left, top, right, bottom] = [W, H, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!((values[i] ?? 0) >= INK)) continue;
    const x = i % W;
    const y = Math.floor(i / W) % H;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return right > left ? { left, top, right, bottom } : undefined;
}
