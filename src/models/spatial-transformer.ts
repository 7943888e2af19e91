/** A spatial transformer: a small network that predicts how a picture is to be resampled. */
import { z } from 'zod';
import type { PictureShape } from '../data/labels/labelled-pictures.js';
import { reshape } from '../layers/indexing/axes.js';
import { scaleTranslation } from '../layers/resampling/affine-maps.js';
import { bilinearSample, bilinearSampleForward } from '../layers/resampling/bilinear-sampler.js';
import { affineGrid, projectiveGrid } from '../layers/resampling/grids.js';
import { controlPoints, thinPlateSplineGrid } from '../layers/resampling/thin-plate-spline.js';
import type { Tensor } from '../tensor/tensor.js';
import { constant, given, type ShapesOf } from './parameters.js';
import { planStack, runStack, type Stack, type StackParameters, stackShapes } from './stack.js';

/** What a transformer may do to a picture: see `gridOf`. */
export const transforms = ['affine', 'attention', 'projective', 'tps'] as const;
export type Transform = (typeof transforms)[number];

/** What predicts the transform: affine layers alone, or convolutions first. */
export const localisations = ['fc', 'conv'] as const;

const positive = z.int().positive();

/** A spatial transformer's configuration, as a model file holds it. */
export const transformerSchema = z.object({
  transform: z
    .enum(transforms)
    .meta({ flag: '--transform <kind>', help: 'what a transformer may do' }),
  localisation: z.enum(localisations).meta({
    flag: '--localisation <kind>',
    help: 'the network that predicts it (default: fc for st-fcn, conv for st-cnn)',
  }),
  /** Rows and columns of what comes out. */
  window: z.tuple([positive, positive]),
  points: z
    .int()
    .min(2)
    .max(16)
    .default(4)
    .meta({
      flag: '--points <count>',
      help: 'control points in each direction',
      needs: { transform: ['tps'] },
    }),
  padding: z
    .enum(['zeros', 'border'])
    .default('zeros')
    .meta({ flag: '--padding <kind>', help: 'what is beside the picture' }),
});
export type TransformerConfig = z.infer<typeof transformerSchema>;

/** A transformer for pictures of one shape. */
export interface Transformer {
  readonly config: TransformerConfig;
  readonly localisation: Stack;
}

/**
 * The localisation network of a transformer. `fc`: two hidden layers of 32 units. `conv`: the picture
 * halved, two convolutions of 20 filters 5 x 5, each pooled, and a hidden layer of 20 units; after
 * Jaderberg et al. 2015, appendix A.
 */
export function planTransformer(config: TransformerConfig, picture: PictureShape): Transformer {
  const outputs = identityOf(config).length;
  const localisation =
    config.localisation === 'fc'
      ? planStack({ picture, convolutions: [], affines: [32, 32, outputs] })
      : planStack({
          picture,
          shrink: true,
          convolutions: [
            [20, 5],
            [20, 5],
          ],
          affines: [20, outputs],
        });
  return { config, localisation };
}

/** Begins as the identity, whatever the picture: the last layer's weights are 0, and its bias is the identity. */
export function transformerShapes({
  config,
  localisation,
}: Transformer): ShapesOf<StackParameters> {
  const shapes = stackShapes(localisation);
  const last = localisation.layers.at(-1);
  if (!last) return shapes;
  return {
    ...shapes,
    [last.name]: { W: constant(last.W), b: given(last.b, () => identityOf(config)) },
  };
}

/**
 * A picture (N, C, H, W) through its own transform: out (N, C, OH, OW), and the places (N, OH, OW, 2) that
 * it was read at.
 * Source: Jaderberg et al. 2015.
 */
export function transformPicture(
  { config, localisation }: Transformer,
  parameters: StackParameters,
  x: Tensor,
): { out: Tensor; grid: Tensor } {
  const grid = gridOf(config, runStack(localisation, parameters, x));
  return { out: bilinearSample(x, grid, { padding: config.padding }), grid };
}

/** The grid of a transform whose numbers (N, E) a localisation network predicts. */
function gridOf({ transform, window, points }: TransformerConfig, raw: Tensor): Tensor {
  const [N = 0] = raw.shape;
  switch (transform) {
    case 'affine':
      return affineGrid(reshape(raw, [N, 2, 3]), window);
    case 'attention':
      return affineGrid(scaleTranslation(raw), window);
    case 'projective':
      return projectiveGrid(raw, window);
    case 'tps':
      return thinPlateSplineGrid(reshape(raw, [N, points, points, 2]), window);
  }
}

/** The numbers that leave a picture as it is. */
function identityOf({ transform, points }: TransformerConfig): number[] {
  switch (transform) {
    case 'affine':
      return [1, 0, 0, 0, 1, 0];
    case 'attention':
      return [1, 0, 0];
    case 'projective':
      return [1, 0, 0, 0, 1, 0, 0, 0];
    case 'tps':
      return [...controlPoints([1, points, points], 'f64').dataSync()];
  }
}

/**
 * Where a second transform reads the picture that the first one was given: the first one's
 * places (N, H, W, 2), read between at those of the second (N, OH, OW, 2).
 */
export function composedGrid(first: Tensor, second: Tensor): Tensor {
  return bilinearSampleForward(first, second, { channelsLast: true, padding: 'border' }).out;
}
