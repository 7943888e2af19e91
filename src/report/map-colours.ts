/** Colours of what networks see besides pictures: numbers, with a sign or without. */

/** The colours of -1, 0 and 1: blue, nearly black, orange. */
const BELOW = [84, 150, 255] as const;
const ZERO = [14, 16, 21] as const;
const ABOVE = [255, 158, 48] as const;

/** Below 1: small numbers are seen, too. */
const GAMMA = 0.7;

/**
 * Numbers with a sign as pixels: orange above 0, blue below, the brighter the further from it.
 * @param most the number that has full colour.
 * @returns red, green, blue of each.
 */
export function signedPixels(values: ArrayLike<number>, most: number): Uint8Array {
  const pixels = new Uint8Array(3 * values.length);
  for (let i = 0; i < values.length; i++) {
    const value = (values[i] ?? 0) / most;
    const share = Math.min(1, Math.abs(value) || 0) ** GAMMA;
    const end = value < 0 ? BELOW : ABOVE;
    for (const [c, zero] of ZERO.entries()) {
      pixels[3 * i + c] = Math.round(zero + share * ((end[c] ?? 0) - zero));
    }
  }
  return pixels;
}

/** Numbers as grey pixels: black is the lowest, white the highest. */
export function greyPixels(values: ArrayLike<number>): Uint8Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] ?? 0);
    high = Math.max(high, values[i] ?? 0);
  }
  const pixels = new Uint8Array(3 * values.length);
  for (let i = 0; i < values.length; i++) {
    pixels.fill(Math.round((255 * ((values[i] ?? 0) - low)) / (high - low || 1)), 3 * i, 3 * i + 3);
  }
  return pixels;
}

/** The size below which all but one in a hundred numbers lie: what is shown in full colour. */
export function usualMost(values: ArrayLike<number>): number {
  const sizes = Float64Array.from(values, (value) => Math.abs(value)).sort();
  return sizes[Math.floor(0.99 * (sizes.length - 1))] || sizes.at(-1) || 1;
}
