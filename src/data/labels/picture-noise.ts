/** Noise on pictures, for models that learn to take it away (Vincent et al. 2008). */
import type { Random } from '../../random.js';

/** Normal values added; pixels set to 0; pixels set to 0 or 1. */
export const pictureNoises = ['none', 'gaussian', 'masking', 'salt-and-pepper'] as const;
export type PictureNoise = (typeof pictureNoises)[number];

/**
 * Puts noise on the values of a picture, in place.
 * @param level the deviation of normal noise, or the share of the values that are changed.
 */
export function addNoise(
  picture: Float32Array,
  noise: PictureNoise,
  level: number,
  random: Random,
): void {
  if (noise === 'none') return;
  for (let i = 0; i < picture.length; i++) {
    if (noise === 'gaussian') picture[i] = (picture[i] ?? 0) + level * random.normal();
    else if (random.uniform() < level) {
      picture[i] = noise === 'masking' ? 0 : Number(random.uniform() < 0.5);
    }
  }
}
