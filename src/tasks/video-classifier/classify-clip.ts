/** What a classifier says of one clip that is in memory: in Node and in a page alike. */
import type { Clip } from '../../data/video/clip.js';
import type { FrameRequest } from '../../data/video/frame-list.js';
import type { PreparedClip } from '../../data/video/prepared-clips.js';
import { ShapeError } from '../../errors.js';
import { type Guess, guessesOf } from '../classification.js';
import { type JudgeOptions, judgeClips } from './evaluation.js';
import { frameForm } from './frame-form.js';
import { ClipInputs } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';

/**
 * Which frames a classifier takes of a video, and in which size: for `readClip` in Node, `readClipInPage` in a page.
 * @throws UsageError for a model that takes sequences of numbers
 */
export function framesForClassifier(model: VideoClassifierModel): FrameRequest {
  return frameForm('a video', model).request;
}

/**
 * The classes of a clip, the likeliest first.
 *
 *     const { model } = decodeModel(videoClassifierKind, parseSafetensors(bytes, 'best'), 'best');
 *     const clip = await readClipInPage(file, framesForClassifier(model));
 *     const [first] = await classifyClip(model, clip);
 *
 * @param clip read as `framesForClassifier` says.
 * @throws UsageError for a model that takes sequences; ShapeError for frames of another size
 */
export async function classifyClip(
  model: VideoClassifierModel,
  clip: Clip,
  options: Pick<JudgeOptions, 'batchSize' | 'hop' | 'views'> = {},
): Promise<readonly Guess[]> {
  const { request, prepared } = frameForm('a video', model);
  const { size, channels = 3 } = request;
  const { width, height } = size ?? clip;
  if (clip.width !== width || clip.height !== height || clip.channels !== channels) {
    throw new ShapeError(
      `The clip has frames of ${clip.width}x${clip.height} in ${clip.channels} channels, the network expects ${width}x${height} in ${channels}: read it as framesForClassifier says.`,
    );
  }
  return guessesOfClip(model, prepared(clip), options);
}

/** The classes of a clip that is numbers already, the likeliest first. */
export async function guessesOfClip(
  model: VideoClassifierModel,
  clip: PreparedClip,
  options: JudgeOptions,
): Promise<readonly Guess[]> {
  const one = [{ id: 'the clip', clip: { path: '' }, label: 0 }];
  const inputs = new ClipInputs(one, model.config, async () => clip);
  const { probabilities } = await judgeClips(model, inputs, options);
  return guessesOf(model.classes, probabilities[0] ?? []);
}
