// The inputs of the benches of optical flow: pairs of smooth images, and OpenCV's options.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeManifest } from './captioner-inputs.mjs';
import { Random } from './glimpse.mjs';

/** OpenCV's defaults (of its class), those of its examples, and a Gaussian window. */
const byDefault = {
  pyrScale: 0.5,
  levels: 5,
  winSize: 13,
  iterations: 10,
  polyN: 5,
  polySigma: 1.1,
};
const short = { ...byDefault, levels: 3, winSize: 15, iterations: 3 };

/** Pairs of images: ten clips of 7 frames, and one and four of a camera. */
export const cases = {
  clips: { N: 60, H: 60, W: 40, options: byDefault },
  camera: { N: 1, H: 480, W: 640, options: byDefault },
  cameras: { N: 4, H: 480, W: 640, options: short },
  gaussian: { N: 1, H: 480, W: 640, options: { ...byDefault, window: 'gaussian' } },
};

/** A sum of waves, from 0 to 255, that moves by a pixel and a half. */
export function writePairs(folder, { N, H, W, options }) {
  const random = new Random(0);
  const waves = Array.from({ length: 12 }, () => {
    const [angle, length] = [2 * Math.PI * random.uniform(), 10 + 30 * random.uniform()];
    const k = (2 * Math.PI) / length;
    return [k * Math.cos(angle), k * Math.sin(angle), 2 * Math.PI * random.uniform()];
  });
  const images = (u, v) => ({
    shape: [N, H, W],
    values: Float32Array.from({ length: N * H * W }, (_, i) => {
      const [x, y] = [(i % W) - u, (Math.floor(i / W) % H) - v];
      const n = Math.floor(i / (H * W));
      const sum = waves.reduce(
        (all, [a, b, phase]) => all + Math.sin(a * x + b * y + phase + n),
        0,
      );
      return Math.min(255, Math.max(0, 128 + 30 * sum));
    }),
  });
  writeFileSync(join(folder, 'options.json'), JSON.stringify(options));
  return writeManifest(folder, { previous: images(0, 0), next: images(1.25, -0.75) });
}
