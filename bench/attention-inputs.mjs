// The inputs of one step of a captioner with additive attention, written once for all.
import { captions, normal, writeManifest } from './captioner-inputs.mjs';
import { Random } from './glimpse.mjs';

/**
 * Batch, places and their features (a 13 x 13 grid of SqueezeNet), words, hidden units, the
 * attention's own size, values, vocabulary and time steps of the benchmark.
 */
export const sizes = {
  N: 64,
  L: 169,
  D: 512,
  W: 256,
  H: 512,
  A: 512,
  E: 512,
  V: 2540,
  T: 16,
};

/** Writes `manifest.json` and its files into a folder. Features are those of a relu: none is negative. */
export function writeInputs(folder, { N, L, D, W, H, A, E, V, T } = sizes) {
  const random = new Random(0);
  const features = normal(random, 1, N, L, D);
  const weights = (inputs, outputs) => normal(random, inputs ** -0.5, inputs, outputs);
  return writeManifest(folder, {
    features: { ...features, values: features.values.map((value) => Math.max(0, value)) },
    captions: { shape: [N, T + 1], values: captions(random, N, T, V) },
    Wvalues: weights(D, E),
    bvalues: normal(random, 0.1, E),
    Wproj: weights(E, H),
    bproj: normal(random, 0.1, H),
    Wmemory: weights(E, H),
    bmemory: normal(random, 0.1, H),
    Wembed: normal(random, 0.1, V, W),
    Wk: weights(E, A),
    Wq: weights(H, A),
    bq: normal(random, 0.1, A),
    v: normal(random, A ** -0.5, A),
    Wx: weights(W, 4 * H),
    Wz: weights(E, 4 * H),
    Wh: weights(H, 4 * H),
    b: normal(random, 0.1, 4 * H),
    Wvocab: weights(H, V),
    bvocab: normal(random, 0.1, V),
  });
}
