/** Brings pixels to the size of a preprocessing by itself: for pages, where the package sharp is not. */
import type { Pixels } from './pixels.js';
import type { PictureSize, Resampling } from './preprocessing.js';

/**
 * A picture in the size that a network expects: what `loadPixels` makes of it, up to small differences.
 * Along each axis, with centres c = (i + 1/2) s - 1/2 and s pixels of the picture for one of the result:
 *
 *     out[i] = sum_j k((j - c) / max(s, 1)) in[j] / sum_j k((j - c) / max(s, 1))
 *
 * As in libvips, where s is 4 and more, whole blocks of floor(s / 2) pixels are averaged first.
 *
 * @param aspect width over height of the picture as it is shown, where its pixels are no squares.
 */
export function resizePixels(
  pixels: Pixels,
  { width, height, resize, cutFrom, resample = 'lanczos' }: PictureSize,
  aspect: number = pixels.width / pixels.height,
): Pixels {
  const [across, down] = cutFrom ?? [width, height];
  const [W, H] =
    resize === 'squash'
      ? [across, down]
      : [Math.max(across, Math.round(down * aspect)), Math.max(down, Math.round(across / aspect))];
  const columns = axis(pixels.width, W, middle(W, across, width), width, resample);
  const rows = axis(pixels.height, H, middle(H, down, height), height, resample);
  const blocks = averaged(pixels, columns.block, rows.block);
  const narrow = alongRows(blocks, columns);
  return { width, height, channels: 3, data: alongColumns(narrow, width, rows) };
}

/** Where the middle `inner` begin of the middle `outer` of all, at whole pixels as in the package sharp. */
export function middle(all: number, outer: number, inner: number): number {
  return Math.floor((all - outer + 1) / 2) + Math.floor((outer - inner) / 2);
}

/** How one axis is resampled: blocks are averaged, then `taps` of them weighed for each pixel. */
interface Axis {
  /** Pixels of a block. */
  readonly block: number;
  readonly taps: number;
  /** (pixels, taps): which blocks, and what each counts. */
  readonly places: Int32Array;
  readonly weights: Float32Array;
}

/** Values in rows: (height, width, 3). */
interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array | Uint8Array;
}

/** An axis of N pixels as M, of which `count` from `first` on are made. */
function axis(N: number, M: number, first: number, count: number, resample: Resampling): Axis {
  const { radius, weigh } = KERNELS[resample];
  const block = resample === 'nearest' ? 1 : Math.max(1, Math.floor(N / M / 2));
  const step = N / M / block;
  const stretch = resample === 'nearest' ? 1 : Math.max(1, step);
  const taps = resample === 'nearest' ? 1 : 2 * Math.ceil(radius * stretch) + 1;
  const last = Math.ceil(N / block) - 1;
  const places = new Int32Array(count * taps);
  const weights = new Float32Array(count * taps);
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * step - 0.5;
    const begin = taps === 1 ? Math.floor(centre + 0.5) : Math.ceil(centre - radius * stretch);
    const own = weights.subarray(i * taps, (i + 1) * taps);
    for (let k = 0; k < taps; k++) {
      places[i * taps + k] = Math.min(last, Math.max(0, begin + k));
      own[k] = taps === 1 ? 1 : weigh((begin + k - centre) / stretch);
    }
    const sum = own.reduce((total, weight) => total + weight, 0);
    for (let k = 0; k < taps; k++) own[k] = (own[k] ?? 0) / sum;
  }
  return { block, taps, places, weights };
}

interface Kernel {
  /** Beyond it the kernel is 0. */
  readonly radius: number;
  weigh(x: number): number;
}

const KERNELS: Readonly<Record<Resampling, Kernel>> = {
  nearest: { radius: 0.5, weigh: () => 1 },
  bilinear: { radius: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Catmull and Rom's, with a = -1/2.
  bicubic: {
    radius: 2,
    weigh(x) {
      const d = Math.abs(x);
      if (d >= 2) return 0;
      return d < 1 ? 1 + d * d * (1.5 * d - 2.5) : 2 + d * (d * (2.5 - 0.5 * d) - 4);
    },
  },
  lanczos: {
    radius: 3,
    weigh: (x) => (Math.abs(x) >= 3 ? 0 : sinc(x) * sinc(x / 3)),
  },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Means of blocks of `across` by `down` pixels; those at the edges may have fewer. */
function averaged({ width, height, data }: Pixels, across: number, down: number): Plane {
  if (across === 1 && down === 1) return { width, height, values: data };
  const [W, H] = [Math.ceil(width / across), Math.ceil(height / down)];
  const values = new Float32Array(W * H * 3);
  const sums = new Int32Array(W * 3);
  for (let y = 0; y < H; y++) {
    sums.fill(0);
    const rows = Math.min(down, height - y * down);
    for (let row = y * down; row < y * down + rows; row++) {
      let i = row * width * 3;
      for (let x = 0; x < W; x++) {
        const end = i + 3 * Math.min(across, width - x * across);
        let [red, green, blue] = [0, 0, 0];
        for (; i < end; i += 3) {
          red += data[i] ?? 0;
          green += data[i + 1] ?? 0;
          blue += data[i + 2] ?? 0;
        }
        sums[3 * x] = (sums[3 * x] ?? 0) + red;
        sums[3 * x + 1] = (sums[3 * x + 1] ?? 0) + green;
        sums[3 * x + 2] = (sums[3 * x + 2] ?? 0) + blue;
      }
    }
    for (let i = 0; i < sums.length; i++) {
      const columns = Math.min(across, width - Math.floor(i / 3) * across);
      values[y * W * 3 + i] = (sums[i] ?? 0) / (rows * columns);
    }
  }
  return { width: W, height: H, values };
}

/** Each row resampled. */
function alongRows({ width, height, values }: Plane, { taps, places, weights }: Axis): Plane {
  const count = places.length / taps;
  const out = new Float32Array(height * count * 3);
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let i = 0; i < count; i++) {
      let [red, green, blue] = [0, 0, 0];
      for (let k = i * taps; k < (i + 1) * taps; k++) {
        const weight = weights[k] ?? 0;
        const from = row + 3 * (places[k] ?? 0);
        red += weight * (values[from] ?? 0);
        green += weight * (values[from + 1] ?? 0);
        blue += weight * (values[from + 2] ?? 0);
      }
      const to = 3 * (y * count + i);
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
    }
  }
  return { width: count, height, values: out };
}

/** Each column resampled, and rounded to bytes. */
function alongColumns(plane: Plane, width: number, { taps, places, weights }: Axis): Uint8Array {
  const count = places.length / taps;
  const each = width * 3;
  const out = new Uint8ClampedArray(count * each);
  const sums = new Float32Array(each);
  for (let i = 0; i < count; i++) {
    sums.fill(0);
    for (let k = i * taps; k < (i + 1) * taps; k++) {
      const weight = weights[k] ?? 0;
      if (weight === 0) continue;
      const from = (places[k] ?? 0) * each;
      for (let j = 0; j < each; j++)
        sums[j] = (sums[j] ?? 0) + weight * (plane.values[from + j] ?? 0);
    }
    // A clamped array rounds.
    out.set(sums, i * each);
  }
  return new Uint8Array(out.buffer);
}
