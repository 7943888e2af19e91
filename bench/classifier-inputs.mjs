// The inputs of one training step of an ST-CNN, written once for all.
import { normal, writeManifest } from './captioner-inputs.mjs';
import { fullClassifier, planClassifier, Random } from './glimpse.mjs';

/** Digits of MNIST rotated, scaled and translated on 42 x 42, an affine window of 28 x 28 onto them. */
export const classifier = {
  network: 'cnn',
  picture: [1, 42, 42],
  classes: 10,
  transformers: [{ transform: 'affine', localisation: 'conv', window: [28, 28] }],
};

/**
 * Pictures of noise, labels, and weights (He et al. 2015). The windows lie so near the identity that each
 * place stays between its four pixels: the slope of a picture jumps where it does not, and no two peers
 * round alike.
 */
export function writeClassifier(folder, N = 128) {
  const random = new Random(0);
  const { network, transformers } = planClassifier(fullClassifier(classifier));
  const [localisation] = transformers.map((one) => one.localisation);
  const parameters = { network, localisation };
  const entries = Object.entries(parameters).flatMap(([part, { layers }]) =>
    layers.flatMap(({ name, W, b, inputs }) => [
      [`${part}.${name}.W`, normal(random, (2 / inputs) ** 0.5, ...W)],
      [`${part}.${name}.b`, normal(random, 0.1, ...b)],
    ]),
  );
  const tensors = Object.fromEntries(entries);
  const last = `localisation.${localisation.layers.at(-1).name}`;
  const [W, b] = [tensors[`${last}.W`], tensors[`${last}.b`]];
  W.values = W.values.map((value) => 1e-3 * value);
  b.values = Float32Array.of(1, 0, 0, 0, 1, 0);
  const labels = Int32Array.from({ length: N }, () => Math.floor(10 * random.uniform()));
  return writeManifest(folder, {
    x: normal(random, 1, N, ...classifier.picture),
    labels: { shape: [N], values: labels },
    ...tensors,
  });
}
