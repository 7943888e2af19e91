/** From a clip of a set to numbers for a network: its frames in the network's size, or what the hardwired layer makes of them. */
import type { Clip } from '../../data/video/clip.js';
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import {
  type PreparedClip,
  preparedFrames,
  preparedMaps,
  preparedSequence,
} from '../../data/video/prepared-clips.js';
import { type ClipRequest, readClip } from '../../data/video/read-clip.js';
import { centredValues } from '../../data/video/sequence-scale.js';
import { UsageError } from '../../errors.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import { hardwiredMaps } from '../../motion/hardwired.js';
import { samplingOf } from '../frame-encoder.js';
import { encodedFrames, requireFeatures, storedFrames } from '../frame-readers.js';
import type { VideoClassifierModel } from './kind.js';

/** What says how clips become numbers. */
export type ClipForm = Pick<
  VideoClassifierModel,
  'config' | 'preprocessing' | 'rate' | 'encoder' | 'reader'
>;

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

/** How frames are read for a model, and become numbers. */
export interface FrameForm {
  readonly request: ClipRequest;
  /** Makes numbers of frames that were read so. */
  prepared(frames: Clip): PreparedClip;
}

/** @throws UsageError, saying what is wrong with `id`, for a model that takes sequences */
export function frameForm(id: string, { config, preprocessing, rate }: ClipForm): FrameForm {
  const { step, network } = config;
  if (!preprocessing) {
    throw new UsageError(`${id} has frames, but the model takes ${step[0]} numbers a step`);
  }
  const area = preprocessing.width * preprocessing.height;
  const { gradient, flow } = config.ji ?? {};
  return {
    request: {
      size: preprocessing,
      channels: network === 'ji' || step[0] === 1 ? 1 : 3,
      ...(rate !== undefined && { sampling: { rate } }),
    },
    prepared: (frames) =>
      network === 'ji'
        ? preparedMaps(hardwiredMaps(frames, { gradient, flow }), step[0], area)
        : preparedFrames(frames, preprocessing),
  };
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
