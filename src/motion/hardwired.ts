/** The hardwired layer of Ji et al.: brightness, its gradients and the flow of grey frames, as maps for a network. */
import { z } from 'zod';
import { greyPlane } from '../data/pictures/pixels.js';
import type { Clip } from '../data/video/clip.js';
import { scope } from '../engine/engine.js';
import { ShapeError } from '../errors.js';
import { addForward } from '../layers/elementwise/arithmetic.js';
import { sliceForward } from '../layers/indexing/pieces.js';
import { scaled } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { farnebackPlan, farnebackSchema } from './farneback.js';
import { axisFilter, filterColumns, filterRows, type Share } from './filters.js';
import { hornSchunckPlan, hornSchunckSchema } from './horn-schunck.js';
import {
  asFloats,
  checkPixels,
  type FlowPlan,
  flowLines,
  fullOptions,
  withoutGradient,
} from './pairs.js';

/** Kinds of flow. */
export const flowMethods = ['farneback', 'horn-schunck'] as const;

/** A kind of flow with its options. The defaults of `farneback` are chosen for frames of 60 x 40 here. */
const methodSchema = z.discriminatedUnion('method', [
  farnebackSchema.extend({
    method: z.literal('farneback'),
    smallestSide: farnebackSchema.shape.smallestSide.unwrap().default(12),
    winSize: farnebackSchema.shape.winSize.unwrap().default(9),
    iterations: farnebackSchema.shape.iterations.unwrap().default(5),
  }),
  hornSchunckSchema.extend({ method: z.literal('horn-schunck') }),
]);

const positive = z.number().positive();

/** The options of the hardwired layer: what the paper leaves open. */
export const hardwiredSchema = z.strictObject({
  /** `central`: half the difference of both neighbours. `sobel`: the same, averaged over three lines by 1, 2, 1. */
  gradient: z.enum(['central', 'sobel']).default('central').meta({
    flag: '--gradient <filter>',
    help: 'central or sobel: what the gradients of frames are',
  }),
  /** A method's name, or an object of it and its options. */
  flow: z
    .union([
      z.enum(flowMethods).transform((method) => methodSchema.parse({ method })),
      methodSchema,
    ])
    .prefault('farneback')
    .meta({ flag: '--flow <method>', help: 'farneback or horn-schunck: how motion is found' }),
  /** The value of white in the frames, that of black being 0. */
  white: positive.default(255),
  /** Pixels a frame that count 1 in the maps of the flow. */
  flowUnit: positive.default(2),
});

export type HardwiredOptions = z.input<typeof hardwiredSchema>;

/** The five channels of a hardwired layer. */
export interface HardwiredChannels {
  /** From -1, black, to 1, white. T maps. */
  readonly grey: Tensor;
  /** How grey changes from a pixel to the next one on the right: from -1 to 1. T maps. */
  readonly gradientX: Tensor;
  /** The same to the next one below. */
  readonly gradientY: Tensor;
  /** Motion to the right between a frame and the next one, in units of `flowUnit` pixels. T - 1 maps. */
  readonly flowX: Tensor;
  /** The same downwards. */
  readonly flowY: Tensor;
}

/**
 * What a person would draw from frames before learning begins: grey, its gradients along x (to the right) and y
 * (downwards), and the optical flow between neighbouring frames along x and y:
 *
 *     grey = 2 I / white - 1
 *     gradientX = (I(x + 1, y) - I(x - 1, y)) / white,   at an edge with the last pixel in the place of the missing one
 *     (flowX, flowY) = flow(I(t), I(t + 1)) / flowUnit
 *
 * frames (N, 1, T, H, W), or (T, H, W) of a single clip, bytes or floats; five tensors (N, 1, T', H, W) or
 * (T', H, W), of T maps each of grey and gradients and T - 1 of the flows: of 7 frames 33 maps. The maps of a
 * window of frames are those of the whole clip, so that a clip's are computed once and windows are slices of them.
 * A constant transformation of the data: frames have no gradient.
 *
 * The paper leaves open which filter, which flow and what scale. Central differences and Farneback's flow with a
 * window of 9 are chosen here: unlike Horn and Schunck's it leaves a background without texture still. 2 pixels a
 * frame are a large motion in frames of 60 x 40, so that all channels are about from -1 to 1.
 *
 * Source: Ji, Xu, Yang and Yu 2010 (ICML) and 2013 (PAMI), "3D convolutional neural networks for human action
 * recognition", section 3.
 * @throws ValueError for a bad option; ShapeError for frames with other axes, or without pixels.
 */
