/** The HTML report of a classifier's training. */
import type { EpochReport } from '../training/progress.js';
import { curveStyle, errorCharts, errorCurves, inPercent } from './error-curves.js';
import { base64, html, type Markup } from './html.js';
import {
  type ChartAssets,
  commandSection,
  type Figure,
  figureSection,
  renderPage,
} from './page.js';
import { round } from './report-picture.js';

/** A picture that was watched while a classifier learned. */
export interface WatchedPicture {
  /** The name of its class. */
  readonly label: string;
  /** The bytes of a PNG file, as the network is shown the picture. */
  readonly input: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** The box around what is drawn, in pixels: left, top, right, bottom. */
  readonly box?: readonly [number, number, number, number] | undefined;
  readonly moments: readonly WatchedMoment[];
}

/** What a classifier made of a picture after some epochs. */
export interface WatchedMoment {
  /** Epochs done. */
  readonly epoch: number;
  /** The outline of each transformer's window, x and y in pixels of the picture, one after the other. */
  readonly windows: readonly (readonly number[])[];
  /** What each transformer made of it: the bytes of a PNG file. */
  readonly views: readonly Uint8Array[];
  readonly said: string;
  /** 0 to 1. */
  readonly probability: number;
}

/** What a report tells about a classifier's training. All texts are plain: the page escapes them. */
export interface ClassifierPage {
  readonly title: string;
  readonly subtitle: string;
  /** The most important one first. */
  readonly figures: readonly Figure[];
  readonly history: readonly EpochReport[];
  readonly pictures: readonly WatchedPicture[];
  readonly command?: string | undefined;
}

/**
 * A classifier's training as one HTML page that needs nothing else: figures, curves of error and loss, and
 * pictures with the window drawn over them and what is seen through it, epoch by epoch.
 *
 * The element `report-data` holds all numbers as JSON, for programs.
 */
export function renderClassifierReport(report: ClassifierPage, assets: ChartAssets): string {
  const { title, subtitle, figures, history, pictures, command } = report;
  const points = inPercent(history);
  return renderPage(
    {
      kind: 'classifier report',
      title,
      subtitle,
      content: [
        figureSection(figures),
        errorCurves(points),
        pictureSection(pictures),
        commandSection('Make this run again', command),
      ],
      data: {
        title,
        figures,
        history: points,
        charts: errorCharts(points),
        pictures: pictures.map(({ label, box, moments }) => ({
          label,
          box,
          moments: moments.map(({ views: _, ...rest }) => rest),
        })),
      },
      styles: [curveStyle, sheet],
    },
    assets,
  );
}

function pictureSection(pictures: readonly WatchedPicture[]): Markup | undefined {
  if (pictures.length === 0) return undefined;
  const spatial = pictures.some(({ moments }) => moments.some(({ views }) => views.length > 0));
  const boxed = pictures.some(({ box }) => box !== undefined);
  const legend = [
    ...(spatial ? ['yellow: the window; below: what comes through it'] : []),
    ...(boxed ? ['dashed: the box around the digit'] : []),
  ];
  return html`<section aria-labelledby="pictures-title">
<div class="heading">
  <h2 id="pictures-title">What it sees, epoch by epoch <small>${legend.join('; ')}</small></h2>
</div>
${pictures.map(watched)}</section>`;
}

function watched(picture: WatchedPicture): Markup {
  return html`<article class="watched panel">
<h3>${picture.label}</h3>
<div class="scroll moments" tabindex="0" role="region" aria-label="${picture.label}, epoch by epoch">
${picture.moments.map((moment) => momentOf(picture, moment))}</div>
</article>
`;
}

function momentOf(
  { label, input, width, height, box }: WatchedPicture,
  { epoch, windows, views, said, probability }: WatchedMoment,
): Markup {
  const when = epoch === 0 ? 'before' : `epoch ${epoch}`;
  const polygon = (outline: readonly number[]) => {
    const points = Array.from(
      { length: outline.length / 2 },
      (_, i) => `${round(outline[2 * i] ?? 0, 2)},${round(outline[2 * i + 1] ?? 0, 2)}`,
    );
    return html`<polygon points="${points.join(' ')}"/>`;
  };
  const [left = 0, top = 0, right = 0, bottom = 0] = box ?? [];
  const truth = box
    ? html`<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/>`
    : undefined;
  return html`<figure>
<div class="seen"><img src="${png(input)}" alt="${label}"><svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${truth}${windows.map(polygon)}</svg></div>
${views.map((view) => html`<img class="view" src="${png(view)}" alt="what is seen, ${when}">`)}
<figcaption>${when}<br><b class="${said === label ? 'right' : 'wrong'}">${said === label ? '✓' : '✗'} ${said}</b> ${(100 * probability).toFixed(0)} %</figcaption>
</figure>
`;
}

function png(bytes: Uint8Array): string {
  return `data:image/png;base64,${base64(bytes)}`;
}

const sheet = `.watched { margin-bottom: 1rem; }
.watched h3 { margin: 0 0 .6rem; font-size: 1rem; }
.moments { display: flex; gap: .9rem; padding-bottom: .4rem; }
.moments figure { flex: none; width: 7.5rem; margin: 0; }
.moments img { display: block; width: 100%; height: auto; border-radius: 6px; background: #000; image-rendering: pixelated; }
.moments .view { margin-top: .4rem; }
.seen { position: relative; }
.seen svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: hidden; }
.seen polygon { fill: none; stroke: var(--glow); stroke-width: 2; vector-effect: non-scaling-stroke; }
.seen rect { fill: none; stroke: #7fd4ff; stroke-width: 1.2; stroke-dasharray: 3 3; vector-effect: non-scaling-stroke; }
.moments figcaption { margin-top: .3rem; color: var(--muted); font-size: .82rem; line-height: 1.35; }
.moments .right { color: var(--right); }
.moments .wrong { color: var(--wrong); }
`;
