/** Labelled pictures as models of pixels see them: as they are, or black and white by a threshold or by chance. */
import { type Random, randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Source } from '../source.js';
import {
  type LabelledPictures,
  type PictureShape,
  pictureInto,
  shapeOf,
} from './labelled-pictures.js';

/**
 * How pixels become 0 or 1: not at all; from half of white on; white with a chance of how bright it is, drawn
 * once (as Larochelle and Murray 2011 did) or anew in each epoch (as Burda et al. 2016 did).
 */
export const binarisations = ['none', 'threshold', 'static', 'dynamic'] as const;
export type Binarisation = (typeof binarisations)[number];

/** Pictures x (N, C, H, W), and labels (N) i32. */
export interface BinarisedBatch {
  readonly x: Tensor;
  readonly labels: Tensor;
}

/** Labelled pictures, black and white. What picture n looks like in epoch e is a pure function of (seed, e, n). */
export class BinarisedPictures implements Source<BinarisedBatch> {
  readonly source: LabelledPictures;
  readonly how: Binarisation;
  readonly seed: number;
  /** (C, H, W). */
  readonly shape: PictureShape;

  constructor(source: LabelledPictures, how: Binarisation = 'none', seed = 0) {
    this.source = source;
    this.how = how;
    this.seed = seed;
    this.shape = shapeOf(source);
  }

  /** Number of pictures. */
  get size(): number {
    return this.source.labels.length;
  }

  /** Pictures in an epoch. */
  batch(indices: ArrayLike<number>, epoch = 0): BinarisedBatch {
    const [channels, height, width] = this.shape;
    const size = channels * height * width;
    const values = new Float32Array(indices.length * size);
    for (let n = 0; n < indices.length; n++) {
      const index = indices[n] ?? 0;
      pictureInto(this.source, index, values, n * size);
      const drawn = this.how === 'dynamic' ? epoch : 0;
      binarise(values.subarray(n * size, (n + 1) * size), this.how, () =>
        randomAt(this.seed, 'binarise', drawn, index),
      );
    }
    const labels = Int32Array.from(indices, (index) => this.source.labels[index] ?? 0);
    return {
      x: tensor(values, { shape: [indices.length, ...this.shape] }),
      labels: tensor(labels, { dtype: 'i32' }),
    };
  }
}

/** Makes the pixels of a picture 0 or 1, in place. @param draw makes what decides where chance does. */
export function binarise(picture: Float32Array, how: Binarisation, draw: () => Random): void {
  if (how === 'none') return;
  if (how === 'threshold') {
    for (let i = 0; i < picture.length; i++) picture[i] = (picture[i] ?? 0) >= 0.5 ? 1 : 0;
    return;
  }
  const random = draw();
  for (let i = 0; i < picture.length; i++) {
    picture[i] = random.uint32() < (picture[i] ?? 0) * 2 ** 32 ? 1 : 0;
  }
}
