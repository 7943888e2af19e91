import type { CaptionDataset } from '../data/captioned-images.js';
import { openDataset } from '../data/dataset.js';
import { openLabelledDataset } from '../data/labelled-dataset.js';
import type { LabelledDataset } from '../data/labelled-pictures.js';
import { note } from './terminal.js';

/** Opens a set of captioned pictures and says what its reader has to tell. @throws as `openDataset` */
export async function captionSet(specification: string): Promise<CaptionDataset> {
  return told(await openDataset(specification));
}

/** Opens a set of labelled pictures and says what its reader has to tell. @throws as `openLabelledDataset` */
export async function labelledSet(specification: string): Promise<LabelledDataset> {
  return told(await openLabelledDataset(specification));
}

function told<T extends Pick<CaptionDataset, 'name' | 'notes'>>(dataset: T): T {
  for (const sentence of dataset.notes ?? []) note(`${dataset.name}: ${sentence}`);
  return dataset;
}
