/** The curves of a classifier's training, error and loss, and the table behind them. */
import type { EpochReport } from '../training/progress.js';
import { type EpochRow, epochRows } from './epochs.js';
import { html, type Markup } from './html.js';
import type { Chart } from './in-page/charts.js';

type Measure = 'devError' | 'devLoss';

/** An epoch with its errors in percent. */
export type Percents = EpochRow & { readonly trainError: number; readonly devError: number };

/** A history as rows, with errors in percent. */
export function inPercent(history: readonly EpochReport[]): Percents[] {
  return epochRows(history).map(({ trainError = 0, devError = 0, ...rest }) => ({
    ...rest,
    trainError: 100 * trainError,
    devError: 100 * devError,
  }));
}

/** What `drawCharts` has to draw. */
export function errorCharts(history: readonly Percents[]): Chart[] {
  const chart = (id: string, train: string, dev: Measure): Chart[] => {
    const best = lowest(history, dev);
    if (!best) return [];
    return [
      {
        id,
        curves: [
          { key: train, label: 'train', colour: 'train', dashed: true },
          { key: dev, label: 'dev', colour: 'dev', dashed: false },
        ],
        best: { key: dev, epoch: best.epoch },
      },
    ];
  };
  return [
    ...chart('error-chart', 'trainError', 'devError'),
    ...chart('loss-chart', 'trainLoss', 'devLoss'),
  ];
}

function lowest(history: readonly Percents[], key: Measure): Percents | undefined {
  return history.reduce<Percents | undefined>(
    (best, epoch) => (best && best[key] <= epoch[key] ? best : epoch),
    undefined,
  );
}

/** Error and loss: empty places that `drawCharts` draws into, and the same numbers as a table. */
export function errorCurves(history: readonly Percents[]): Markup | undefined {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last) return undefined;
  const chart = (id: string, name: string, unit: string, key: Measure) => {
    const summary = `${name} on dev from ${first[key].toFixed(2)} to ${last[key].toFixed(2)}, at best ${lowest(history, key)?.[key].toFixed(2)}.`;
    return html`<div>
<div class="heading">
  <h2>${name} <small>${unit}, lower is better</small></h2>
  <ul class="legend" aria-hidden="true">
    <li class="train">${sample} train</li>
    <li class="dev">${sample} dev</li>
  </ul>
</div>
<div id="${id}" class="chart" role="img" aria-label="${summary}"></div>
</div>
`;
  };
  return html`<section class="panel" aria-label="Curves">
<div class="curves">
${chart('error-chart', 'Error', 'percent', 'devError')}${chart('loss-chart', 'Loss', 'nats', 'devLoss')}</div>
<noscript><p>The curves need JavaScript; the table below has their values.</p></noscript>
${table(history)}
</section>`;
}

const sample = html`<svg viewBox="0 0 28 8" width="28" height="8"><path d="M1 4H27"/></svg>`;

function table(history: readonly Percents[]): Markup {
  const overlaps = history.some(({ devOverlap }) => devOverlap !== undefined);
  const row = (epoch: Percents) => html`<tr><th scope="row">${epoch.epoch}</th>${[
    epoch.trainLoss.toFixed(4),
    `${epoch.trainError.toFixed(2)} %`,
    epoch.devLoss.toFixed(4),
    `${epoch.devError.toFixed(2)} %`,
    ...(overlaps ? [epoch.devOverlap?.toFixed(3) ?? ''] : []),
    epoch.seconds.toFixed(1),
  ].map((cell) => html`<td>${cell}</td>`)}</tr>
`;
  const titles = [
    'Epoch',
    'Train loss',
    'Train error',
    'Dev loss',
    'Dev error',
    ...(overlaps ? ['Window on digit (IoU)'] : []),
    'Seconds',
  ];
  return html`<details>
<summary>All epochs as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="All epochs"><table>
<thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
${history.map(row)}</tbody>
</table></div>
</details>`;
}

export const curveStyle = `.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2.2rem; }
.curves > div { min-width: 0; }
`;
