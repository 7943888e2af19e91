/** How well a classifier does on pictures: loss, mistakes, and how its windows fit. */
import type { DistortedPictures } from '../../data/labels/distorted-pictures.js';
import type { Extent } from '../../data/labels/distortions.js';
import type { Box } from '../../data/pictures/pixels.js';
import { scope } from '../../engine/engine.js';
import { softmaxLoss } from '../../layers/losses/softmax.js';
import { argmaxRows } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ClassifierParameters, ClassifierPlan } from './config.js';
import { classify, windowsOf } from './model.js';

/** How a classifier does on some pictures. */
export interface ClassifierReport {
  readonly pictures: number;
  readonly mistakes: number;
  /** mistakes / pictures, 0 to 1. */
  readonly error: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /**
   * Mean intersection over union of the window that the network takes with the box around the digit;
   * undefined without transformers. Of parallel transformers the best window of each picture counts.
   */
  readonly overlap: number | undefined;
  /** How often each class (row) was taken for each class (column). */
  readonly confusion: readonly (readonly number[])[];
}

/** Measures a classifier on all of some pictures, as they are in epoch 0. */
export function evaluateClassifier(
  plan: ClassifierPlan,
  parameters: ClassifierParameters,
  pictures: DistortedPictures,
  { batchSize = 256 } = {},
): ClassifierReport {
  const { classes } = plan.config;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const [, H, W] = pictures.shape;
  let [lossSum, mistakes, overlapSum, overlaps] = [0, 0, 0, 0];
  for (let first = 0; first < pictures.size; first += batchSize) {
    using _batch = scope();
    const N = Math.min(batchSize, pictures.size - first);
    const indices = Array.from({ length: N }, (_, n) => first + n);
    const { x, boxes } = pictures.batch(indices);
    const labels = pictures.source.labels.slice(first, first + N);
    const classified = classify(plan, parameters, x);
    const loss = softmaxLoss(classified.scores, tensor(labels, { dtype: 'i32' }));
    lossSum += loss.item() * N;
    const predicted = argmaxRows(classified.scores).dataSync();
    for (const [n, label] of labels.entries()) {
      const guess = predicted[n] ?? 0;
      const row = confusion[label];
      if (row) row[guess] = (row[guess] ?? 0) + 1;
      if (guess !== label) mistakes++;
    }
    for (const overlap of overlapsOf(plan, windowsOf(plan, classified), boxes, [H, W])) {
      overlapSum += overlap;
      overlaps++;
    }
  }
  const count = pictures.size;
  return {
    pictures: count,
    mistakes,
    error: mistakes / count,
    loss: lossSum / count,
    overlap: overlaps > 0 ? overlapSum / overlaps : undefined,
    confusion,
  };
}

function* overlapsOf(
  { config }: ClassifierPlan,
  windows: readonly Tensor[],
  boxes: readonly (Box | undefined)[],
  extent: Extent,
): Generator<number> {
  const counting = config.arrangement === 'parallel' ? windows : windows.slice(-1);
  if (counting.length === 0) return;
  const places = counting.map((window) => window.dataSync());
  for (const [n, box] of boxes.entries()) {
    if (!box) continue;
    const each = places.map((values, k) => {
      const [, OH = 1, OW = 1] = counting[k]?.shape ?? [];
      const size = OH * OW * 2;
      return overlapOf(windowBox(values.subarray(n * size, (n + 1) * size), [OH, OW], extent), box);
    });
    yield Math.max(...each);
  }
}

/**
 * The rectangle around a window, in pixels of the picture and within it, from the places (OH, OW, 2) that
 * it is read at. These are centres of its pixels, so it reaches half a pixel of its own farther.
 */
export function windowBox(places: ArrayLike<number>, [OH, OW]: Extent, [H, W]: Extent): Box {
  const range = (axis: 0 | 1, count: number, side: number): [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i] ?? 0);
      high = Math.max(high, places[i] ?? 0);
    }
    const beyond = count > 1 ? (high - low) / (count - 1) / 2 : 0;
    const pixel = (place: number) => Math.min(side, Math.max(0, ((place + 1) * side) / 2));
    return [pixel(low - beyond), pixel(high + beyond)];
  };
  const [left, right] = range(0, OW, W);
  const [top, bottom] = range(1, OH, H);
  return { left, top, right, bottom };
}

/** Intersection over union of two rectangles, 0 to 1. */
export function overlapOf(a: Box, b: Box): number {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const shared = Math.max(0, across) * Math.max(0, down);
  const area = ({ left, top, right, bottom }: Box) => (right - left) * (bottom - top);
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}
