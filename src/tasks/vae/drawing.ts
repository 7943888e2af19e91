/** What a variational autoencoder draws of codes, and what comes back of pictures. */
import { z } from 'zod';
import { binarise } from '../../data/labels/binarised-pictures.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { sampleNormal } from '../../layers/losses/likelihoods.js';
import {
  boundParts,
  pixelLogVariance,
  pixelMeans,
  vaeDecode,
} from '../../models/generative/vae.js';
import { randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { elementCount } from '../../tensor/shape.js';
import type { Generation, PictureGenerator } from '../generation.js';
import type { Reconstruction } from '../reconstruction.js';
import type { VaeModel } from './kind.js';

const drawing = z.object({
  temperature: z.number().min(0).max(10).default(1).meta({
    flag: '--temperature <number>',
    help: 'deviation of the codes: below 1 more usual pictures, above 1 less',
  }),
  samplePixels: z
    .boolean()
    .default(false)
    .meta({ flag: '--sample-pixels', help: 'draw every pixel instead of showing its mean' }),
});

export const generation: Generation<VaeModel> = {
  options: drawing,
  start(model, asked) {
    const { temperature, samplePixels } = drawing.parse(asked);
    return generatorOf(model, temperature, samplePixels);
  },
};

function generatorOf(
  { plan, parameters, classes }: VaeModel,
  temperature: number,
  samplePixels: boolean,
): PictureGenerator {
  const { config } = plan;
  const { latent: size, picture } = config;
  const decode = (codes: Float32Array, labels: Int32Array | undefined): Float32Array => {
    using _work = scope();
    const z = tensor(codes, { shape: [codes.length / size, size] });
    const told = labels && tensor(labels, { dtype: 'i32' });
    const scores = vaeDecode(plan, parameters, z, told);
    return Float32Array.from(pixelMeans(plan, scores).dataSync());
  };
  const labelsFor = (count: number, each: (n: number) => number) =>
    classes.length > 0 ? Int32Array.from({ length: count }, (_, n) => each(n)) : undefined;
  const codes: NonNullable<PictureGenerator['latent']>['codes'] = ({ first, count, seed }) => {
    const values = new Float32Array(count * size);
    for (let n = 0; n < count; n++) {
      const random = randomAt(seed, 'drawn code', 0, first + n);
      for (let j = 0; j < size; j++) values[n * size + j] = temperature * random.normal();
    }
    return values;
  };
  const deviation = deviationOf(parameters);
  return {
    shape: picture,
    classes,
    batch: 256,
    draw(request) {
      const { first, count, seed, label } = request;
      const labels = labelsFor(
        count,
        (n) => label ?? randomAt(seed, 'drawn class', 0, first + n).integer(classes.length),
      );
      const means = decode(codes(request), labels);
      if (!samplePixels) return means;
      const each = elementCount(picture);
      for (let n = 0; n < count; n++) {
        const random = randomAt(seed, 'drawn pixels', 0, first + n);
        for (let i = n * each; i < (n + 1) * each; i++) {
          const mean = means[i] ?? 0;
          means[i] =
            config.pixels === 'gaussian'
              ? mean + deviation * random.normal()
              : Number(random.uniform() < mean);
        }
      }
      return means;
    },
    latent: {
      size,
      codes,
      decode: (codes, label = 0) =>
        decode(
          codes,
          labelsFor(codes.length / size, () => label),
        ),
    },
  };
}

/** The deviation of Gaussian pixels; 0 of others. */
function deviationOf({ pixels }: VaeModel['parameters']): number {
  using _work = scope();
  return pixels ? Math.exp(pixelLogVariance(pixels).item() / 2) : 0;
}

const returning = z.object({
  sampleCode: z
    .boolean()
    .default(false)
    .meta({ flag: '--sample-code', help: 'draw the code instead of taking its mean' }),
  class: z
    .string()
    .optional()
    .meta({ flag: '--class <name>', help: 'of the pictures, for a model that is told of classes' }),
  seed: z.int().min(0).default(1).meta({ flag: '--seed <number>', help: 'of all that is drawn' }),
});

export const reconstruction: Reconstruction<VaeModel> = {
  options: returning,
  start({ plan, parameters, classes }, asked) {
    const { sampleCode, class: name, seed } = returning.parse(asked);
    const label = name === undefined ? -1 : classes.indexOf(name);
    if (classes.length > 0 && label < 0) {
      throw new UsageError(
        `the model is told the class of each picture: --class with one of ${classes.join(', ')}`,
      );
    }
    if (classes.length === 0 && name !== undefined) {
      throw new UsageError(`--class ${name}: the model knows no classes: leave it out`);
    }
    const { latent, picture, binarise: how } = plan.config;
    return {
      shape: picture,
      reconstruct(values, first) {
        using _work = scope();
        const N = values.length / elementCount(picture);
        const labels = new Int32Array(N).fill(Math.max(0, label));
        const given = Float32Array.from(values);
        const each = elementCount(picture);
        for (let n = 0; n < N; n++) {
          const own = given.subarray(n * each, (n + 1) * each);
          binarise(own, how, () => randomAt(seed, 'binarise', 0, first + n));
        }
        const x = tensor(given, { shape: [N, ...picture] });
        const seen = classes.length > 0 ? { x, labels: tensor(labels, { dtype: 'i32' }) } : { x };
        const noise = new Float32Array(N * latent);
        for (let n = 0; n < N; n++) {
          const random = randomAt(seed, 'latent', 0, first + n);
          for (let j = 0; j < latent; j++) noise[n * latent + j] = random.normal();
        }
        const drawn = tensor(noise, { shape: [N, latent] });
        const { logLikelihood, kl, code } = boundParts(plan, parameters, seen, drawn);
        const z = sampleCode ? sampleNormal(code.mean, code.logVariance, drawn) : code.mean;
        const scores = vaeDecode(plan, parameters, z, 'labels' in seen ? seen.labels : undefined);
        const [likelihoods, divergences] = [logLikelihood.dataSync(), kl.dataSync()];
        return {
          values: Float32Array.from(pixelMeans(plan, scores).dataSync()),
          ...(how !== 'none' && { given }),
          facts: Array.from(likelihoods, (reconstruction, n) => {
            const own = divergences.subarray(n * latent, (n + 1) * latent);
            const divergence = Array.from(own).reduce((a, b) => a + b, 0);
            return { elbo: reconstruction - divergence, reconstruction, kl: divergence };
          }),
        };
      },
    };
  },
};
