/** The pixels of a frame that a page has decoded: turned upright, red, green and blue. */
import type { Pixels } from '../../pictures/pixels.js';

/** What a page's decoders give: a `VideoFrame`, or what the package mediabunny makes of one. */
interface FrameInPage {
  readonly visibleRect: { readonly width: number; readonly height: number } | null;
  copyTo(
    destination: Uint8Array<ArrayBuffer>,
    options: { readonly format: 'RGBA'; readonly layout: { offset: number; stride: number }[] },
  ): Promise<unknown>;
}

/** How a frame becomes pixels. */
export interface Turning {
  /** Degrees, clockwise. */
  readonly rotation?: 0 | 90 | 180 | 270;
  /** Whether left and right change places, after it is turned. */
  readonly flip?: boolean;
  /** Whether transparent parts lie on white; otherwise what they would show without transparency. */
  readonly onWhite?: boolean;
}

/** Copies a frame. The browser converts its colours, as the video says that they are stored. */
export async function pixelsOf(
  frame: FrameInPage,
  { rotation = 0, flip = false, onWhite = false }: Turning = {},
): Promise<Pixels> {
  const { width: W, height: H } = frame.visibleRect ?? { width: 0, height: 0 };
  const bytes = new Uint8Array(W * H * 4);
  await frame.copyTo(bytes, { format: 'RGBA', layout: [{ offset: 0, stride: W * 4 }] });
  // Where in the frame the picture's first pixel lies, the next one to the right, and the next one below.
  const { first, right, below } = TURNS[rotation](W, H);
  const [width, height] = rotation % 180 === 0 ? [W, H] : [H, W];
  const begin = flip ? first + (width - 1) * right : first;
  const step = flip ? -right : right;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const from = 4 * (begin + x * step + y * below);
      const alpha = onWhite ? (bytes[from + 3] ?? 255) : 255;
      for (let c = 0; c < 3; c++) {
        const value = bytes[from + c] ?? 0;
        data[to + c] = alpha === 255 ? value : Math.round(255 + ((value - 255) * alpha) / 255);
      }
    }
  }
  return { width, height, channels: 3, data };
}

const TURNS = {
  0: (W: number, _H: number) => ({ first: 0, right: 1, below: W }),
  90: (W: number, H: number) => ({ first: (H - 1) * W, right: -W, below: 1 }),
  180: (W: number, H: number) => ({ first: W * H - 1, right: -1, below: -W }),
  270: (W: number, _H: number) => ({ first: W - 1, right: W, below: -1 }),
} as const;
