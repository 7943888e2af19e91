/** The frame of every report: an HTML page that needs no other file. */
import { html, Markup, program, scriptJson } from './html.js';
import { drawCharts } from './in-page/charts.js';
import { style } from './style.js';

/** A number that sums something up, as it is to be read: `{ label: 'BLEU-4', value: '0.213' }`. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  /** What it is compared with or computed from. */
  readonly hint?: string | undefined;
}

/** uPlot's program and style sheet, which a page contains; see `chartAssets`. */
export interface ChartAssets {
  readonly script: string;
  readonly style: string;
}

/** What a page consists of. All texts are plain: the page escapes them. */
export interface Page {
  /** What kind of report it is, beside the name of Glimpse. */
  readonly kind: string;
  readonly title: string;
  readonly subtitle: string;
  readonly content: readonly (Markup | undefined)[];
  /** All texts and numbers, for programs: the JSON of the element `report-data`. */
  readonly data: unknown;
  /** Style sheets and programs besides those that every report has. */
  readonly styles?: readonly string[];
  readonly programs?: readonly Markup[];
}

/** A second defence: the browser itself fetches nothing but what is inside the page. */
const policy =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** A page that needs no other file. Light or dark as the reader prefers; can be printed. */
export function renderPage(
  { kind, title, subtitle, content, data, styles = [], programs = [] }: Page,
  assets: ChartAssets,
): string {
  const sheets = [assets.style, style, ...styles].map((text) => new Markup(`${text}\n`));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Glimpse">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<title>${title}</title>
<style>
${sheets}</style>
</head>
<body>
<header>
  <p class="brand">${logo} Glimpse <span>${kind}</span></p>
  <h1>${title}</h1>
  <p class="subtitle">${subtitle}</p>
</header>
<main>
${content.map((part) => (part ? html`${part}\n` : undefined))}</main>
<script type="application/json" id="report-data">${scriptJson(data)}</script>
<script>
${new Markup(assets.script)}
</script>
${[program(drawCharts, {}), ...programs].map((text) => html`<script>\n${text}\n</script>\n`)}</body>
</html>
`;
  return page.text;
}

/** The logo: an eye. */
const logo = html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M1.5 12C4.5 6.4 8 4 12 4s7.5 2.4 10.5 8c-3 5.6-6.5 8-10.5 8S4.5 17.6 1.5 12Z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/><circle cx="12" cy="12" r="4.2" fill="currentColor"/><circle cx="13.6" cy="10.4" r="1.3" class="glint"/></svg>`;

/** Figures side by side, the most important one first. */
export function figureSection(figures: readonly Figure[], note?: string): Markup | undefined {
  if (figures.length === 0) return undefined;
  return html`<section aria-label="Summary">
<dl class="figures">
${figures.map(figureOf)}</dl>${note === undefined ? undefined : html`\n<p class="note">${note}</p>`}
</section>`;
}

function figureOf({ label, value, hint }: Figure): Markup {
  const small = hint === undefined ? undefined : html`<dd class="hint">${hint}</dd>`;
  return html`<div class="figure"><dt>${label}</dt><dd class="value">${value}</dd>${small}</div>
`;
}

/** The command that repeats a run or a report. */
export function commandSection(title: string, command: string | undefined): Markup | undefined {
  if (command === undefined) return undefined;
  return html`<section class="panel command" aria-labelledby="command-title">
<h2 id="command-title">${title}</h2>
<pre tabindex="0"><code>${command}</code></pre>
</section>`;
}
