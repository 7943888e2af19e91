/** Films of clips for the pages that reports draw: small, and few enough to send. */
import { encodeWebp } from '../data/pictures/photos.js';
import type { Clip, ClipSource } from '../data/video/clip.js';
import { type Film, readFilm } from '../data/video/film.js';
import type { SheetFilm } from '../report/clip-player.js';
import { arranged, type Sheet } from '../report/sheet.js';

/** Clips that a page may hold: more make it slow to open and to send. */
export const MOST_CLIPS = 200;
/** Frames of a clip in a page. */
export const MOST_FRAMES = 64;
/** Pixels across and down of such a frame. */
const LARGEST_SIDE = 208;
/** WebP's. */
const QUALITY = 82;

/** Reads what a page shows of a clip. @throws as `readFilm` */
export function filmForPage(source: ClipSource): Promise<Film> {
  return readFilm(source, { most: MOST_FRAMES, side: LARGEST_SIDE });
}

/** A film as a page holds it. */
export async function sheetFilm({ frames }: Film): Promise<SheetFilm> {
  return { sheet: await sheetOf(frames), times: [...frames.times] };
}

/** Frames as one picture. */
export async function sheetOf(frames: Omit<Clip, 'times'>): Promise<Sheet> {
  const { width, height } = frames;
  const { pixels, columns } = arranged(frames);
  const count = frames.values.length / (width * height * frames.channels);
  const bytes = await encodeWebp(pixels, QUALITY);
  return { bytes, type: 'image/webp', width, height, columns, count };
}
