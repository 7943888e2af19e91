import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { openDataset } from '../data/captions/dataset.js';
import { openLabelledDataset } from '../data/labels/labelled-dataset.js';
import type { LabelledDataset } from '../data/labels/labelled-pictures.js';
import type { Vocabulary } from '../data/text/vocabulary.js';
import type { Recipe } from '../training/recipe.js';
import { trainingWords } from '../training/words.js';
import { note } from './terminal.js';

/** Opens a set of captioned pictures and says what its reader has to tell. @throws as `openDataset` */
export async function captionSet(specification: string): Promise<CaptionDataset> {
  return told(await openDataset(specification));
}

/** Opens a set of labelled pictures and says what its reader has to tell. @throws as `openLabelledDataset` */
export async function labelledSet(
  specification: string,
  { skipBad = false }: { readonly skipBad?: boolean | undefined },
): Promise<LabelledDataset> {
  return told(await openLabelledDataset(specification, { onBadPhoto: skipBad ? 'skip' : 'stop' }));
}

function told<T extends Pick<CaptionDataset, 'name' | 'notes'>>(dataset: T): T {
  for (const sentence of dataset.notes ?? []) note(`${dataset.name}: ${sentence}`);
  return dataset;
}

/**
 * The words that a run will learn, and its recipe with how often they have to occur. Says before the
 * work begins what speaks against good captions. @throws as `trainingWords`
 */
export function wordsToLearn(
  dataset: CaptionDataset,
  recipe: Recipe,
  known?: Vocabulary,
): { vocabulary: Vocabulary; recipe: Recipe } {
  const { vocabulary, minimumCount, notes } = trainingWords(dataset, recipe, known);
  for (const sentence of notes) note(`${dataset.name}: ${sentence}`);
  return { vocabulary, recipe: { ...recipe, minimumCount } };
}
