/** Which class photos are of, for `glimpse classify`. */
import { z } from 'zod';
import { loadPixels } from '../../data/pictures/photos.js';
import { colourPlanes, greyPlane } from '../../data/pictures/pixels.js';
import { scope } from '../../engine/engine.js';
import { tensor } from '../../tensor/create.js';
import { type Classification, guessesOf } from '../classification.js';
import type { ClassifierModel } from './kind.js';
import { viewsOf } from './views.js';

const options = z.object({
  invert: z
    .boolean()
    .default(false)
    .meta({ flag: '--invert', help: 'take black for white: for dark digits on paper' }),
});

export const classification: Classification<ClassifierModel> = {
  of: 'photo',
  options,
  start({ plan, parameters, classes }, asked) {
    const { invert } = options.parse(asked);
    const [channels, height, width] = plan.config.picture;
    return {
      async classify(path) {
        const pixels = await loadPixels({ path }, { width, height, resize: 'squash' });
        const bytes = channels === 1 ? greyPlane(pixels) : colourPlanes(pixels);
        using _work = scope();
        const values = Float32Array.from(bytes, (byte) => (invert ? 255 - byte : byte) / 255);
        const x = tensor(values, { shape: [1, channels, height, width] });
        const [view] = viewsOf(plan, parameters, x);
        return {
          guesses: guessesOf(classes, view?.probabilities ?? []),
          facts: { windows: view?.windows ?? [] },
        };
      },
    };
  },
};
