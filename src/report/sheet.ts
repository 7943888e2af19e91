/** Sheets: the frames of a clip in one picture, which a page holds once and shows frame by frame. */
import type { Pixels } from '../data/pictures/pixels.js';
import type { Clip } from '../data/video/clip.js';
import { base64, html, type Markup } from './html.js';
import { type SheetLayout, viewBoxOf } from './in-page/view-box.js';

/** Frames of one size, row by row from the upper left corner of one picture. */
export interface Sheet extends SheetLayout {
  readonly bytes: Uint8Array;
  readonly type: 'image/png' | 'image/webp';
  readonly count: number;
}

/**
 * The frames of a clip in one picture that is about as high as wide. The last one fills what is left over: black would
 * bleed into its neighbours where the picture is compressed.
 */
export function arranged(clip: Omit<Clip, 'times'>): { pixels: Pixels; columns: number } {
  const { width, height, channels, values } = clip;
  const each = width * height * channels;
  const count = values.length / each;
  const columns = Math.max(1, Math.ceil(Math.sqrt((count * height) / width)));
  const rows = Math.ceil(count / columns);
  const across = columns * width;
  const data = new Uint8Array(rows * height * across * 3);
  for (let cell = 0; cell < columns * rows; cell++) {
    const frame = Math.min(cell, count - 1);
    const [left, top] = [(cell % columns) * width, Math.floor(cell / columns) * height];
    for (let i = 0; i < width * height; i++) {
      const place = 3 * ((top + Math.floor(i / width)) * across + left + (i % width));
      for (let c = 0; c < 3; c++) {
        data[place + c] = values[frame * each + i * channels + (channels === 3 ? c : 0)] ?? 0;
      }
    }
  }
  return { pixels: { width: across, height: rows * height, channels: 3, data }, columns };
}

/** A sheet as a page holds it: shown nowhere, named by its id. */
export function sheetDefinition(id: string, sheet: Sheet): Markup {
  const { bytes, type, width, height, columns, count } = sheet;
  const size = [columns * width, Math.ceil(count / columns) * height];
  return html`<svg class="sheet" width="0" height="0" aria-hidden="true"><defs><image id="${id}" width="${size[0]}" height="${size[1]}" href="data:${type};base64,${base64(bytes)}"/></defs></svg>`;
}

/** A frame of a sheet that the page holds. */
export function frameOf(id: string, sheet: Sheet, frame: number): Markup {
  return html`<svg viewBox="${viewBoxOf(sheet, frame)}"${sheet.count === 1 ? html` preserveAspectRatio="none"` : undefined}><use href="#${id}"/></svg>`;
}
