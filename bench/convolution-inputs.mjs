// The inputs of the convolution benches, written once for all.
import { normal, writeManifest } from './captioner-inputs.mjs';
import { Random, squeezenetShapes } from './glimpse.mjs';

/** A layer in the middle of a network: photos, channels in and out, height and width. */
export const layer = { N: 16, C: 64, F: 64, H: 56, W: 56 };

/** A 3 x 3 convolution and a cotangent of its result. The bias keeps the loss away from 0. */
export function writeLayer(folder, { N, C, F, H, W } = layer) {
  const random = new Random(0);
  const b = normal(random, 0.1, F);
  const dy = normal(random, 1, N, F, H, W);
  return writeManifest(folder, {
    x: normal(random, 1, N, C, H, W),
    W: normal(random, (9 * C) ** -0.5, F, C, 3, 3),
    b: { ...b, values: b.values.map((value) => 1 + value) },
    dy: { ...dy, values: dy.values.map(Math.abs) },
  });
}

/** Photos of noise and a SqueezeNet 1.0 of random weights (He et al. 2015), its classifier too. */
export function writeSqueezenet(folder, N) {
  const random = new Random(0);
  const shapes = [
    ...squeezenetShapes,
    ['classifier.1.weight', [1000, 512, 1, 1]],
    ['classifier.1.bias', [1000]],
  ];
  const parameters = shapes.map(([name, shape]) => {
    const [, ...inputs] = shape;
    const scale = inputs.length > 0 ? (2 / inputs.reduce((a, b) => a * b)) ** 0.5 : 0.1;
    return [name, normal(random, scale, ...shape)];
  });
  return writeManifest(folder, {
    x: normal(random, 1, N, 3, 224, 224),
    ...Object.fromEntries(parameters),
  });
}
