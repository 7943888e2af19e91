// The inputs of one captioner step, written once for all: a manifest and raw little-endian files.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from './glimpse.mjs';

/** Features, words, hidden units, vocabulary and time steps of the benchmark. */
export const sizes = { D: 512, W: 256, H: 512, V: 1004, T: 16 };

/** Writes `manifest.json` and its files into a folder. Word 0 is padding, 1 starts a caption. */
export function writeInputs(folder, N, { D, W, H, V, T } = sizes) {
  const random = new Random(0);
  return writeManifest(folder, {
    features: normal(random, 1, N, D),
    captions: { shape: [N, T + 1], values: captions(random, N, T, V) },
    Wproj: normal(random, D ** -0.5, D, H),
    bproj: normal(random, 0.1, H),
    Wembed: normal(random, 0.1, V, W),
    Wx: normal(random, W ** -0.5, W, 4 * H),
    Wh: normal(random, H ** -0.5, H, 4 * H),
    b: normal(random, 0.1, 4 * H),
    Wvocab: normal(random, H ** -0.5, H, V),
    bvocab: normal(random, 0.1, V),
  });
}

/** Normal numbers of a standard deviation. */
export function normal(random, scale, ...shape) {
  const length = shape.reduce((a, b) => a * b);
  return { shape, values: Float32Array.from({ length }, () => random.normal() * scale) };
}

/** `name -> { shape, values }` as files beside a manifest, whose path is returned. */
export function writeManifest(folder, inputs) {
  const manifest = {};
  for (const [name, { shape, values }] of Object.entries(inputs)) {
    const file = `${name}.bin`;
    writeFileSync(join(folder, file), new Uint8Array(values.buffer));
    manifest[name] = {
      dtype: values instanceof Int32Array ? 'int32' : 'float32',
      shape,
      file,
    };
  }
  const path = join(folder, 'manifest.json');
  writeFileSync(path, JSON.stringify(manifest));
  return path;
}

/** Lengths are spread evenly over 5 to T + 1 words. */
export function captions(random, N, T, V) {
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
