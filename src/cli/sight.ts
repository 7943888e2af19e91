import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptionDataset } from '../data/captioned-images.js';
import { UsageError } from '../errors.js';
import type { Features } from '../features/features.js';
import { openFeatures } from '../features/open-features.js';
import { type Encoder, restoreEncoder } from '../models/encoder.js';
import { openEncoder } from '../models/encoder-file.js';
import { locationsOf } from '../models/grids.js';
import type { Checkpoint } from '../training/checkpoint.js';
import { type Sight, sightOf, sightOfPictures, sightThroughFeatures } from '../training/prepare.js';
import { extract } from './features.js';
import type { TrainOptions } from './train-options.js';

/**
 * How a new run sees: by features if there are any, by an encoder's if one is named, else itself.
 * @param options.grid by grids of features, for attention, instead of vectors.
 */
export async function sightToStart(
  dataset: CaptionDataset,
  { out, features: file, encoder: weights, pictureSize }: TrainOptions,
  { grid = false } = {},
): Promise<Sight> {
  if (file) {
    const features = await openFeatures(file);
    return sightThroughFeatures(features, await features.openEncoder(weights), { grid });
  }
  if (!weights) return sightOfPictures(pictureSize);
  const encoder = await openEncoder(weights);
  return sightThroughFeatures(await extractOwn(out, dataset, encoder, grid), encoder, { grid });
}

/**
 * How the run that stopped in `--out` sees: as its model does.
 * @throws UsageError for an encoder where the model needs none; ValueError for features or an
 *   encoder other than the model's.
 */
export async function sightToResume(
  checkpoint: Checkpoint,
  dataset: CaptionDataset,
  { out, features: file, encoder: weights }: TrainOptions,
): Promise<Sight> {
  if (!checkpoint.encoder) {
    if (weights) {
      throw new UsageError(
        `--resume with --encoder ${weights}: the model in ${out} sees pictures itself and takes no encoder`,
      );
    }
    return sightOf(checkpoint, file ? await openFeatures(file) : undefined);
  }
  const known = file ?? ownFile(out);
  const features =
    file || existsSync(known)
      ? await openFeatures(known)
      : await extractOwn(
          out,
          dataset,
          await restoreEncoder(checkpoint.encoder),
          locationsOf(checkpoint.captioner.config) !== undefined,
        );
  if (weights) (await features.openEncoder(weights)).dispose();
  return sightOf(checkpoint, features);
}

/** Where a run keeps the features that it extracted itself. */
function ownFile(folder: string): string {
  return join(folder, 'features.safetensors');
}

/** Features of all that a run learns from and measures on, extracted into its folder. */
async function extractOwn(
  folder: string,
  { splits: { train, dev } }: CaptionDataset,
  encoder: Encoder,
  grid: boolean,
): Promise<Features> {
  const out = ownFile(folder);
  await extract([...train, ...dev], encoder, { out, grid, batchSize: 16 });
  return openFeatures(out);
}
