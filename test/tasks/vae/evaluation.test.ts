import { describe, expect, test } from 'vitest';
import { BinarisedPictures } from '@/data/labels/binarised-pictures.js';
import type { LabelledPictures } from '@/data/labels/labelled-pictures.js';
import { scope } from '@/engine/engine.js';
import {
  fullVae,
  planVae,
  type VaeOptions,
  type VaeParameters,
  vaeShapes,
} from '@/models/generative/vae.js';
import { initialise } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { measureBound, measureLikelihood } from '@/tasks/vae/evaluation.js';

function modelOf(options: VaeOptions) {
  const plan = planVae(fullVae(options));
  return {
    plan,
    parameters: initialise<VaeParameters>(vaeShapes(plan), new Random(6)),
    classes: [],
  };
}

/** All pictures of 3 x 3 pixels. */
const all: LabelledPictures = {
  ...{ channels: 1, height: 3, width: 3 },
  values: Uint8Array.from(
    { length: 512 * 9 },
    (_, i) => 255 * ((Math.floor(i / 9) >> (i % 9)) & 1),
  ),
  labels: new Int32Array(512),
};

describe('log-likelihood', () => {
  test('of all pictures of 3 x 3: their probabilities add up to 1', () => {
    using _work = scope();
    const model = modelOf({ picture: [1, 3, 3], hidden: [16], latent: 2, binarise: 'none' });
    // Weights of a size at which the code matters.
    for (const { W } of Object.values(model.parameters.decoder)) {
      W.assign(Array.from(W.dataSync(), (w) => 3 * w));
    }
    const pictures = new BinarisedPictures(all);
    let sum = 0;
    for (let n = 0; n < 512; n++) {
      const { values } = all;
      const one = { ...all, values: values.slice(9 * n, 9 * n + 9), labels: new Int32Array(1) };
      sum += Math.exp(
        measureLikelihood(model, new BinarisedPictures(one), { samples: 400, seed: n })
          .logLikelihood,
      );
    }
    expect(sum).toBeGreaterThan(0.99);
    expect(sum).toBeLessThan(1.01);
    expect(measureBound(model, pictures).pictures).toBe(512);
  });

  test('of a linear model with a normal error is that of its normal distribution', () => {
    using _work = scope();
    const model = modelOf({ picture: [1, 1, 2], hidden: [], latent: 1, pixels: 'gaussian' });
    const { decoder, pixels } = model.parameters;
    decoder.out?.W.assign([0.8, -0.5]);
    decoder.out?.b.assign([0.1, 0.3]);
    pixels?.logVariance.assign([-1.2]);
    const x = [0.9, 0.25];
    const picture = {
      channels: 1,
      height: 1,
      width: 2,
      values: Float32Array.from(x),
      labels: new Int32Array(1),
    };
    // p(x) = N(b, W Wᵀ + v 1).
    const v = Math.exp(-1.2) + Math.exp(-12);
    const [a, c, d] = [0.64 + v, -0.4, 0.25 + v];
    const determinant = a * d - c * c;
    const [u, w] = [0.8, -0.05];
    const quadratic = (d * u * u - 2 * c * u * w + a * w * w) / determinant;
    const exact = -Math.log(2 * Math.PI) - Math.log(determinant) / 2 - quadratic / 2;
    const pictures = new BinarisedPictures(picture);
    const { logLikelihood } = measureLikelihood(model, pictures, { samples: 20_000 });
    expect(logLikelihood).toBeCloseTo(exact, 2);
    expect(measureBound(model, pictures).elbo).toBeLessThan(exact + 0.5);
  });

  test('needs as much memory for many samples as for some, and is the same however it is cut', () => {
    using _work = scope();
    const model = modelOf({ picture: [1, 3, 3], hidden: [4], latent: 2, binarise: 'none' });
    const pictures = new BinarisedPictures(all);
    const some = measureLikelihood(model, pictures, { samples: 1500, count: 2 });
    const one = measureLikelihood(model, pictures, { samples: 1500, count: 1 });
    expect(one.standardError).toBe(0);
    expect(some.samples).toBe(1500);
    // More samples make the bound sharper: less KL is lost.
    const few = measureLikelihood(model, pictures, { samples: 1, count: 200 }).logLikelihood;
    const many = measureLikelihood(model, pictures, { samples: 64, count: 200 }).logLikelihood;
    expect(many).toBeGreaterThan(few);
  });
});
