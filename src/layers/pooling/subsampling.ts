/** The subsampling of early convolution networks: means that learn a scale and a shift for each map. */
import { ShapeError } from '../../errors.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, multiply } from '../elementwise/arithmetic.js';
import { reshape } from '../indexing/axes.js';
import { type Extent2d, pair } from '../windows.js';
import { averagePool, averagePool3d } from './average-pool.js';

/** The window of a subsampling layer. */
export interface SubsampleOptions {
  /** Extent of the window over an image, or over each frame of a clip. */
  readonly kernel: Extent2d;
  /** Steps between neighbouring windows (default: the kernel, so that windows do not overlap). */
  readonly stride?: Extent2d;
}

/**
 * LeNet's subsampling, an op: the mean of every window, times a coefficient and plus a bias of its map.
 *
 *     y[n, c] = coefficient[c] averagePool(x[n, c]) + bias[c]
 *
 * x (N, C, H, W) or (N, C, T, H, W), whose time is left alone; coefficient (C), bias (C); y (N, C, OH, OW)
 * or (N, C, T, OH, OW). Rows and columns that no window reaches are dropped. What follows is usually tanh.
 * Source: LeCun, Bottou, Bengio and Haffner 1998; Ji, Xu, Yang and Yu 2013.
 * @throws ShapeError when shapes disagree or no window fits; ValueError for bad options.
 */
export function subsample(
  x: Tensor,
  coefficient: Tensor,
  bias: Tensor,
  { kernel, stride = kernel }: SubsampleOptions,
): Tensor {
  const clips = x.shape.length === 5;
  if (!clips && x.shape.length !== 4) {
    throw new ShapeError(
      `subsample: x ${showShape(x.shape)} must have the axes (N, C, H, W) or (N, C, T, H, W)`,
    );
  }
  const time = clips ? (['T'] as const) : ([] as const);
  dimensions('subsample', {
    x: [x, 'N', 'C', ...time, 'H', 'W'],
    coefficient: [coefficient, 'C'],
    bias: [bias, 'C'],
  });
  const window = pair('subsample', 'kernel', kernel, 1);
  const steps = pair('subsample', 'stride', stride, 1);
  const means = clips
    ? averagePool3d(x, { kernel: [1, ...window], stride: [1, ...steps] })
    : averagePool(x, { kernel: window, stride: steps });
  const ofEachMap = (values: Tensor) => reshape(values, [values.size, ...x.shape.slice(2).fill(1)]);
  return add(multiply(means, ofEachMap(coefficient)), ofEachMap(bias));
}
