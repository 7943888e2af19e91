/** The colours of optical flow, in the page and out of it: the direction is the hue, the length the saturation. */

export type FlowColours = ReturnType<typeof flowColours>;

/**
 * The colour wheel of the Middlebury benchmark: motion to the right is red, downwards yellow, to the left cyan, upwards
 * violet-blue; what rests is white, and the longer the way, the fuller the colour. Motion beyond the full length is
 * darker, and what is not finite is black.
 *
 * Stands alone, so that its text may travel into a page.
 *
 * Source: Baker et al. 2007, "A database and evaluation methodology for optical flow", and its `colorcode.cpp`.
 */
export function flowColours() {
  /** From a colour to the next one, and in how many steps: more where the eye tells more of them apart. */
  const ways: readonly (readonly [
    steps: number,
    from: readonly number[],
    to: readonly number[],
  ])[] = [
    [15, [255, 0, 0], [255, 255, 0]],
    [6, [255, 255, 0], [0, 255, 0]],
    [4, [0, 255, 0], [0, 255, 255]],
    [11, [0, 255, 255], [0, 0, 255]],
    [13, [0, 0, 255], [255, 0, 255]],
    [6, [255, 0, 255], [255, 0, 0]],
  ];
  const wheel = ways.flatMap(([steps, from, to]) =>
    Array.from({ length: steps }, (_, i) =>
      from.map((first, c) => {
        const last = to[c] ?? 0;
        const step = Math.floor((255 * i) / steps);
        return last > first ? step : last < first ? 255 - step : first;
      }),
    ),
  );

  /** Writes the red, green and blue of a motion whose full length is 1. */
  function put(u: number, v: number, out: Uint8Array, at: number): void {
    const length = Math.hypot(u, v);
    if (!Number.isFinite(length)) {
      out.fill(0, at, at + 3);
      return;
    }
    // 0 when the motion is to the right, then clockwise as the picture is seen, y being downwards.
    const turn = (Math.atan2(-v, -u) / Math.PI + 1) / 2;
    const place = turn * (wheel.length - 1);
    const first = Math.floor(place);
    const share = place - first;
    const [from = [], to = []] = [wheel[first], wheel[(first + 1) % wheel.length]];
    for (let c = 0; c < 3; c++) {
      const full = ((1 - share) * (from[c] ?? 0) + share * (to[c] ?? 0)) / 255;
      // Rounding makes nothing longer than full.
      const colour = length > 1 + 1e-6 ? 0.75 * full : 1 - Math.min(1, length) * (1 - full);
      out[at + c] = Math.floor(255 * colour);
    }
  }

  /**
   * A flow as pixels.
   * @param x motion to the right, and y downwards, of each place.
   * @param most the length that has full colour.
   * @returns red, green and blue of each place.
   */
  function pixels(x: ArrayLike<number>, y: ArrayLike<number>, most: number): Uint8Array {
    const out = new Uint8Array(3 * x.length);
    for (let i = 0; i < x.length; i++) {
      put((x[i] ?? Number.NaN) / most, (y[i] ?? Number.NaN) / most, out, 3 * i);
    }
    return out;
  }

  /** The same of a flow (H, W, 2), x before y, as `farneback` and `hornSchunck` find it. */
  function fieldPixels(flow: ArrayLike<number>, most: number): Uint8Array {
    const out = new Uint8Array(3 * Math.floor(flow.length / 2));
    for (let i = 0; 2 * i < flow.length - 1; i++) {
      put((flow[2 * i] ?? 0) / most, (flow[2 * i + 1] ?? 0) / most, out, 3 * i);
    }
    return out;
  }

  /** The longest motion of a flow (H, W, 2) that is finite, to be its `most`; 1 where nothing moves. */
  function longest(flow: ArrayLike<number>): number {
    let most = 0;
    for (let i = 0; 2 * i < flow.length - 1; i++) {
      const length = Math.hypot(flow[2 * i] ?? 0, flow[2 * i + 1] ?? 0);
      if (length > most && Number.isFinite(length)) most = length;
    }
    return most || 1;
  }

  /**
   * The legend: a disc whose every place has the colour of the motion from its middle to there, full at the rim.
   * @returns red, green, blue and opacity of `side` times `side` pixels; nothing is seen outside of the disc.
   */
  function legend(side: number): Uint8ClampedArray<ArrayBuffer> {
    const out = new Uint8ClampedArray(4 * side * side);
    const colour = new Uint8Array(3);
    const radius = side / 2;
    for (let i = 0; i < side * side; i++) {
      const u = ((i % side) + 0.5 - radius) / radius;
      const v = (Math.floor(i / side) + 0.5 - radius) / radius;
      const length = Math.hypot(u, v);
      // The rim's pixels fade, so that it looks round.
      const inside = Math.min(1, Math.max(0, (1 - length) * radius + 0.5));
      const within = Math.max(1, length);
      put(u / within, v / within, colour, 0);
      out.set(colour, 4 * i);
      out[4 * i + 3] = 255 * inside;
    }
    return out;
  }

  return { pixels, fieldPixels, longest, legend };
}
