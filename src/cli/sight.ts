import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { UsageError } from '../errors.js';
import type { Features } from '../features/features.js';
import { openFeatures } from '../features/open-features.js';
import { CIDER_OF_ONE } from '../metrics/cider.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { locationsOf } from '../models/encoders/grids.js';
import { restoreEncoder } from '../models/encoders/open.js';
import { openEncoder } from '../models/encoders/open-file.js';
import { requireSameHead } from '../models/encoders/squeezenet-tail.js';
import type { Checkpoint } from '../training/checkpoint.js';
import {
  type PreparedData,
  prepareData,
  type Sight,
  sightOf,
  sightOfPictures,
  sightThroughFeatures,
  withEncoder,
} from '../training/prepare.js';
import { leftOutPhotos } from '../training/readable-images.js';
import { sightForTuning } from '../training/tuning-sight.js';
import {
  type EncoderFlags,
  encoderOptions,
  openGivenEncoder,
  refuseEncoderFlags,
} from './encoder-flags.js';
import { extract } from './features.js';
import { note } from './terminal.js';
import type { TrainOptions } from './train-options.js';

/** As `prepareData`; says what a run has to learn from, and which photos were left out. */
export async function prepare(...of: Parameters<typeof prepareData>): Promise<PreparedData> {
  const prepared = await prepareData(...of);
  const { data, vocabulary, dataset, leftOut } = prepared;
  for (const sentence of leftOutPhotos(leftOut)) note(`${dataset.name}: ${sentence}`);
  note(
    `${dataset.name}: ${data.inputs.size} train and ${data.dev.inputs.size} dev images, ${vocabulary.size} words`,
  );
  const [, , { select }] = of;
  if (select !== 'loss' && data.dev.inputs.size === 1) note(`warning: ${CIDER_OF_ONE}`);
  return prepared;
}

/**
 * How a new run sees: by features if there are any, by an encoder's if one is named, else itself.
 * @param options.grid by grids of features, for attention, instead of vectors.
 */
export async function sightToStart(
  dataset: CaptionDataset,
  options: TrainOptions,
  { grid = false } = {},
): Promise<Sight> {
  const { features: file, encoder: weights, pictureSize, finetuneEncoder } = options;
  if (finetuneEncoder && weights) {
    const encoder = await openGivenEncoder(weights, options);
    const sight = sightForTuning(encoder.save(), finetuneEncoder, { grid });
    encoder.dispose();
    return sight;
  }
  if (file) {
    const features = await featuresOf(dataset, file);
    const encoder = await encoderOf(features, weights, options);
    if (!encoder) {
      note(
        `${features.path} does not say which encoder made it, so the model will take features only: with --encoder <file> it could caption photos`,
      );
    }
    return sightThroughFeatures(features, encoder, { grid });
  }
  if (!weights) return sightOfPictures(pictureSize);
  const encoder = await openGivenEncoder(weights, options);
  return sightThroughFeatures(await extractOwn(options, dataset, encoder, grid), encoder, { grid });
}

/**
 * The model that a new run begins with. One that takes features may be given the encoder that made
 * them (`--encoder`): whether it is the right one is checked where features say it, and otherwise
 * by its sizes only.
 * @throws ValueError for an encoder that did not make the features or does not fit the model.
 */
export async function withGivenEncoder(
  model: Checkpoint,
  dataset: CaptionDataset,
  options: TrainOptions,
): Promise<Checkpoint> {
  const { features: file, encoder: weights } = options;
  if (model.encoder) {
    refuseEncoderFlags(options, 'the model of --from knows how its encoder is used');
  }
  if (!weights || model.encoder || model.captioner.config.vision) return model;
  const features = file ? await featuresOf(dataset, file) : undefined;
  const known = features && (await encoderOf(features, weights, options));
  const encoder = known ?? (await openGivenEncoder(weights, options));
  const seeing = withEncoder(model, encoder);
  encoder.dispose();
  return seeing;
}

