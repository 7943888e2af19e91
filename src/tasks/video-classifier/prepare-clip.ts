/** From a clip of a set to numbers for a network: frames that are read for it, or a sequence. */
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import { type PreparedClip, preparedSequence } from '../../data/video/prepared-clips.js';
import { readClip } from '../../data/video/read-clip.js';
import { centredValues } from '../../data/video/sequence-scale.js';
import { UsageError } from '../../errors.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { samplingOf } from '../frame-encoder.js';
import { encodedFrames, requireFeatures, storedFrames } from '../frame-readers.js';
import { type FramesOf, frameForm } from './frame-form.js';
import type { VideoClassifierModel } from './kind.js';

/** What says how clips become numbers. */
export type ClipForm = FramesOf & Pick<VideoClassifierModel, 'encoder' | 'reader'>;

/**
 * A model that is ready to read clips: one with an encoder needs it opened, or features that it made before.
 * @throws UsageError for features where none are taken; ValueError when another encoder made them, or of other
 *   frames, naming both
 */
export async function withReader(
  model: VideoClassifierModel,
  features?: ClipFeatures,
): Promise<VideoClassifierModel> {
  const { encoder, rate } = model;
  if (!encoder) {
    if (!features) return model;
    throw new UsageError(`${features.path}: the model sees frames itself and takes no features`);
  }
  const sampling = samplingOf(encoder, rate);
  if (features) await requireFeatures(features, encoder, sampling);
  const reader = features
    ? storedFrames(features, false)
    : encodedFrames(await restoreEncoder(encoder), sampling);
  return { ...model, reader };
}

/**
 * Makes numbers of a clip.
 * @throws UsageError for frames where sequences are taken, or the other way, or sequences of another length; otherwise as
 *   `readClip`.
 */
export async function prepareClip(
  { id, clip }: Pick<LabelledClip, 'id' | 'clip'>,
  form: ClipForm,
): Promise<PreparedClip> {
  if (form.encoder) {
    if (form.reader) return form.reader.read({ id, clip });
    throw new UsageError(`${id}: the model's encoder is not open`);
  }
  if (!('D' in clip)) {
    const { request, prepared } = frameForm(id, form);
    return prepared(await readClip(clip, request));
  }
  const { step, scale } = form.config;
  if (step.length === 1 && clip.D === step[0]) {
    return preparedSequence({ D: clip.D, values: centredValues(clip, scale?.points) });
  }
  throw new UsageError(
    `${id} has ${clip.D} numbers a step, but the model takes ${step.length === 1 ? `${step[0]}` : `frames of ${step.slice(1).join('x')}`}`,
  );
}
