/** Recurrent networks over the frames of a clip, or over what is known of each of its steps. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { affine, temporalAffine } from '../../layers/dense.js';
import { relu, tanh } from '../../layers/elementwise/activations.js';
import { flatten, reshape, transpose } from '../../layers/indexing/axes.js';
import { gather } from '../../layers/indexing/gather.js';
import { concat } from '../../layers/indexing/pieces.js';
import { attentionPool, meanOverTime } from '../../layers/sequences.js';
import { tensor, zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cells } from '../captioner-config.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';
import type { ClipBatch, ClipMode, ClipNetwork, ClipShape } from './network.js';
import { recurrentLayerShapes, runRecurrentLayer } from './recurrent-layer.js';
import { planStages, type Stages } from './stages.js';

const positive = z.int().positive();
const needs = { model: ['lrcn'] };

/** What a network of this kind is made of. */
export const lrcnSchema = z.object({
  cell: z
    .enum(cells)
    .default('lstm')
    .meta({ flag: '--cell <kind>', help: 'recurrent cell', needs }),
  hidden: positive
    .default(256)
    .meta({ flag: '--hidden <size>', help: 'length of the hidden state', needs }),
  layers: positive
    .max(16)
    .default(1)
    .meta({ flag: '--layers <count>', help: 'recurrent layers, one upon the other', needs }),
  bothDirections: z
    .boolean()
    .default(false)
    .meta({ flag: '--both-directions', help: 'read each clip forward and backward', needs }),
  pooling: z.enum(['mean', 'attention']).default('mean').meta({
    flag: '--pooling <kind>',
    help: 'mean of the scores of all steps, or a learned weight for each step',
    needs,
  }),
  filters: z
    .array(positive)
    .min(1)
    .max(8)
    .readonly()
    .default([16, 32, 64])
    .meta({ flag: '--filters <list>', help: 'of the cnn that sees each frame', needs }),
  features: positive
    .default(128)
    .meta({ flag: '--frame-features <size>', help: 'that the cnn makes of a frame', needs }),
});
export type LrcnConfig = z.output<typeof lrcnSchema>;

/**
 * Long-term recurrent convolutional network (Donahue et al. 2015) for clips (N, C, T, H, W): a small cnn makes
 * features of every frame, a recurrent layer reads them, every step scores the classes, and the scores are averaged
 * over time, or weighed by attention (softmax of v . tanh(h W + b) over the steps).
 * @param input the extents of clips; or D, for sequences (N, T, D), which are read without a cnn.
 */
export function planLrcn(
  config: LrcnConfig,
  input: ClipShape | number,
  classes: number,
): ClipNetwork {
  const { cell, hidden, layers, bothDirections, pooling, features } = config;
  const frames = typeof input === 'number' ? undefined : framesNetwork(config, input);
  const H = hidden * (bothDirections ? 2 : 1);
  const recurrent = Array.from({ length: layers }, (_, layer) => {
    const D = layer > 0 ? H : frames ? features : Number(input);
    const shapes = recurrentLayerShapes({ cell, D, H: hidden, bothDirections });
    return [`layer${layer + 1}`, shapes] as const;
  });
  return {
    shapes: {
      ...frames?.shapes,
      ...Object.fromEntries(recurrent),
      ...(pooling === 'attention' && {
        attention: {
          W: normal([H, hidden], 1 / Math.sqrt(H)),
          b: constant([hidden]),
          v: normal([hidden, 1], 1 / Math.sqrt(hidden)),
        },
      }),
      scores: { W: normal([H, classes], 0.1 / Math.sqrt(H)), b: constant([classes]) },
    },
    state: frames?.state ?? {},
    scores(parameters, state, { x, lengths }, mode) {
      const seen = frames ? frames.run(parameters, state, { x, lengths }, mode) : x;
      const h = recurrent.reduce(
        (inputs, [name]) =>
          runRecurrentLayer(cell, subtree(parameters, name), mode.drop(inputs), { lengths }),
        seen,
      );
      const { W, b } = named(subtree(parameters, 'scores'), 'W', 'b');
      const steps = temporalAffine(mode.drop(h), W, b);
      if (pooling === 'mean') return { steps, scores: meanOverTime(steps, lengths) };
      const [N = 0, T = 0] = h.shape;
      const attend = named(subtree(parameters, 'attention'), 'W', 'b', 'v');
      const seenBy = tanh(temporalAffine(h, attend.W, attend.b));
      const importance = reshape(temporalAffine(seenBy, attend.v, zeros([1], h.float)), [N, T]);
      const { out, weights } = attentionPool(steps, importance, lengths);
      return { steps, scores: out, weights };
    },
  };
}

/** What makes the features (N, T, D) of frames (N, C, T, H, W). */
interface FramesNetwork extends Pick<Stages, 'shapes' | 'state'> {
  run(parameters: TensorTree, state: TensorTree, clips: ClipBatch, mode: ClipMode): Tensor;
}

/**
 * The cnn: stages of one convolution, then an affine layer with relu. It sees only the frames that count, each as a
 * clip of its own, so that padding never enters a batch's statistics; the features of padding are 0.
 */
function framesNetwork({ filters, features }: LrcnConfig, [C, , H, W]: ClipShape): FramesNetwork {
  const convolutions = filters.map(() => 1);
  const options = { filters, convolutions, norm: 'batch', time: false } as const;
  const stages = planStages(options, [C, 1, H, W]);
  const D = stages.maps.reduce((product, extent) => product * extent, 1);
  const shapes: ShapeTree = {
    ...stages.shapes,
    frame: { W: normal([D, features], Math.sqrt(2 / D)), b: constant([features]) },
  };
  return {
    shapes,
    state: stages.state,
    run(parameters, state, { x, lengths }, mode) {
      const [N = 0, , T = 0] = x.shape;
      const frames = reshape(transpose(x, [0, 2, 1, 3, 4]), [N * T, C, 1, H, W]);
      const counting = placesThatCount(N, T, lengths);
      const seen = lengths ? gather(frames, counting.places) : frames;
      const maps = flatten(stages.run(parameters, state, seen, mode));
      const { W: weights, b } = named(subtree(parameters, 'frame'), 'W', 'b');
      const rows = relu(affine(mode.drop(maps), weights, b));
      if (!lengths) return reshape(rows, [N, T, features]);
      const padded = concat([rows, zeros([1, features], rows.float)], 0);
      return reshape(gather(padded, counting.rows), [N, T, features]);
    },
  };
}

/** Which of N T steps count, and for each step which of these it is: one more than the last for padding. */
function placesThatCount(N: number, T: number, lengths: ArrayLike<number> | undefined) {
  const places: number[] = [];
  const rows = Int32Array.from({ length: N * T }, (_, place) => {
    const counts = place % T < (lengths?.[Math.floor(place / T)] ?? T);
    return counts ? places.push(place) - 1 : -1;
  }).map((row) => (row < 0 ? places.length : row));
  return {
    places: tensor(places, { dtype: 'i32' }),
    rows: tensor(rows, { dtype: 'i32' }),
  };
}
