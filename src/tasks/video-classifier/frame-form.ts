/** How frames are read for a model, and become numbers for it: as they are, or as the hardwired layer sees them. */
import type { Clip } from '../../data/video/clip.js';
import type { FrameRequest } from '../../data/video/frame-list.js';
import {
  type PreparedClip,
  preparedFrames,
  preparedMaps,
} from '../../data/video/prepared-clips.js';
import { UsageError } from '../../errors.js';
import { hardwiredMaps } from '../../motion/hardwired.js';
import type { VideoClassifierModel } from './kind.js';

/** What says how frames become numbers. */
export type FramesOf = Pick<VideoClassifierModel, 'config' | 'preprocessing' | 'rate'>;

/** How frames are read for a model, and become numbers. */
export interface FrameForm {
  readonly request: FrameRequest;
  /** Makes numbers of frames that were read so. */
  prepared(frames: Clip): PreparedClip;
}

/** @throws UsageError, saying what is wrong with `id`, for a model that takes sequences */
export function frameForm(id: string, { config, preprocessing, rate }: FramesOf): FrameForm {
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
