/** The input pipeline that a training run asks for: features, an encoder, or pictures as they are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptionDataset } from '../../data/captions/captioned-images.js';
import { UsageError } from '../../errors.js';
import type { Features } from '../../features/features.js';
import {
  type EncoderUse,
  encoderOptions,
  openGivenEncoder,
  refuseEncoderUse,
} from '../../features/given-encoder.js';
import { openFeatures } from '../../features/open-features.js';
import type { Encoder } from '../../models/encoders/encoder.js';
import { locationsOf } from '../../models/encoders/grids.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { openEncoder } from '../../models/encoders/open-file.js';
import { requireSameHead } from '../../models/encoders/squeezenet-tail.js';
import type { ProgressLine } from '../kind.js';
import { extractPhotos } from '../shown-extraction.js';
import type { CaptionerModel } from './kind.js';
import {
  featurePipeline,
  type InputPipeline,
  picturePipeline,
  pipelineOf,
  tuningPipeline,
  withEncoder,
} from './pipelines.js';

/** Where a captioner's inputs come from, as it is asked for. */
export interface PipelineRequest extends EncoderUse {
  /** The run's folder: features that it extracts itself lie there. */
  readonly folder: string;
  /** Of the model that a new run begins with, for messages. */
  readonly from?: string | undefined;
  readonly features?: string | undefined;
  readonly encoder?: string | undefined;
  readonly finetuneEncoder?: string | undefined;
  /** Leave out photos that cannot be decoded when they are encoded. */
  readonly skipBad?: boolean;
  note(text: string): void;
  /** Shows how far a long work is. */
  readonly progress: (label: string, total: number) => ProgressLine;
}

/**
 * The pipeline of a new run: features if there are any, else an encoder if one is named, else pictures.
 * @param options.grid grids of features, for attention, instead of vectors.
 * @param options.pictureSize side of the pictures that a captioner sees itself.
 */
export async function pipelineToStart(
  dataset: CaptionDataset,
  request: PipelineRequest,
  { grid, pictureSize }: { readonly grid: boolean; readonly pictureSize: number },
): Promise<InputPipeline> {
  const { features: file, encoder: weights, finetuneEncoder } = request;
  if (finetuneEncoder && weights) {
    const encoder = await openGivenEncoder(weights, request, request.note);
    const pipeline = tuningPipeline(encoder.save(), finetuneEncoder, { grid });
    encoder.dispose();
    return pipeline;
  }
  if (file) {
    const features = await openDatasetFeatures(dataset, file);
    const encoder = await encoderOf(features, request);
    if (!encoder) {
      request.note(
        `${features.path} does not say which encoder made it, so the model will take features only: with --encoder <file> it could caption photos`,
      );
    }
    return featurePipeline(features, encoder, { grid });
  }
  if (!weights) return picturePipeline(pictureSize);
  const encoder = await openGivenEncoder(weights, request, request.note);
  return featurePipeline(await extractOwn(request, dataset, encoder, grid), encoder, { grid });
}

/**
 * The model that a new run begins with. One that takes features may be given the encoder that made
 * them (`--encoder`): the features tell whether it is the right one, and otherwise only its sizes are
 * checked.
 * @throws ValueError for an encoder that did not make the features or does not fit the model.
 */
export async function withGivenEncoder(
  model: CaptionerModel,
  dataset: CaptionDataset,
  request: PipelineRequest,
): Promise<CaptionerModel> {
  const { features: file, encoder: weights } = request;
  if (model.encoder) {
    refuseEncoderUse(request, 'the model of --from knows how its encoder is used');
  }
  if (!weights || model.encoder || model.captioner.config.cnn) return model;
  const features = file ? await openDatasetFeatures(dataset, file) : undefined;
  const known = features && (await encoderOf(features, request));
  const encoder = known ?? (await openGivenEncoder(weights, request, request.note));
  const whole = withEncoder(model, encoder);
  encoder.dispose();
  return whole;
}

/**
 * The pipeline of a run that goes on, or of one that begins with a trained model: that of the model.
 * @param finetuneEncoder of its recipe: photos instead of features then.
 * @throws UsageError for an encoder where the model needs none; ValueError for features or an
 *   encoder other than the model's.
 */
export async function pipelineToResume(
  checkpoint: CaptionerModel,
  dataset: CaptionDataset,
  request: PipelineRequest,
): Promise<InputPipeline> {
  const { folder, from = folder, features: file, encoder: weights, finetuneEncoder } = request;
  const { encoder, captioner } = checkpoint;
  if (finetuneEncoder) return pipelineToTune(checkpoint, finetuneEncoder, { from, file, weights });
  if (!encoder) {
    if (weights) {
      throw new UsageError(
        captioner.config.cnn
          ? `--encoder ${weights}: the model in ${from} sees pictures itself: leave --encoder out`
          : `--encoder ${weights}: the model in ${from} takes features as they are; a new run (--from) can give it the encoder that made them`,
      );
    }
    return pipelineOf(checkpoint, file ? await openDatasetFeatures(dataset, file) : undefined);
  }
  const known = file ?? ownFile(folder);
  const features =
    file || existsSync(known)
      ? await openDatasetFeatures(dataset, known)
      : await extractOwn(
          request,
          dataset,
          await restoreEncoder(encoder),
          locationsOf(captioner.config) !== undefined,
        );
  if (weights) {
    const same = features.encoder
      ? await features.openEncoder(weights)
      : await openEncoder(weights, await encoderOptions(request));
    same.dispose();
  }
  return pipelineOf(checkpoint, features);
}

/** @throws UsageError for features or a model without encoder; ValueError when its encoder was another */
async function pipelineToTune(
  { encoder, captioner: { config } }: CaptionerModel,
  finetuneEncoder: string,
  options: { from: string; file: string | undefined; weights: string | undefined },
): Promise<InputPipeline> {
  const { from, file, weights } = options;
  if (file) {
    throw new UsageError(
      `--features ${file}: the run encodes the photos anew at every step, since it trains its encoder: leave it out`,
    );
  }
  if (!encoder) {
    throw new UsageError(
      config.cnn
        ? `--finetune-encoder: the model in ${from} sees pictures itself and has no encoder: leave it out`
        : `--finetune-encoder: the model in ${from} takes features as they are: name the encoder that made them (--encoder)`,
    );
  }
  if (weights) {
    const other = await openEncoder(weights);
    requireSameHead(encoder, other.save(), finetuneEncoder, weights);
    other.dispose();
  }
  return tuningPipeline(encoder, finetuneEncoder, { grid: locationsOf(config) !== undefined });
}

/** Features of a dataset, in one file or several with commas between. @throws as `openFeatures` */
export async function openDatasetFeatures(
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
  request: PipelineRequest,
): Promise<Encoder | undefined> {
  const { encoder: weights, note } = request;
  if (!features.encoder) return weights ? openGivenEncoder(weights, request, note) : undefined;
  refuseEncoderUse(request, `${features.path} says how its encoder was used`);
  return features.openEncoder(weights);
}

/** Where a run keeps the features that it extracted itself. */
function ownFile(folder: string): string {
  return join(folder, 'features.safetensors');
}

/** Features of all that a run learns from and measures on, extracted into its folder. */
async function extractOwn(
  request: PipelineRequest,
  { splits: { train, dev } }: CaptionDataset,
  encoder: Encoder,
  grid: boolean,
): Promise<Features> {
  const out = ownFile(request.folder);
  const { skipBad = false } = request;
  await extractPhotos([...train, ...dev], encoder, { out, grid, batchSize: 16, skipBad }, request);
  return openFeatures(out);
}
