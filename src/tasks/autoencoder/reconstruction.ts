/** What an autoencoder brings back of pictures, with noise put on them if that is asked for. */
import { z } from 'zod';
import { binarise } from '../../data/labels/binarised-pictures.js';
import { addNoise } from '../../data/labels/picture-noise.js';
import { scope } from '../../engine/engine.js';
import { autodecode, autodecoded, autoencode } from '../../models/generative/autoencoder.js';
import { randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import type { Reconstruction } from '../reconstruction.js';
import type { AutoencoderModel } from './kind.js';
import { autoencoderRecipeSchema } from './recipe.js';

const { noise, noiseLevel } = autoencoderRecipeSchema.shape;

const options = z.object({
  noise: noise.meta({ ...noise.meta(), help: 'to put on the pictures first' }),
  noiseLevel,
  codes: z
    .boolean()
    .default(false)
    .meta({ flag: '--codes', help: 'tell the code of each picture, too (with --json)' }),
  seed: z.int().min(0).default(1).meta({ flag: '--seed <number>', help: 'of the noise' }),
});

export const reconstruction: Reconstruction<AutoencoderModel> = {
  options,
  start({ plan, parameters }, asked) {
    const { noise, noiseLevel, codes, seed } = options.parse(asked);
    const { picture, latent, binarise: how } = plan.config;
    const each = elementCount(picture);
    return {
      shape: picture,
      reconstruct(values, first) {
        using _work = scope();
        const given = Float32Array.from(values);
        const N = values.length / each;
        for (let n = 0; n < N; n++) {
          const one = given.subarray(n * each, (n + 1) * each);
          binarise(one, how, () => randomAt(seed, 'binarise', 0, first + n));
          addNoise(one, noise, noiseLevel, randomAt(seed, 'noise', 0, first + n));
        }
        const code = autoencode(plan, parameters, tensor(given, { shape: [N, ...picture] }));
        const back = autodecoded(plan, autodecode(plan, parameters, code));
        const all = code.dataSync();
        return {
          values: Float32Array.from(back.dataSync()),
          ...((how !== 'none' || noise !== 'none') && { given }),
          ...(codes && {
            facts: Array.from({ length: N }, (_, n) => ({
              code: Array.from(all.subarray(n * latent, (n + 1) * latent)),
            })),
          }),
        };
      },
    };
  },
};
