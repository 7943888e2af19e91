/** From a clip of a set to numbers for a network: its frames in the network's size, or what the hardwired layer makes of them. */
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import {
  type PreparedClip,
  preparedFrames,
  preparedMaps,
  preparedSequence,
} from '../../data/video/prepared-clips.js';
import { readClip } from '../../data/video/read-clip.js';
import { centredValues } from '../../data/video/sequence-scale.js';
import { UsageError } from '../../errors.js';
import { hardwiredMaps } from '../../motion/hardwired.js';
import type { VideoClassifierModel } from './kind.js';

/** What says how clips become numbers. */
export type ClipForm = Pick<VideoClassifierModel, 'config' | 'preprocessing' | 'rate'>;

/**
 * Makes numbers of a clip.
 * @throws UsageError for frames where sequences are taken, or the other way, or sequences of another length; otherwise as
 *   `readClip`.
 */
export async function prepareClip(
  { id, clip }: Pick<LabelledClip, 'id' | 'clip'>,
  { config, preprocessing, rate }: ClipForm,
): Promise<PreparedClip> {
  const { step, network } = config;
  if ('D' in clip) {
    if (step.length === 1 && clip.D === step[0]) {
      return preparedSequence({ D: clip.D, values: centredValues(clip, config.scale?.points) });
    }
    throw new UsageError(
      `${id} has ${clip.D} numbers a step, but the model takes ${step.length === 1 ? `${step[0]}` : `frames of ${step.slice(1).join('x')}`}`,
    );
  }
  if (!preprocessing) {
    throw new UsageError(`${id} has frames, but the model takes ${step[0]} numbers a step`);
  }
  const channels = network === 'ji' || step[0] === 1 ? 1 : 3;
  const frames = await readClip(clip, {
    size: preprocessing,
    channels,
    ...(rate !== undefined && { sampling: { rate } }),
  });
  if (network !== 'ji') return preparedFrames(frames, preprocessing);
  const { gradient, flow } = config.ji ?? {};
  const maps = hardwiredMaps(frames, { gradient, flow });
  return preparedMaps(maps, step[0], preprocessing.width * preprocessing.height);
}
