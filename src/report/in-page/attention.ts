/** Runs in the page: unpacks attention and draws it over a photo. */
import type { PackedAttention } from '../report-picture.js';

/** How attention is laid over a photo. */
export type AttentionStyle = 'heat' | 'spotlight';

/** Where a canvas shows attention: the size of the grid and the part of the photo under it. */
export interface Frame {
  /** Undefined for windows. */
  readonly grid: { readonly rows: number; readonly columns: number } | undefined;
  /** x, y, width, height of what the model sees, as shares of the photo. */
  readonly field: readonly number[];
}

export type AttentionTools = ReturnType<typeof attentionTools>;

/**
 * Runs in the page: unpacks attention, draws it, and describes it in words.
 *
 * Values are a list for each word: the weights of a grid's places, or the 6 numbers of a window.
 */
export function attentionTools() {
  /** Full colour means this many times an even share, or the word's highest weight if above. */
  const faintest = 4;
  /** Pixels that each place of a grid becomes before the browser scales the map. */
  const finer = 8;

  /** Colours from unseen to most looked at: red, green, blue, opacity. */
  const colours: Readonly<Record<AttentionStyle, readonly (readonly number[])[]>> = {
    heat: [
      [16, 12, 48, 0.5],
      [74, 22, 120, 0.42],
      [190, 40, 90, 0.44],
      [248, 120, 30, 0.52],
      [255, 224, 90, 0.6],
    ],
    spotlight: [
      [6, 8, 14, 0.86],
      [6, 8, 14, 0.62],
      [6, 8, 14, 0.36],
      [6, 8, 14, 0.14],
      [6, 8, 14, 0],
    ],
  };

  function unpack(packed: PackedAttention): Float32Array[] {
    if ('windows' in packed) return packed.windows.map((window) => Float32Array.from(window));
    const bytes = Uint8Array.from(atob(packed.weights), (byte) => byte.charCodeAt(0));
    const places = bytes.length / packed.peaks.length;
    return packed.peaks.map((peak, word) => {
      const own = bytes.subarray(word * places, (word + 1) * places);
      return Float32Array.from(own, (byte) => (byte / 255) * peak);
    });
  }

  /** Between the two: 0 is the first, 1 the second. */
  function between(from: Float32Array, to: Float32Array, share: number): Float32Array {
    return to.map((value, i) => value * share + (from[i] ?? value) * (1 - share));
  }

  /** Lays attention over what the canvas's picture shows; `strength` 0 is nothing, 1 all of it. */
  function paint(
    context: CanvasRenderingContext2D,
    values: Float32Array,
    { grid, field: [x = 0, y = 0, w = 1, h = 1] }: Frame,
    style: AttentionStyle,
    strength = 1,
  ): void {
    const { width, height } = context.canvas;
    context.save();
    context.globalAlpha = strength;
    // What the model does not see.
    context.fillStyle = 'rgb(6 8 14 / .72)';
    context.beginPath();
    context.rect(0, 0, width, height);
    context.rect(x * width, y * height, w * width, h * height);
    context.fill('evenodd');
    context.translate(x * width, y * height);
    context.scale(w * width, h * height);
    if (grid) paintGrid(context, values, grid, style);
    else paintWindow(context, values, style);
    context.restore();
  }

  function paintGrid(
    context: CanvasRenderingContext2D,
    weights: Float32Array,
    { rows, columns }: { readonly rows: number; readonly columns: number },
    style: AttentionStyle,
  ): void {
    const highest = weights.reduce((most, weight) => Math.max(most, weight), 0);
    const full = Math.max(highest, faintest / weights.length);
    const fine = enlarged(weights, rows, columns, finer);
    const image = new ImageData(columns * finer, rows * finer);
    for (let i = 0; i < fine.length; i++) {
      image.data.set(colourAt(colours[style], (fine[i] ?? 0) / full), 4 * i);
    }
    const map = document.createElement('canvas');
    map.width = image.width;
    map.height = image.height;
    map.getContext('2d')?.putImageData(image, 0, 0);
    context.imageSmoothingQuality = 'high';
    context.drawImage(map, 0, 0, 1, 1);
  }

  /** Dims all but the window and draws its edge. */
  function paintWindow(
    context: CanvasRenderingContext2D,
    window: Float32Array,
    style: AttentionStyle,
  ): void {
    const corners = cornersOf(window);
    const outline = () => {
      for (const [i, [x, y]] of corners.entries()) {
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.closePath();
    };
    context.fillStyle = `rgb(6 8 14 / ${style === 'heat' ? 0.5 : 0.8})`;
    context.beginPath();
    context.rect(0, 0, 1, 1);
    outline();
    context.fill('evenodd');
    context.beginPath();
    outline();
    // The lines' width must not follow the photo's proportions.
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.lineJoin = 'round';
    for (const [width, colour] of [
      [5, 'rgb(6 8 14 / .55)'],
      [2.5, '#ffd75a'],
    ] as const) {
      context.lineWidth = width * Math.max(1, context.canvas.width / 480);
      context.strokeStyle = colour;
      context.stroke();
    }
  }

  /** The window's corners as shares of the field, in the order in which its edge runs. */
  function cornersOf([a = 1, b = 0, c = 0, d = 0, e = 1, f = 0]: Float32Array) {
    const ends = [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ] as const;
    return ends.map(
      ([u, v]) => [(a * u + b * v + c + 1) / 2, (d * u + e * v + f + 1) / 2] as const,
    );
  }

  /** A grid with each place made `times` x `times`, between them smooth, never below 0. */
  function enlarged(weights: Float32Array, rows: number, columns: number, times: number) {
    const [height, width] = [rows * times, columns * times];
    const across = lines(rows, columns, times, (y, x) => weights[y * columns + x] ?? 0);
    const down = lines(width, rows, times, (x, y) => across[y * width + x] ?? 0);
    return down.map((_, i) => Math.max(0, down[(i % width) * height + Math.floor(i / width)] ?? 0));
  }

  /** `count` lines of `length` values as lines of `length * times`: Catmull-Rom, even at the ends. */
  function lines(
    count: number,
    length: number,
    times: number,
    valueAt: (line: number, index: number) => number,
  ): Float32Array {
    const out = new Float32Array(count * length * times);
    for (let line = 0; line < count; line++) {
      const value = (i: number) => valueAt(line, Math.min(length - 1, Math.max(0, i)));
      for (let j = 0; j < length * times; j++) {
        // The centre of fine place j, in places of the grid.
        const at = (j + 0.5) / times - 0.5;
        const i = Math.floor(at);
        const t = at - i;
        const [p, q, r, s] = [value(i - 1), value(i), value(i + 1), value(i + 2)];
        const bend = 2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p);
        out[line * length * times + j] = q + 0.5 * t * (r - p + t * bend);
      }
    }
    return out;
  }

  /** The colour at `share` of the way along `scale`, as red, green, blue, opacity from 0 to 255. */
  function colourAt(scale: readonly (readonly number[])[], share: number): number[] {
    const at = Math.min(1, Math.max(0, share)) * (scale.length - 1);
    const i = Math.min(scale.length - 2, Math.floor(at));
    const [from = [], to = []] = [scale[i], scale[i + 1]];
    return from.map((value, c) => {
      const mixed = value + (at - i) * ((to[c] ?? 0) - value);
      return Math.round(c === 3 ? 255 * mixed : mixed);
    });
  }

  /** Describes in words where the model looks. */
  function describe(values: Float32Array, grid: Frame['grid']): string {
    if (!grid) {
      const corners = cornersOf(values);
      const [x, y] = [0, 1].map((axis) => corners.reduce((sum, c) => sum + (c[axis] ?? 0) / 4, 0));
      const [a = 1, b = 0, , d = 0, e = 1] = values;
      const area = Math.min(1, Math.abs(a * e - b * d));
      return `${region(x ?? 0.5, y ?? 0.5)}, window of ${percent(area)} of the picture`;
    }
    let best = 0;
    for (const [i, weight] of values.entries()) if (weight > (values[best] ?? 0)) best = i;
    const x = ((best % grid.columns) + 0.5) / grid.columns;
    const y = (Math.floor(best / grid.columns) + 0.5) / grid.rows;
    const peak = values[best] ?? 0;
    return `${region(x, y)}, ${percent(peak)} in one of ${values.length} places`;
  }

  function region(x: number, y: number): string {
    const third = (at: number, names: readonly string[]) =>
      names[Math.min(2, Math.max(0, Math.floor(at * 3)))] ?? '';
    const [row, column] = [third(y, ['upper', '', 'lower']), third(x, ['left', '', 'right'])];
    return [row, column].filter(Boolean).join(' ') || 'middle';
  }

  function percent(share: number): string {
    return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  }

  return { unpack, between, paint, enlarged, colourAt, cornersOf, describe };
}
