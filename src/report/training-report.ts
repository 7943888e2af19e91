import type { EpochReport } from '../training/trainer.js';
import { html, Markup, scriptJson } from './html.js';
import { lossSection } from './loss-chart.js';
import { chartScript } from './loss-chart-script.js';
import { pictureSection, type ReportCard } from './picture-cards.js';
import { style } from './style.js';

/** A number that sums the run up, as it is to be read: `{ label: 'exact match', value: '97.4 %' }`. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  /** What it is compared with or made of. */
  readonly hint?: string | undefined;
}

/** What a report tells about a training run. All texts are plain: the page escapes them. */
export interface TrainingReport {
  readonly title: string;
  readonly subtitle: string;
  /** The most important one first. */
  readonly figures: readonly Figure[];
  readonly history: readonly EpochReport[];
  readonly cards: readonly ReportCard[];
  /** How to make this run again. */
  readonly command?: string | undefined;
}

/** uPlot's program and style sheet, which the page carries within itself; see `chartAssets`. */
export interface ChartAssets {
  readonly script: string;
  readonly style: string;
}

/** Whatever slips through: the browser itself fetches nothing but what is inside the page. */
const policy =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/**
 * A training run as one HTML page that needs nothing else: figures, loss curves, and pictures with
 * what the model says about them. Light or dark as the reader prefers; prints.
 *
 * The element `report-data` holds all texts and numbers as JSON, for programs.
 *
 * @throws ValueError when a picture is not a PNG file.
 */
export function renderTrainingReport(report: TrainingReport, assets: ChartAssets): string {
  const { title, subtitle, figures, history, cards, command } = report;
  const data = {
    title,
    subtitle,
    figures,
    history,
    cards: cards.map(({ picture: _, ...texts }) => texts),
    command,
  };
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
${new Markup(assets.style)}
${new Markup(style)}
</style>
</head>
<body>
<header>
  <p class="brand">${logo} Glimpse <span>training report</span></p>
  <h1>${title}</h1>
  <p class="subtitle">${subtitle}</p>
</header>
<main>
${figureSection(figures)}
${lossSection(history)}
${pictureSection(cards)}
${commandSection(command)}
</main>
<script type="application/json" id="report-data">${scriptJson(data)}</script>
<script>
${new Markup(assets.script)}
</script>
<script>
${new Markup(chartScript)}
</script>
</body>
</html>
`;
  return page.text;
}

/** An aperture, drawn. */
const logo = html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M1.5 12C4.5 6.4 8 4 12 4s7.5 2.4 10.5 8c-3 5.6-6.5 8-10.5 8S4.5 17.6 1.5 12Z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/><circle cx="12" cy="12" r="4.2" fill="currentColor"/><circle cx="13.6" cy="10.4" r="1.3" class="glint"/></svg>`;

function figureSection(figures: readonly Figure[]): Markup | undefined {
  if (figures.length === 0) return undefined;
  return html`<section aria-label="Summary">
<dl class="figures">
${figures.map(
  ({
    label,
    value,
    hint,
  }) => html`<div class="figure"><dt>${label}</dt><dd class="value">${value}</dd>${
    hint === undefined ? undefined : html`<dd class="hint">${hint}</dd>`
  }</div>
`,
)}</dl>
</section>`;
}

function commandSection(command: string | undefined): Markup | undefined {
  if (command === undefined) return undefined;
  return html`<section class="panel command" aria-labelledby="command-title">
<h2 id="command-title">Make this run again</h2>
<pre><code>${command}</code></pre>
</section>`;
}
