/** Made-up clips for the tests of the reports. */
import { encodePng } from '@/data/pictures/photos.js';
import type { Clip } from '@/data/video/clip.js';
import { arranged, type Sheet } from '@/report/sheet.js';

/** A clip of grey frames of 6 x 4 pixels, each of one brightness. */
export function greyClip(brightness: readonly number[]): Clip {
  const values = Uint8Array.from({ length: 24 * brightness.length }, (_, i) => {
    return brightness[Math.floor(i / 24)] ?? 0;
  });
  const times = Float64Array.from(brightness, (_, t) => t / 2);
  return { width: 6, height: 4, channels: 1, values, times };
}

/** Its sheet, as PNG. */
export async function sheetOf(clip: Clip): Promise<Sheet> {
  const { pixels, columns } = arranged(clip);
  const { width, height, times } = clip;
  const bytes = await encodePng(pixels);
  return { bytes, type: 'image/png', width, height, columns, count: times.length };
}
