import type { CaptionerConfig } from '../../models/captioner-config.js';
import type { CaptionerModel } from './kind.js';

/** What the numbers are that attention models give for each word. */
export interface AttentionForm {
  /**
   * `weights`: one for each place of the grid, row by row. `window`: the 6 numbers of an affine map,
   * row by row, from coordinates in the glimpse to coordinates in the picture, all from -1 to 1.
   */
  readonly form: 'weights' | 'window';
  /** Rows and columns of the grid. */
  readonly locations: readonly [H: number, W: number];
}

/** The form that models give together; undefined when one has none, or they differ. */
export function attentionFormOf(models: readonly CaptionerModel[]): AttentionForm | undefined {
  const forms = models.map(({ captioner: { config } }) => formOf(config));
  const [first] = forms;
  return forms.every((form) => JSON.stringify(form) === JSON.stringify(first)) ? first : undefined;
}

function formOf({ attention }: CaptionerConfig): AttentionForm | undefined {
  if (!attention) return undefined;
  const form = attention.kind === 'spatial-transformer' ? 'window' : 'weights';
  return { form, locations: attention.locations };
}
