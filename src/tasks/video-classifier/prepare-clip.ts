/** From a clip of a set to numbers for a network: frames that are read for it, or a sequence. */
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import { type PreparedClip, preparedSequence } from '../../data/video/prepared-clips.js';
import { readClip } from '../../data/video/read-clip.js';
import { centredValues } from '../../data/video/sequence-scale.js';
import { UsageError } from '../../errors.js';
import { type ClipForm, frameForm } from './frame-form.js';

/**
 * Makes numbers of a clip.
 * @throws UsageError for frames where sequences are taken, or the other way, or sequences of another length; otherwise as
 *   `readClip`.
 */
export async function prepareClip(
  { id, clip }: Pick<LabelledClip, 'id' | 'clip'>,
  form: ClipForm,
): Promise<PreparedClip> {
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
