/** Pictures as bytes in memory, and rectangles in them. */

/** A picture in memory: rows from the top, each pixel as red, green, blue bytes. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  /** `height * width * 3` bytes (sRGB). */
  readonly data: Uint8Array;
}

/** Where a picture comes from: a photo's file, or pixels that are there already. */
export type ImageSource = { readonly path: string } | Pixels;

/** A rectangle in pixels; (0, 0) is the picture's upper left corner. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A picture's red, green and blue one plane after the other. */
export function colourPlanes({ data }: Pixels): Uint8Array {
  const area = data.length / 3;
  return Uint8Array.from(data, (_, i) => data[(i % area) * 3 + Math.floor(i / area)] ?? 0);
}

/** The brightness of a picture, or of several of one size, as ITU-R BT.601 weighs the colours. */
export function greyPlane({ data }: Pick<Pixels, 'data'>): Uint8Array {
  const brightness = new Uint8Array(data.length / 3);
  for (let i = 0; i < brightness.length; i++) {
    const [red = 0, green = 0, blue = 0] = [data[3 * i], data[3 * i + 1], data[3 * i + 2]];
    brightness[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return brightness;
}
