// The inputs of one captioner step, written once for all: a manifest and raw little-endian files.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from './glimpse.mjs';

/** Features, words, hidden units, vocabulary and time steps of the benchmark. */
export const sizes = { D: 512, W: 256, H: 512, V: 1004, T: 16 };

/** Writes `manifest.json` and its files into a folder. Word 0 is padding, 1 starts a caption. */
export function writeInputs(folder, N, { D, W, H, V, T } = sizes) {
  const random = new Random(0);
  const normal = (scale, ...shape) => ({
    shape,
    values: Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => random.normal() * scale,
    ),
  });
  const values = {
    features: normal(1, N, D),
    captions: { shape: [N, T + 1], values: captions(random, N, T, V) },
    Wproj: normal(D ** -0.5, D, H),
    bproj: normal(0.1, H),
    Wembed: normal(0.1, V, W),
    Wx: normal(W ** -0.5, W, 4 * H),
    Wh: normal(H ** -0.5, H, 4 * H),
    b: normal(0.1, 4 * H),
    Wvocab: normal(H ** -0.5, H, V),
    bvocab: normal(0.1, V),
  };
  const manifest = {};
  for (const [name, { shape, values: array }] of Object.entries(values)) {
    const file = `${name}.bin`;
    writeFileSync(join(folder, file), new Uint8Array(array.buffer));
    manifest[name] = {
      dtype: array instanceof Int32Array ? 'int32' : 'float32',
      shape,
      file,
    };
  }
  const path = join(folder, 'manifest.json');
  writeFileSync(path, JSON.stringify(manifest));
  return path;
}

/** Lengths are spread evenly over 5 to T + 1 words. */
function captions(random, N, T, V) {
  const words = new Int32Array(N * (T + 1));
  for (let n = 0; n < N; n++) {
    const length = 5 + Math.floor(random.uniform() * (T - 3));
    words[n * (T + 1)] = 1;
    for (let t = 1; t < length; t++) {
      words[n * (T + 1) + t] = 4 + Math.floor(random.uniform() * (V - 4));
    }
  }
  return words;
}
