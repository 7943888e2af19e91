/** Which class clips are of, as a whole or from stretch to stretch, for `glimpse classify`. */
import type { Clip } from '../../data/video/clip.js';
import type { PreparedClip } from '../../data/video/prepared-clips.js';
import { type ClipRequest, clipFrames, readClip } from '../../data/video/read-clip.js';
import { stretchesOf } from '../../data/video/stretches.js';
import { restoreEncoder } from '../../models/encoders/open.js';
import type { Classification } from '../classification.js';
import { samplingOf } from '../frame-encoder.js';
import { encodedFrames } from '../frame-readers.js';
import { guessesOfClip } from './classify-clip.js';
import { checkViews, viewFlags } from './evaluation.js';
import { frameForm } from './frame-form.js';
import type { VideoClassifierModel } from './kind.js';

export const classification: Classification<VideoClassifierModel> = {
  of: 'clip',
  options: viewFlags,
  async start(model, asked, note) {
    const options = viewFlags.parse(asked);
    checkViews(model.config.view, options);
    const { whole, stretches } = await formOf(model, note);
    const guesses = (clip: PreparedClip) => guessesOfClip(model, clip, options);
    return {
      async classify(path) {
        return { guesses: await guesses(await whole(path)) };
      },
      async *follow(path, every) {
        const { request, prepared } = stretches;
        const frames = clipFrames({ path }, request);
        for await (const { from, to, clip } of stretchesOf(frames, every, path)) {
          yield { from, to, guesses: await guesses(await prepared(clip)) };
        }
      },
    };
  },
};

/** How a model takes in clips of files. */
interface Form {
  whole(path: string): Promise<PreparedClip>;
  /** How the frames of stretches are read, and become numbers. */
  readonly stretches: {
    readonly request: ClipRequest;
    prepared(frames: Clip): PreparedClip | Promise<PreparedClip>;
  };
}

async function formOf(model: VideoClassifierModel, onNote: (text: string) => void): Promise<Form> {
  const { encoder: saved, preprocessing: size, rate } = model;
  if (!saved) {
    const { request: frames, prepared } = frameForm('a video', model);
    const request = { ...frames, onNote };
    return {
      whole: async (path) => prepared(await readClip({ path }, request)),
      stretches: { request, prepared },
    };
  }
  const encoder = await restoreEncoder(saved);
  const { frames } = saved;
  const ofFiles = encodedFrames(encoder, samplingOf(saved, rate), { onNote });
  // The frames of a stretch are taken by rate when they are read, but evenly when all of them are known.
  const ofStretches = encodedFrames(encoder, { frames });
  return {
    whole: (path) => ofFiles.read({ id: path, clip: { path } }),
    stretches: {
      request: { size, onNote, sampling: frames === undefined ? { rate } : {} },
      prepared: (clip) => ofStretches.read({ id: 'a stretch of a clip', clip }),
    },
  };
}
