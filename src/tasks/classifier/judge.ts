/** A classifier as the judge of pictures: its features and its probabilities, which measures ask for. */
import { scope } from '../../engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { ClassifierModel } from './kind.js';
import { classifyWithFeatures } from './model.js';

/** What a classifier says of pictures. */
export interface Judgement {
  /** (N, D) f32: what its last layer is given, for distances and neighbours. */
  readonly features: Tensor;
  /** (N, K) f32: softmax of its scores, for the inception score and for classes. */
  readonly probabilities: Tensor;
}

/**
 * The features and probabilities of pictures (N, C, H, W), f32, as the classifier was trained on them: from
 * 0 to 1, 1 for white. Of any classifier's model file: `readModel(classifierKind, path)` has the model.
 * A judge must know nothing of the model that it judges, and that model nothing of it.
 * @param options.batchSize pictures at a time.
 * @throws ShapeError when the pictures are not of the classifier's size; DTypeError when they are not f32;
 *   ValueError for no pictures, or a batch of none.
 */
export function judgePictures(
  { plan, parameters }: Pick<ClassifierModel, 'plan' | 'parameters'>,
  pictures: Tensor,
  { batchSize = 256 } = {},
): Judgement {
  const { picture, classes } = plan.config;
  const [N = 0, ...shape] = pictures.shape;
  if (`${shape}` !== `${picture}`) {
    throw new ShapeError(
      `the judge takes pictures ${showShape(picture)}, not those of ${showShape(pictures.shape)}`,
    );
  }
  if (pictures.dtype !== 'f32') {
    throw new DTypeError(`the judge takes f32 pictures from 0 to 1, not ${pictures.dtype}`);
  }
  if (N === 0 || !Number.isInteger(batchSize) || batchSize < 1) {
    throw new ValueError(
      `the judge is given ${N} pictures, ${batchSize} at a time: both must be 1 or more`,
    );
  }
  const probabilities = empty('f32', [N, classes]);
  let features: Tensor | undefined;
  for (let first = 0; first < N; first += batchSize) {
    const size = Math.min(batchSize, N - first);
    const { D, values } = judgedBatch(first, size);
    features ??= empty('f32', [N, D]);
    features.slice(first, first + size).assign(values);
  }
  return { features: features ?? empty('f32', [N, 0]), probabilities };

  function judgedBatch(first: number, size: number) {
    using _batch = scope();
    const x = pictures.slice(first, first + size);
    const scored = classifyWithFeatures(plan, parameters, x);
    const into = probabilities.slice(first, first + size);
    kernelsFor(into).softmaxRows(scored.scores, into, size, classes);
    return { D: scored.features.shape[1] ?? 0, values: scored.features.dataSync() };
  }
}