/**
 * How a run that goes on sees, or one that begins with a trained model: as the model does.
 * @param finetuneEncoder of its recipe: photos instead of features then.
 * @throws UsageError for an encoder where the model needs none; ValueError for features or an
 *   encoder other than the model's.
 */
export async function sightToResume(
  checkpoint: Checkpoint,
  dataset: CaptionDataset,
  options: TrainOptions,
  finetuneEncoder?: string,
): Promise<Sight> {
  const { out, from = out, features: file, encoder: weights } = options;
  const { encoder, captioner } = checkpoint;
  if (finetuneEncoder) return sightToTune(checkpoint, finetuneEncoder, { from, file, weights });
  if (!encoder) {
    if (weights) {
      throw new UsageError(
        captioner.config.vision
          ? `--encoder ${weights}: the model in ${from} sees pictures itself: leave --encoder out`
          : `--encoder ${weights}: the model in ${from} takes features as they are; a new run (--from) can give it the encoder that made them`,
      );
    }
    return sightOf(checkpoint, file ? await featuresOf(dataset, file) : undefined);
  }
  const known = file ?? ownFile(out);
  const features =
    file || existsSync(known)
      ? await featuresOf(dataset, known)
      : await extractOwn(
          options,
          dataset,
          await restoreEncoder(encoder),
          locationsOf(captioner.config) !== undefined,
        );
  if (weights) {
    const same = features.encoder
      ? await features.openEncoder(weights)
      : await openEncoder(weights, await encoderOptions(options));
    same.dispose();
  }
  return sightOf(checkpoint, features);
}

/** @throws UsageError for features or a model without encoder; ValueError when its encoder was another */
async function sightToTune(
  { encoder, captioner: { config } }: Checkpoint,
  finetuneEncoder: string,
  options: { from: string; file: string | undefined; weights: string | undefined },
): Promise<Sight> {
  const { from, file, weights } = options;
  if (file) {
    throw new UsageError(
      `--features ${file}: the run looks at the photos anew at every step, since it trains its encoder: leave it out`,
    );
  }
  if (!encoder) {
    throw new UsageError(
      config.vision
        ? `--finetune-encoder: the model in ${from} sees pictures itself and has no encoder: leave it out`
        : `--finetune-encoder: the model in ${from} takes features as they are: name the encoder that made them (--encoder)`,
    );
  }
  if (weights) {
    const other = await openEncoder(weights);
    requireSameHead(encoder, other.save(), finetuneEncoder, weights);
    other.dispose();
  }
  return sightForTuning(encoder, finetuneEncoder, { grid: locationsOf(config) !== undefined });
}

/** Features of a dataset, in one file or several with commas between. @throws as `openFeatures` */
export async function featuresOf(
  { splits: { train, dev, test }, order }: CaptionDataset,
  file: string,
): Promise<Features> {
  const ids = order ?? [...train, ...dev, ...test].map(({ id }) => id);
  return openFeatures(existsSync(file) ? file : file.split(','), { order: ids });
}

/**
 * The encoder that goes into a model file with features, for it to caption photos with; undefined
 * when other programs made them and it is not named.
 */
async function encoderOf(
  features: Features,
  weights: string | undefined,
  flags: EncoderFlags,
): Promise<Encoder | undefined> {
  if (!features.encoder) return weights ? openGivenEncoder(weights, flags) : undefined;
  refuseEncoderFlags(flags, `${features.path} says how its encoder was used`);
  return features.openEncoder(weights);
}

/** Where a run keeps the features that it extracted itself. */
function ownFile(folder: string): string {
  return join(folder, 'features.safetensors');
}

/** Features of all that a run learns from and measures on, extracted into its folder. */
async function extractOwn(
  { out: folder, skipBad }: Pick<TrainOptions, 'out' | 'skipBad'>,
  { splits: { train, dev } }: CaptionDataset,
  encoder: Encoder,
  grid: boolean,
): Promise<Features> {
  const out = ownFile(folder);
  await extract([...train, ...dev], encoder, {
    out,
    grid,
    batchSize: 16,
    skipBad: skipBad ?? false,
  });
  return openFeatures(out);
}
