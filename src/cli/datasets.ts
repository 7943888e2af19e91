/** Sets of captioned pictures, with what their readers have to tell. */
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { openDataset } from '../data/captions/dataset.js';
import { told } from '../tasks/kind.js';
import { note } from './terminal.js';

/** Opens a set of captioned pictures and says what its reader has to tell. @throws as `openDataset` */
export async function captionSet(specification: string): Promise<CaptionDataset> {
  return told(await openDataset(specification), note);
}
