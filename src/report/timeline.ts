/** Timelines: what happens in a clip from left to right, a row below the other. */
import { html, type Markup } from './html.js';
import { round } from './report-picture.js';
import { frameOf, type Sheet } from './sheet.js';

/** A row of a timeline. */
export interface TimelineRow {
  /** What it shows, in a word or two. */
  readonly name: string;
  /** The same for those who point at it. */
  readonly hint?: string | undefined;
  /** What its colours mean. */
  readonly key?: 'directions' | 'signs' | undefined;
  readonly kind: string;
  readonly content: Markup;
}

/**
 * Rows over the same time, with its scale below.
 * @param end of the time, which begins at 0. @param unit of it: `s`, or what a step is.
 */
export function timeline(
  rows: readonly TimelineRow[],
  { end, unit }: { readonly end: number; readonly unit: string },
): Markup {
  return html`<div class="scroll"><div class="timeline">
${rows.map(
  ({ name, hint, key, kind, content }) =>
    html`<div class="row ${kind}"><span class="name"${hint === undefined ? undefined : html` title="${hint}"`}>${name}${key && html`<i class="key ${key}"></i>`}</span>${content}</div>
`,
)}<div class="row ticks" aria-hidden="true"><span class="name"></span><div class="track">${ticksUntil(end).map((tick, i) => html`<span${tick > 0.96 * end ? html` class="last"` : undefined} style="left: ${share(tick, end)}">${tick}${i === 0 ? ` ${unit}` : undefined}</span>`)}</div></div>
<i class="playhead" aria-hidden="true"></i>
</div></div>`;
}

/** Times for a scale: round ones, at most eight steps apart from the first to the last. */
export function ticksUntil(end: number): number[] {
  if (!(end > 0)) return [0];
  const power = 10 ** Math.floor(Math.log10(end / 8));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => end / one <= 8) ?? end;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => round(i * step, 6));
}

/** How many frames a strip has: so many that it is some 75 pixels high where there is room. */
export function stripLength({ width, height }: { width: number; height: number }): number {
  return Math.min(18, Math.max(6, Math.round((14 * height) / width)));
}

/** The frames of a strip: those that are shown in the middle of each of `count` parts of the time. */
export function stripFrames(times: ArrayLike<number>, end: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => frameAt(times, ((i + 0.5) / count) * end));
}

/** The frame that is shown at a time: the last one that has begun. */
export function frameAt(times: ArrayLike<number>, time: number): number {
  let frame = 0;
  while (frame + 1 < times.length && (times[frame + 1] ?? 0) <= time) frame++;
  return frame;
}

/** Frames side by side. */
export function stripOf(id: string, sheet: Sheet, frames: readonly number[]): Markup {
  return html`<div class="track strip-of-frames" style="--frames: ${frames.length}">${frames.map((frame) => frameOf(id, sheet, frame))}</div>`;
}

/** A curve from 0 to 1 over the time. */
export interface Curve {
  /** A class of the style sheet. */
  readonly look: string;
  readonly values: readonly number[];
}

/** Curves over the same times. */
export function curvesOf(
  curves: readonly Curve[],
  { times, end, about }: { times: readonly number[]; end: number; about: string },
): Markup {
  const line = ({ look, values }: Curve) => {
    const points = values.map((value, t) => {
      return `${round((1000 * (times[t] ?? 0)) / end, 1)},${round(100 - 100 * value, 2)}`;
    });
    return html`<polyline class="${look}" points="${points.join(' ')}"/>`;
  };
  // The most important one lies on top.
  return html`<div class="track curve"><span aria-hidden="true">100 %</span><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="${about}"><path class="grid" d="M0 0H1000M0 50H1000M0 100H1000"/>${curves.map(line).reverse()}</svg></div>`;
}

