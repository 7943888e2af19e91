/** Which class photos are of, for `glimpse classify`. */
import { z } from 'zod';
import { pictureValues } from '../../data/pictures/picture-values.js';
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
    const { picture } = plan.config;
    return {
      async classify(path) {
        const values = await pictureValues(path, picture, { invert });
        using _work = scope();
        const x = tensor(values, { shape: [1, ...picture] });
        const [view] = viewsOf(plan, parameters, x);
        return {
          guesses: guessesOf(classes, view?.probabilities ?? []),
          facts: { windows: view?.windows ?? [] },
        };
      },
    };
  },
};
