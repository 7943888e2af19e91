/** Which class clips are of, as a whole or from stretch to stretch, for `glimpse classify`. */
import type { PreparedClip } from '../../data/video/prepared-clips.js';
import { clipFrames, readClip } from '../../data/video/read-clip.js';
import { stretchesOf } from '../../data/video/stretches.js';
import { type Classification, guessesOf } from '../classification.js';
import { checkViews, judgeClips, viewFlags } from './evaluation.js';
import { ClipInputs } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';
import { frameForm } from './prepare-clip.js';

export const classification: Classification<VideoClassifierModel> = {
  of: 'clip',
  options: viewFlags,
  start(model, asked, note) {
    const options = viewFlags.parse(asked);
    checkViews(model.config.view, options);
    const { request: frames, prepared } = frameForm('a video', model);
    const request = { ...frames, onNote: note };
    const { classes } = model;
    const guesses = async (clip: PreparedClip) => {
      const one = [{ id: '', clip: { path: '' }, label: 0 }];
      const inputs = new ClipInputs(one, model.config, () => Promise.resolve(clip));
      const { probabilities } = await judgeClips(model, inputs, options);
      return guessesOf(classes, probabilities[0] ?? []);
    };
    return {
      async classify(path) {
        return { guesses: await guesses(prepared(await readClip({ path }, request))) };
      },
      async *follow(path, every) {
        const frames = clipFrames({ path }, request);
        for await (const { from, to, clip } of stretchesOf(frames, every, path)) {
          yield { from, to, guesses: await guesses(prepared(clip)) };
        }
      },
    };
  },
};
