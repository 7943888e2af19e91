import type { TensorTree } from '../autograd/tree.js';
import type { FloatDType } from '../engine/blas.js';
import { concat } from '../layers/indexing/pieces.js';
import type { Random } from '../random.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ClassifierPlan } from './classifier-config.js';
import { initialSqueezenet, runSqueezenet } from './encoders/squeezenet.js';
import { drawParameters, type ParameterMaker } from './parameter-maker.js';
import { composedGrid, initialTransformer, transformPicture } from './spatial-transformer.js';
import { initialStack, runStack, type StackDropout, type StackParameters } from './stack.js';

/** A classifier's parameters: `transformer1`, ..., and the network that sees what these make. */
export interface ClassifierParameters extends TensorTree {
  readonly transformers: { readonly [name: string]: StackParameters };
  readonly network: StackParameters;
}

/**
 * Fresh parameters: transformers begin as the identity, scores near 0, so that the loss is log K.
 * @throws OutOfMemoryError before anything is drawn, when there is no room for them.
 */
export function initialClassifier(
  plan: ClassifierPlan,
  random: Random,
  dtype: FloatDType = 'f32',
): ClassifierParameters {
  return drawParameters((maker) => classifierParameters(plan, maker), random, dtype);
}

/** The parameters of a plan as `maker` makes them. */
export function classifierParameters(
  { config, transformers, network }: ClassifierPlan,
  maker: ParameterMaker,
): ClassifierParameters {
  return {
    transformers: Object.fromEntries(
      transformers.map((one, i) => [nameOf(i), initialTransformer(one, maker)]),
    ),
    network:
      network === 'squeezenet'
        ? initialSqueezenet(config.classes, maker)
        : initialStack(network, maker),
  };
}

/** What a classifier says about pictures, and what it looked at. */
export interface Classified {
  /** (N, K). */
  readonly scores: Tensor;
  /** What each transformer made: (N, C, OH, OW). */
  readonly views: readonly Tensor[];
  /** The places that each of them was read at, in the coordinates of what its transformer was given. */
  readonly grids: readonly Tensor[];
}

/**
 * Scores of pictures x (N, C, H, W) for K classes: a function of ops. Transformers in sequence each see
 * what the one before made and the network what the last made; in parallel all see the picture, and the
 * network sees all that they make.
 */
export function classify(
  { config, transformers, network }: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
  drop?: StackDropout,
): Classified {
  const views: Tensor[] = [];
  const grids: Tensor[] = [];
  for (const [i, transformer] of transformers.entries()) {
    const seen = config.arrangement === 'parallel' ? x : (views.at(-1) ?? x);
    const { out, grid } = transformPicture(
      transformer,
      parameters.transformers[nameOf(i)] ?? {},
      seen,
    );
    views.push(out);
    grids.push(grid);
  }
  const parallel = config.arrangement === 'parallel' && views.length > 1;
  const shown = parallel ? concat(views, 1) : (views.at(-1) ?? x);
  const scores =
    network === 'squeezenet'
      ? runSqueezenet(parameters.network, shown, drop)
      : runStack(network, parameters.network, shown, drop);
  return { scores, views, grids };
}

/** The places in the picture that each view was read at: (N, OH, OW, 2) each. */
export function windowsOf(
  { config }: ClassifierPlan,
  { grids }: Pick<Classified, 'grids'>,
): Tensor[] {
  if (config.arrangement === 'parallel') return [...grids];
  const windows: Tensor[] = [];
  for (const grid of grids) {
    const before = windows.at(-1);
    windows.push(before ? composedGrid(before, grid) : grid);
  }
  return windows;
}

function nameOf(index: number): string {
  return `transformer${index + 1}`;
}
