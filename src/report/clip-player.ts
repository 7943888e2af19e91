/** The film of a clip in a page: it plays in a player, and its frames are the first row of a timeline. */
import { html, type Markup } from './html.js';
import { round } from './report-picture.js';
import { frameOf, type Sheet, sheetDefinition } from './sheet.js';
import { stripFrames, stripLength, stripOf, type TimelineRow } from './timeline.js';

/** Frames of a clip, and when each is shown. */
export interface SheetFilm {
  readonly sheet: Sheet;
  readonly times: readonly number[];
}

/** The player of the clip of that number in the page; the page's program makes it play, see `clipPlayers`. */
export function clipPlayer({ sheet }: SheetFilm, index: number, about: string): Markup {
  return html`${sheetDefinition(`film-${index}`, sheet)}<div class="player" tabindex="0" role="group" aria-label="${about}: the arrow keys step through the frames, the space bar plays">
<div class="screen${pixelated(sheet)}" style="--ratio: ${round(sheet.width / sheet.height, 4)}">${frameOf(`film-${index}`, sheet, Math.floor(sheet.count / 2))}</div>
<div class="controls" hidden><button type="button">Play</button><span class="clock" aria-live="off"></span></div>
</div>
`;
}

/** Frames of a film, evenly over its time, as a row. The page has its player, too. */
export function filmRow({ sheet, times }: SheetFilm, index: number, end: number): TimelineRow {
  const frames = stripFrames(times, end, stripLength(sheet));
  return {
    name: 'frames',
    kind: `film${pixelated(sheet)}`,
    content: stripOf(`film-${index}`, sheet, frames),
  };
}

/** Small frames are shown with their pixels as squares: smoothing would only blur them. */
export function pixelated({ width, height }: Sheet): string {
  return Math.max(width, height) < 64 ? ' pixelated' : '';
}

export const playerStyle = `.clip { margin-bottom: 1.2rem; break-inside: avoid; }
.player { width: min-content; min-width: 8rem; }
.player:focus-visible { border-radius: 10px; }
.screen { width: min(14rem, 13rem * var(--ratio)); }
.screen svg { display: block; width: 100%; aspect-ratio: var(--ratio); border-radius: 9px; background: var(--mat); cursor: pointer; }
.controls { display: flex; align-items: center; gap: .7rem; margin-top: .45rem; }
.controls button { min-width: 4.6rem; padding: .22rem .8rem; border: 1px solid var(--line); border-radius: 9px; background: var(--panel); color: var(--accent); font: inherit; font-size: .88rem; cursor: pointer; }
.clock { color: var(--muted); font-size: .82rem; font-variant-numeric: tabular-nums; }

@media screen and (max-width: 30rem) {
  .screen { width: min(100%, 18rem); }
}
@media print {
  .controls { display: none; }
  .screen { width: 8rem; }
}
`;
