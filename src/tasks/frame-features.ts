/** Features of the frames of clips, for models that learn from them: a file of them, or an encoder that makes them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseIfMany, unreadableNote } from '../data/formats/notes.js';
import { SPLIT_NAMES, type SplitName } from '../data/splits.js';
import { readableClips } from '../data/video/readable-clips.js';
import { describeSampling, type Sampling } from '../data/video/sampling.js';
import { UsageError } from '../errors.js';
import { ClipFeatures } from '../features/clip-features.js';
import {
  type EncoderUse,
  encoderUseSchema,
  openGivenEncoder,
  refuseEncoderUse,
} from '../features/given-encoder.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { restoreEncoder } from '../models/encoders/open.js';
import type { AnyClip, FrameEncoder } from './frame-encoder.js';
import { filmed, requireFeatures, TOGETHER } from './frame-readers.js';
import { skipBadClips } from './kind.js';
import { extractClips, type Shown } from './shown-extraction.js';

/** The flags of `glimpse train`. */
export const frameFeatureFlags = z.object({
  features: z.string().optional().meta({
    flag: '--features <file>',
    help: 'learn from features of frames, as glimpse features makes them of clips',
  }),
  encoder: z.string().optional().meta({
    flag: '--encoder <file>',
    help: 'encode the frames with this first; with --features: where the encoder that made them is now',
  }),
  ...encoderUseSchema.shape,
  skipBad: skipBadClips,
});

/** What is asked of features. */
export interface FrameRequest extends Shown, EncoderUse {
  /** The run's folder: features that it extracts itself lie there. */
  readonly folder: string;
  readonly features?: string | undefined;
  readonly encoder?: string | undefined;
  readonly skipBad: boolean;
}

/** A set of clips, labelled or captioned. */
interface ClipSet<T extends AnyClip> {
  readonly name: string;
  readonly splits: { readonly [K in SplitName]: readonly T[] };
}

/** Features, and the encoder that made them. */
export interface EncodedFrames {
  readonly features: ClipFeatures;
  readonly encoder: FrameEncoder;
}

/** The frames of a clip that flags ask for, where they do. */
interface AskedFrames {
  readonly rate?: number | undefined;
  /** The most that are seen. */
  readonly frames?: number | undefined;
  readonly grid: boolean;
}

/**
 * A set to train on, without the clips that cannot be read, if asked so. What encodes frames leaves them out itself.
 * @throws UsageError for stored features, which say what was left out; as `readableClips`
 */
export async function readableToTrainOn<T extends AnyClip, S extends ClipSet<T>>(
  dataset: S & ClipSet<T>,
  { skipBad, features, encoder }: Pick<FrameRequest, 'skipBad' | 'features' | 'encoder'>,
  note: (text: string) => void,
): Promise<S & ClipSet<T>> {
  if (!skipBad || encoder !== undefined) return dataset;
  if (features !== undefined) {
    throw new UsageError(
      `--skip-bad: ${features} says which clips were left out when it was made: leave --skip-bad out`,
    );
  }
  const { train, dev, test } = dataset.splits;
  const readable = await readableClips({ train, dev }, dataset.name, note);
  return { ...dataset, splits: { ...readable, test } };
}

/**
 * The clips of a split to judge a model by, without those that cannot be read, if asked so.
 * @throws UsageError when there are none; as `readableClips`
 */
export async function clipsToJudge<T extends AnyClip>(
  { name, splits }: ClipSet<T>,
  {
    specification,
    split,
    skipBad,
  }: { readonly specification: string; readonly split: SplitName; readonly skipBad: boolean },
  note: (text: string) => void,
): Promise<readonly T[]> {
  const all = splits[split];
  const { clips } = skipBad ? await readableClips({ clips: all }, name, note) : { clips: all };
  if (clips.length === 0) throw new UsageError(`${specification} has no ${split} clips`);
  return clips;
}

/**
 * What a new run learns from: a file of features, else an encoder that is named; undefined for neither.
 * @param dataset whose name tells unfinished work apart.
 * @throws UsageError when the file was made with other settings of frames than the flags say, naming both
 */
export async function framesToStart<T extends AnyClip>(
  dataset: ClipSet<T>,
  request: FrameRequest,
  asked: AskedFrames,
): Promise<EncodedFrames | undefined> {
  const { features: file, encoder: weights } = request;
  if (file !== undefined) {
    refuseEncoderUse(request, `${file} says how its encoder was used`);
    const features = await ClipFeatures.open(file);
    refuseOtherFrames(features, asked);
    const encoder = await features.openEncoder(weights);
    return { features, encoder: savedEncoder(encoder, features.sampling) };
  }
  if (weights === undefined) return undefined;
  const { rate, frames, grid } = asked;
  const sampling: Sampling = rate !== undefined ? { rate } : frames !== undefined ? { frames } : {};
  const encoder = await openGivenEncoder(weights, request, request.note);
  const features = await extractOwn(dataset, request, encoder, { sampling, grid });
  return { features, encoder: savedEncoder(encoder, sampling) };
}

