/** C3D: stages of 3 x 3 x 3 convolutions and pooling, then affine layers. */
import { z } from 'zod';
import { affine } from '../../layers/dense.js';
import { relu } from '../../layers/elementwise/activations.js';
import { flatten } from '../../layers/indexing/axes.js';
import { globalAveragePool } from '../../layers/pooling/average-pool.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';
import type { ClipNetwork, ClipShape } from './network.js';
import { planStages } from './stages.js';

const positive = z.int().positive();
const needs = { model: ['c3d'] };

/** What a network of this kind is made of. */
export const c3dSchema = z.object({
  /** Filters of the first stage; each later one has twice as many, up to eight times. */
  width: positive.default(64),
  /** Convolutions of each stage; pooling follows each. */
  convolutions: z
    .array(positive)
    .min(1)
    .max(8)
    .readonly()
    .default([1, 1, 2, 2, 2])
    .meta({ flag: '--convolutions <list>', help: 'of each stage; pooling follows', needs }),
  norm: z
    .enum(['batch', 'none'])
    .default('batch')
    .meta({ flag: '--norm <kind>', help: 'behind each convolution; the paper has none', needs }),
  /** Units of the affine layers before the last. */
  hidden: z.array(positive).max(4).readonly().default([]).meta({
    flag: '--hidden-layers <list>',
    help: 'units of affine layers, 4096,4096 in the paper (default: none, the mean over all places)',
    needs,
  }),
});
export type C3dConfig = z.output<typeof c3dSchema>;

/**
 * C3D (Tran et al. 2015, arXiv:1412.0767) for clips (N, C, T, H, W) of any size: the first pooling leaves time alone,
 * each later one halves all three, rounded up. With width 64, no norm, hidden layers of 4096 and 4096 units and clips
 * (3, 16, 112, 112) it is the paper's network. Without hidden layers the mean over all places is scored, so that few
 * clips are enough to learn from.
 */
export function planC3d(
  { width, convolutions, norm, hidden }: C3dConfig,
  clip: ClipShape,
  classes: number,
): ClipNetwork {
  const filters = convolutions.map((_, stage) => width * Math.min(8, 2 ** stage));
  const stages = planStages({ filters, convolutions, norm, time: true }, clip);
  const [F, T, H, W] = stages.maps;
  const sizes = [...hidden, classes];
  const inputs = hidden.length > 0 ? F * T * H * W : F;
  const affines = sizes.map((outputs, i): [string, ShapeTree] => {
    const D = i === 0 ? inputs : (sizes[i - 1] ?? inputs);
    const deviation = i === hidden.length ? 0.1 / Math.sqrt(D) : Math.sqrt(2 / D);
    return [`affine${i + 1}`, { W: normal([D, outputs], deviation), b: constant([outputs]) }];
  });
  return {
    shapes: { ...stages.shapes, ...Object.fromEntries(affines) },
    state: stages.state,
    scores(parameters, state, { x }, mode) {
      const maps = stages.run(parameters, state, x, mode);
      const features = hidden.length > 0 ? flatten(maps) : globalAveragePool(maps);
      const scores = affines.reduce((seen, [name], i) => {
        const { W, b } = named(subtree(parameters, name), 'W', 'b');
        const out = affine(mode.drop(seen), W, b);
        return i < hidden.length ? relu(out) : out;
      }, features);
      return { scores };
    },
  };
}