/** What each moment counts: bars, of which the highest reaches to the top. */
export function barsOf(
  values: ArrayLike<number>,
  { times, end, about }: { times: ArrayLike<number>; end: number; about: string },
): Markup {
  const most = Math.max(...Array.from(values), Number.MIN_VALUE);
  /** A bar reaches halfway to its neighbours. */
  const edge = (t: number) => {
    if (t === 0 || t === values.length) return t === 0 ? 0 : 1000;
    return (500 * ((times[t - 1] ?? 0) + (times[t] ?? 0))) / end;
  };
  const bars = Array.from(values, (value, t) => {
    const [from, to] = [edge(t), edge(t + 1)];
    const height = (100 * Math.max(0, value)) / most;
    return html`<rect x="${round(from, 1)}" y="${round(100 - height, 1)}" width="${round(to - from, 1)}" height="${round(height, 1)}"/>`;
  });
  return html`<div class="track weights"><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="${about}">${bars}</svg></div>`;
}

function share(time: number, end: number): string {
  return `${end > 0 ? round((100 * time) / end, 3) : 0}%`;
}

export const timelineStyle = `.sheet { position: absolute; }
.timeline { position: relative; display: grid; gap: 4px; min-width: 36rem; --name: 5.6rem; }
.row { display: grid; grid-template-columns: var(--name) minmax(0, 1fr); align-items: center; }
.row .name { padding-right: .7rem; color: var(--muted); font-size: .8rem; line-height: 1.25; text-align: right; }
.key { display: block; margin: .3rem 0 0 auto; }
.key.signs { width: 2.4rem; height: .5rem; border-radius: 3px; background: linear-gradient(to right, rgb(84 150 255), rgb(14 16 21), rgb(255 158 48)); }
.key.directions { width: 1.6rem; height: 1.6rem; border-radius: 50%; background: radial-gradient(#fff, transparent 70%), conic-gradient(from 90deg, #f00, #ff0 27%, #0f0 38%, #0ff 45%, #00f 65%, #f0f 89%, #f00); }
.track { position: relative; }
.strip-of-frames { display: grid; grid-template-columns: repeat(var(--frames), minmax(0, 1fr)); gap: 2px; overflow: hidden; border-radius: 7px; }
.strip-of-frames svg { display: block; width: 100%; height: auto; background: var(--mat); }
.whole .strip-of-frames svg { height: 7rem; }
.pixelated { image-rendering: pixelated; }
.curve svg, .weights svg { display: block; width: 100%; overflow: visible; }
.curve svg { height: 5.4rem; margin: 5px 0; }
.weights svg { height: 1.9rem; }
.weights rect { fill: var(--accent); opacity: .55; }
.curve polyline { fill: none; stroke: var(--muted); stroke-width: 1.4; stroke-linejoin: round; vector-effect: non-scaling-stroke; opacity: .75; }
.curve .grid { fill: none; stroke: var(--line); vector-effect: non-scaling-stroke; }
.curve .true { stroke: var(--right); stroke-width: 2.5; opacity: 1; }
.curve .false { stroke: var(--wrong); stroke-width: 2.2; stroke-dasharray: 6 4; opacity: 1; }
.curve .second { stroke-dasharray: 2 3; }
.ticks .track { height: 1.2rem; }
.ticks .track span { position: absolute; transform: translateX(-50%); color: var(--muted); font-size: .76rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.ticks .track span:first-child { transform: none; }
.ticks .track .last { transform: translateX(-100%); }
.curve span { position: absolute; top: 9px; left: .35rem; color: var(--muted); font-size: .68rem; line-height: 1; }
.playhead { position: absolute; top: 0; bottom: 1.3rem; left: calc(var(--name) + (100% - var(--name)) * var(--at, 0)); width: 2px; margin-left: -1px; border-radius: 2px; background: var(--glow); box-shadow: 0 0 0 1px rgb(0 0 0 / .35); pointer-events: none; opacity: 0; }
.timeline.timed .playhead { opacity: 1; }

@media print {
  .timeline { min-width: 0; }
  .playhead { display: none; }
}
`;