/**
 * The features with which a run goes on, or one that begins with the weights of another model: undefined for a
 * model that sees frames itself.
 * @param model its encoder, and which frames go through it.
 * @param from where the model is, for messages.
 * @throws UsageError for features where none are taken; ValueError when another encoder made them, or of other
 *   frames, naming both
 */
export async function framesToGoOn<T extends AnyClip>(
  dataset: ClipSet<T>,
  request: FrameRequest,
  {
    encoder,
    sampling,
    grid,
    from,
  }: {
    readonly encoder: FrameEncoder | undefined;
    readonly sampling: Sampling;
    readonly grid: boolean;
    readonly from: string;
  },
): Promise<ClipFeatures | undefined> {
  const { features: file, encoder: weights } = request;
  if (!encoder) {
    const [flag, value] = file === undefined ? ['--encoder', weights] : ['--features', file];
    if (value === undefined) return undefined;
    throw new UsageError(
      `${flag} ${value}: the model in ${from} sees frames itself: leave ${flag} out`,
    );
  }
  refuseEncoderUse(request, `the model in ${from} knows how its encoder is used`);
  const known = file ?? ownFile(request.folder);
  const features =
    file !== undefined || existsSync(known)
      ? await ClipFeatures.open(known)
      : await extractOwn(dataset, request, await restoreEncoder(encoder), { sampling, grid });
  await requireFeatures(features, encoder, sampling);
  if (weights !== undefined) (await features.openEncoder(weights)).dispose();
  return features;
}

/**
 * A set without the clips that were left out when its features were made; says so.
 * @throws FormatError when those are more than a third; ValueError for other clips without features
 */
export function withFeatures<T extends AnyClip, S extends ClipSet<T>>(
  dataset: S & ClipSet<T>,
  features: ClipFeatures,
  used: readonly SplitName[],
  note: (text: string) => void,
): S & ClipSet<T> {
  const bad = new Map(features.skipped.map(({ id, reason }) => [id, reason]));
  const clips = used.flatMap((split) => dataset.splits[split]);
  const reasons = clips.flatMap(({ id }) => bad.get(id) ?? []);
  refuseIfMany(dataset.name, reasons, clips.length, 'clip');
  for (const sentence of unreadableNote(reasons, 'clip')) note(`${dataset.name}: ${sentence}`);
  features.require({ ids: clips.map(({ id }) => id).filter((id) => !bad.has(id)) });
  if (reasons.length === 0) return dataset;
  const splits = { ...dataset.splits };
  for (const split of SPLIT_NAMES) splits[split] = splits[split].filter(({ id }) => !bad.has(id));
  return { ...dataset, splits };
}

/**
 * The features of several models: none, one file for all, or one for each in their order.
 * @throws UsageError for another number of files; as `ClipFeatures.open`
 */
export async function openedFeatures(
  files: readonly string[] = [],
  models: number,
): Promise<(ClipFeatures | undefined)[]> {
  if (files.length > 1 && files.length !== models) {
    throw new UsageError(
      `--features is given ${files.length} times for ${models} models: give it once for all, or once for each --model in the same order`,
    );
  }
  const opened = new Map<string, ClipFeatures>();
  for (const file of files) opened.set(file, opened.get(file) ?? (await ClipFeatures.open(file)));
  return Array.from({ length: models }, (_, index) => {
    const file = files.length > 1 ? files[index] : files[0];
    return file === undefined ? undefined : opened.get(file);
  });
}

/** Where a run keeps the features that it extracted itself. */
function ownFile(folder: string): string {
  return join(folder, 'features.safetensors');
}

/** Features of all that a run learns from and measures on, extracted into its folder. */
async function extractOwn<T extends AnyClip>(
  { name, splits: { train, dev } }: ClipSet<T>,
  request: FrameRequest,
  encoder: Encoder,
  { sampling, grid }: { readonly sampling: Sampling; readonly grid: boolean },
): Promise<ClipFeatures> {
  const out = ownFile(request.folder);
  const { skipBad } = request;
  const clips = [...train, ...dev].map(filmed);
  const options = { out, grid, batchSize: TOGETHER, skipBad, sampling, set: name };
  await extractClips(clips, encoder, options, request);
  return ClipFeatures.open(out);
}

function savedEncoder(encoder: Encoder, { frames }: Sampling): FrameEncoder {
  const saved = encoder.save();
  encoder.dispose();
  return { ...saved, ...(frames !== undefined && { frames }) };
}

/** @throws UsageError when flags say other frames than a file has */
function refuseOtherFrames({ path, sampling }: ClipFeatures, { rate, frames }: AskedFrames): void {
  const made = `${path} was made of ${describeSampling(sampling)} of each clip`;
  if (rate !== undefined && sampling.rate !== rate) {
    throw new UsageError(
      `--frame-rate ${rate}, but ${made}: leave --frame-rate out, or make the features anew (glimpse features --frame-rate ${rate})`,
    );
  }
  if (frames !== undefined && sampling.frames !== undefined && frames > sampling.frames) {
    throw new UsageError(
      `--frames ${frames}, but ${made}: leave --frames out, or make the features anew (glimpse features --frames ${frames})`,
    );
  }
}
