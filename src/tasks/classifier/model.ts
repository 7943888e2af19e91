/** The classifier as a function: transformers, then a network that scores the classes. */
import { flatten } from '../../layers/indexing/axes.js';
import { concat } from '../../layers/indexing/pieces.js';
import { globalAveragePool } from '../../layers/pooling/average-pool.js';
import {
  runSqueezenet,
  squeezenetFirstLayers,
  squeezenetLastLayer,
} from '../../models/encoders/squeezenet.js';
import { composedGrid, transformPicture } from '../../models/spatial-transformer.js';
import { runFirstLayers, runLastLayer, runStack, type StackDropout } from '../../models/stack.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type ClassifierParameters, type ClassifierPlan, transformerName } from './config.js';

/** The scores of pictures, and what the transformers made of them. */
export interface Classified {
  /** (N, K). */
  readonly scores: Tensor;
  /** What each transformer made: (N, C, OH, OW). */
  readonly views: readonly Tensor[];
  /** The places that each of them was read at, in the coordinates of what its transformer was given. */
  readonly grids: readonly Tensor[];
}

/**
 * Scores of pictures x (N, C, H, W) for K classes: a function of ops. Transformers in sequence each take
 * the output of the one before, and the network that of the last. In parallel all take the picture, and
 * the network takes all of their outputs.
 */
export function classify(
  plan: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
  drop?: StackDropout,
): Classified {
  const { network } = plan;
  const { shown, views, grids } = transformed(plan, parameters, x);
  const scores =
    network === 'squeezenet'
      ? runSqueezenet(parameters.network, shown, drop)
      : runStack(network, parameters.network, shown, drop);
  return { scores, views, grids };
}

/** Scores of pictures, and the features that the last layer makes them of. */
export interface ScoredFeatures {
  /** (N, K). */
  readonly scores: Tensor;
  /** (N, D). */
  readonly features: Tensor;
}

/**
 * Scores of pictures x (N, C, H, W), equal to those of `classify`, and what the last layer is given: of
 * `fcn` its second hidden layer, of `cnn` its pooled maps, one after the other, of `squeezenet` the means of
 * its 512 maps.
 */
export function classifyWithFeatures(
  plan: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
): ScoredFeatures {
  const { network } = plan;
  const { shown } = transformed(plan, parameters, x);
  if (network === 'squeezenet') {
    const maps = squeezenetFirstLayers(parameters.network, shown);
    return {
      scores: squeezenetLastLayer(parameters.network, maps),
      features: globalAveragePool(maps),
    };
  }
  const given = runFirstLayers(network, parameters.network, shown);
  return {
    scores: runLastLayer(network, parameters.network, given),
    features: given.shape.length === 2 ? given : flatten(given),
  };
}

/** What the transformers make of pictures, and what of it is shown to the network. */
function transformed(
  { config, transformers }: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
): Pick<Classified, 'views' | 'grids'> & { readonly shown: Tensor } {
  const views: Tensor[] = [];
  const grids: Tensor[] = [];
  for (const [i, transformer] of transformers.entries()) {
    const input = config.arrangement === 'parallel' ? x : (views.at(-1) ?? x);
    const { out, grid } = transformPicture(
      transformer,
      parameters.transformers[transformerName(i)] ?? {},
      input,
    );
    views.push(out);
    grids.push(grid);
  }
  const parallel = config.arrangement === 'parallel' && views.length > 1;
  return { shown: parallel ? concat(views, 1) : (views.at(-1) ?? x), views, grids };
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
