/** Which class clips are of, as a whole or from stretch to stretch, for `glimpse classify`. */
import { clipFrames, readClip } from '../../data/video/read-clip.js';
import { stretchesOf } from '../../data/video/stretches.js';
import type { Classification } from '../classification.js';
import { classifyClip, framesForClassifier } from './classify-clip.js';
import { viewFlags } from './evaluation.js';
import type { VideoClassifierModel } from './kind.js';

export const classification: Classification<VideoClassifierModel> = {
  of: 'clip',
  options: viewFlags,
  start(model, asked, note) {
    const options = viewFlags.parse(asked);
    const request = { ...framesForClassifier(model), onNote: note };
    return {
      async classify(path) {
        return { guesses: await classifyClip(model, await readClip({ path }, request), options) };
      },
      async *follow(path, every) {
        const frames = clipFrames({ path }, request);
        for await (const { from, to, clip } of stretchesOf(frames, every, path)) {
          yield { from, to, guesses: await classifyClip(model, clip, options) };
        }
      },
    };
  },
};