export function hardwired(frames: Tensor, options: HardwiredOptions = {}): HardwiredChannels {
  const full = fullOptions('hardwired', hardwiredSchema, options);
  using work = scope();
  const { N, T, H, W } = extentsOf(frames);
  checkPixels('hardwired', H, W);
  const x = asFloats(frames).view(N * T, H, W);
  const { white, flowUnit } = full;
  const plan = planOf(full.flow);
  const pairs = Math.max(0, T - 1);
  const perClip = (maps: Tensor, count: number) =>
    maps.view(...(frames.shape.length === 3 ? [count, H, W] : [N, 1, count, H, W]));
  const smooth = full.gradient === 'sobel';
  const brightness = scaled(x, 1 / white);
  const flow = flowOfFrames(x.view(N, T, H, W), 255 / white, plan);
  const along = (axis: 0 | 1) => scaled(sliceForward(flow, 2, axis, axis + 1).out, 1 / flowUnit);
  const channels = {
    grey: perClip(addForward(scaled(x, 2 / white), -1).out, T),
    gradientX: perClip(gradient(brightness, 'x', smooth), T),
    gradientY: perClip(gradient(brightness, 'y', smooth), T),
    flowX: perClip(along(0), pairs),
    flowY: perClip(along(1), pairs),
  };
  withoutGradient('hardwired', [frames], Object.values(channels));
  return work.keep(channels);
}

/**
 * The five channels of a whole clip side by side: (5, T, H, W) grey, gradient x, gradient y, flow x and flow y. The
 * last frame has no flow: there it is 0. Colours are weighed as ITU-R BT.601 says.
 * @throws ValueError for a bad option; ShapeError for a clip without pixels.
 */
export function hardwiredMaps(clip: Clip, options: HardwiredOptions = {}): Float32Array {
  using _work = scope();
  const { width: W, height: H, times } = clip;
  const T = times.length;
  const frames = tensor(greyOf(clip), { shape: [T, H, W] });
  const maps = new Float32Array(5 * T * H * W);
  for (const [c, channel] of Object.values(hardwired(frames, options)).entries()) {
    maps.set(channel.dataSync(), c * T * H * W);
  }
  return maps;
}

/** The brightness of each pixel. */
function greyOf({ values, channels }: Clip): Uint8Array {
  return channels === 1 ? values : greyPlane({ data: values });
}

function extentsOf(frames: Tensor): { N: number; T: number; H: number; W: number } {
  if (frames.shape.length === 3) {
    return { N: 1, ...dimensions('hardwired', { frames: [frames, 'T', 'H', 'W'] }) };
  }
  const { C, ...extents } = dimensions('hardwired', { frames: [frames, 'N', 'C', 'T', 'H', 'W'] });
  if (C === 1) return extents;
  throw new ShapeError(
    `hardwired: frames ${showShape(frames.shape)} must be grey, (N, 1, T, H, W), not of ${C} channels`,
  );
}

/** Half the difference of a pixel's neighbours along x or y. */
function gradient(x: Tensor, along: 'x' | 'y', smooth: boolean): Tensor {
  const [, H = 0, W = 0] = x.shape;
  const [across, down] = [W, H].map((I, axis) => {
    const weights = (axis === 0) === (along === 'x') ? [-1, 0, 1] : [1 / 4, 1 / 2, 1 / 4];
    return axisFilter(x.float, I, I, (o) =>
      weights.map((weight, k): Share => [Math.min(Math.max(0, o + k - 1), I - 1), weight]),
    );
  });
  const inX = across && (along === 'x' || smooth) ? filterColumns(x, across) : x;
  return down && (along === 'y' || smooth) ? filterRows(inX, down) : inX;
}

/** The flow from each frame to the next one: frames (N, T, H, W), out (N (T - 1), H, 2, W). */
function flowOfFrames(frames: Tensor, factor: number, plan: FlowPlan): Tensor {
  const [N = 0, T = 0, H = 0, W = 0] = frames.shape;
  const pairs = Math.max(0, T - 1);
  if (N * pairs === 0) return empty(frames.dtype, [0, H, 2, W]);
  const x = factor === 1 ? frames : scaled(frames, factor);
  const [previous, next] = [sliceForward(x, 1, 0, pairs).out, sliceForward(x, 1, 1).out];
  return flowLines(previous.view(N * pairs, H, W), next.view(N * pairs, H, W), plan);
}

function planOf(flow: z.output<typeof methodSchema>): FlowPlan {
  if (flow.method === 'farneback') return farnebackPlan(flow);
  return hornSchunckPlan(flow);
}
