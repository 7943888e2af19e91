/** The overview of a caption report: the histogram of CIDEr, and the best and worst pictures. */
import { html, type Markup } from './html.js';
import type { ReportPicture } from './report-picture.js';

/** How many bars the histogram has; the last one is open above. */
const bars = 9;

/** The width of a bar: so that nine in ten pictures lie below the last one. */
function barWidth(pictures: readonly ReportPicture[]): number {
  const ciders = pictures.map(({ scores }) => scores.cider).sort((a, b) => a - b);
  const high = ciders[Math.floor(0.9 * ciders.length)] ?? 0;
  return [0.125, 0.25, 0.5, 1].find((width) => width * (bars - 1) >= high) ?? 1.25;
}

/** How the pictures' CIDEr is distributed: each bar is a button that shows its pictures only. */
export function ciderHistogram(pictures: readonly ReportPicture[]): Markup {
  const step = barWidth(pictures);
  const counts = new Array<number>(bars).fill(0);
  for (const { scores } of pictures) {
    const bar = Math.min(bars - 1, Math.max(0, Math.floor(scores.cider / step)));
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  const most = Math.max(...counts, 1);
  const button = (count: number, bar: number) => {
    const low = bar * step;
    const isLast = bar === bars - 1;
    const range = isLast ? `${low} and more` : `${low} to ${low + step}`;
    const height = count === 0 ? 0 : Math.max(2, (100 * count) / most);
    return html`<li><button type="button" value="${bar === 0 ? '-Infinity' : low} ${isLast ? 'Infinity' : low + step}" aria-pressed="false" aria-label="CIDEr ${range}: ${count} pictures"${count === 0 ? html` disabled` : undefined} title="CIDEr ${range}"><span class="number">${count}</span><span class="bar" style="height: ${height.toFixed(1)}%"></span></button><span class="from" aria-hidden="true">${isLast ? `${low}+` : low}</span></li>
`;
  };
  return html`<section class="panel" aria-labelledby="histogram-title">
<div class="heading">
  <h2 id="histogram-title">CIDEr of each picture <small>choose a bar to see its pictures only</small></h2>
</div>
<ol class="histogram">
${counts.map(button)}</ol>
</section>`;
}

/** The pictures with the best and the worst captions by CIDEr: links to their cards. */
export function extremesSection(pictures: readonly ReportPicture[]): Markup | undefined {
  const number = Math.min(6, Math.floor(pictures.length / 2));
  if (number === 0) return undefined;
  const ranked = pictures
    .map((picture, index) => ({ picture, index }))
    .sort((a, b) => b.picture.scores.cider - a.picture.scores.cider);
  return html`<section class="extremes">
${[
  shelf('best', 'Told best', ranked.slice(0, number)),
  shelf('worst', 'Told worst', ranked.slice(-number).reverse()),
]}</section>`;
}

function shelf(
  name: string,
  title: string,
  ranked: readonly { readonly picture: ReportPicture; readonly index: number }[],
): Markup {
  const link = ({ picture, index }: (typeof ranked)[number]) => {
    const { words, caption, scores, photo } = picture;
    const said = caption ?? words.map(({ word }) => word).join(' ');
    return html`<li><a href="#picture-${index}" data-picture="${index}"><img alt="" width="${photo.width}" height="${photo.height}"><b>${scores.cider.toFixed(2)}</b><span>${said || '(no words)'}</span></a></li>
`;
  };
  return html`<div class="${name}">
<h2>${title} <small>by CIDEr</small></h2>
<ol class="shelf">
${ranked.map(link)}</ol>
</div>
`;
}

/** An empty place for a caption's attention word by word, which the page's program fills. */
export function showcaseSection(caption: string, cider: number): Markup {
  return html`<section class="panel" id="showcase" aria-labelledby="showcase-title">
<div class="heading">
  <h2 id="showcase-title">Where it looks, word by word <small>“${caption}”, CIDEr ${cider.toFixed(2)}</small></h2>
</div>
<ol class="strip"></ol>
</section>`;
}

/** The dialog that shows a picture large; filled when one is opened. */
export const viewerDialog = html`<dialog id="viewer" aria-label="Picture">
<div class="viewer-bar">
  <p class="position" aria-live="polite"></p>
  <p class="keys" aria-hidden="true"><kbd>←</kbd> <kbd>→</kbd> words, with <kbd>Shift</kbd> pictures, <kbd>P</kbd> play</p>
  <button type="button" value="play">Play</button>
  <button type="button" value="previous" aria-label="Previous picture">‹</button>
  <button type="button" value="next" aria-label="Next picture">›</button>
  <button type="button" value="close" aria-label="Close">✕</button>
</div>
<div class="viewer-body">
  <div class="stage"><img alt=""><canvas aria-hidden="true"></canvas></div>
  <div class="words"></div>
</div>
<ol class="strip" aria-label="Attention of each word"></ol>
</dialog>`;
