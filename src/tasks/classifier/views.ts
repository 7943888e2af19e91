/** What a classifier makes of single pictures: probabilities, windows and views, to be shown. */
import type { Extent } from '../../data/labels/distortions.js';
import type { Box } from '../../data/pictures/pixels.js';
import { scope } from '../../engine/engine.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ClassifierParameters, ClassifierPlan } from './config.js';
import { classify, windowsOf } from './model.js';

/** What a classifier makes of a picture. */
export interface ClassifierView {
  /** The classes' probabilities. */
  readonly probabilities: Float64Array;
  /** The class with the highest. */
  readonly said: number;
  /** The outline of each transformer's window, x and y in pixels of the picture, one after the other. */
  readonly windows: readonly (readonly number[])[];
  /** What each transformer made of the picture: (C, OH, OW). */
  readonly views: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
}

/** Points of an outline along each side. */
const along = 7;

/** Classifies pictures (N, C, H, W), one view for each. */
export function viewsOf(
  plan: ClassifierPlan,
  parameters: ClassifierParameters,
  x: Tensor,
): ClassifierView[] {
  using _work = scope();
  const [N = 0, , H = 0, W = 0] = x.shape;
  const classified = classify(plan, parameters, x);
  const windows = windowsOf(plan, classified);
  return Array.from({ length: N }, (_, n) => {
    const probabilities = softmax(classified.scores.at(n).dataSync());
    return {
      probabilities,
      said: probabilities.indexOf(Math.max(...probabilities)),
      windows: windows.map((window) => {
        const [, OH = 1, OW = 1] = window.shape;
        return outline(window.at(n).dataSync(), [OH, OW], [H, W]);
      }),
      views: classified.views.map((view) => ({
        shape: view.shape.slice(1),
        values: Float32Array.from(view.at(n).dataSync()),
      })),
    };
  });
}

/** A box as the report takes it. */
export function boxEdges(box: Box | undefined): [number, number, number, number] | undefined {
  return box && [box.left, box.top, box.right, box.bottom];
}

/** Once around the outermost places (OH, OW, 2) of a window, clockwise from its upper left corner. */
function outline(places: ArrayLike<number>, [OH, OW]: Extent, [H, W]: Extent): number[] {
  const share = (i: number) => i / along;
  const steps = Array.from({ length: along }, (_, i) => share(i));
  const around = [
    ...steps.map((t) => [0, t]),
    ...steps.map((t) => [t, 1]),
    ...steps.map((t) => [1, 1 - t]),
    ...steps.map((t) => [1 - t, 0]),
  ];
  return around.flatMap(([down = 0, across = 0]) => {
    const place = Math.round(down * (OH - 1)) * OW + Math.round(across * (OW - 1));
    const [x = 0, y = 0] = [places[2 * place], places[2 * place + 1]];
    return [((x + 1) * W) / 2, ((y + 1) * H) / 2];
  });
}

function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const highest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - highest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
