/** The classifier as a function: transformers, then a network that scores the classes. */
import { concat } from '../../layers/indexing/pieces.js';
import { runSqueezenet } from '../../models/encoders/squeezenet.js';
import { composedGrid, transformPicture } from '../../models/spatial-transformer.js';
import { runStack, type StackDropout } from '../../models/stack.js';
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
  { config, transformers, network }: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
  drop?: StackDropout,
): Classified {
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
