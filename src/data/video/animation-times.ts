/** How long the frames of animated GIF and WebP are shown, and whether a GIF is whole. */

/** Browsers show a frame that says 10 ms or less as long as this, in ms. */
const HURRIED = 10;
const USUAL_DELAY = 100;

/**
 * When each frame of an animation is shown, and when the last one ends, in seconds.
 * @param delays of the frames as the file says, in ms; undefined where it does not.
 */
export function framesShown(delays: readonly (number | undefined)[]): {
  readonly times: Float64Array;
  readonly end: number;
} {
  let ms = 0;
  const times = Float64Array.from(delays, (delay = USUAL_DELAY) => {
    const begin = ms;
    ms += delay <= HURRIED ? USUAL_DELAY : delay;
    return begin / 1000;
  });
  return { times, end: ms / 1000 };
}

/** Whether a GIF's blocks end without the one that says so. */
export function isCutGif(bytes: Uint8Array): boolean {
  const at = (place: number) => bytes[place] ?? 0;
  if (at(0) !== 0x47) return false;
  const table = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  // Header and screen, then blocks: ";" ends, "," is a picture, "!" an extension.
  let place = 13 + table(at(10));
  while (place < bytes.length) {
    const kind = at(place);
    if (kind === 0x3b) return false;
    if (kind === 0x2c) place += 11 + table(at(place + 9));
    else if (kind === 0x21) place += 2;
    // What else stands there a decoder may know.
    else return false;
    while (at(place) !== 0) place += 1 + at(place);
    place++;
  }
  return true;
}
