/** The training curves of a report, and the table behind them. */
import type { EpochRow } from './epochs.js';
import { html, type Markup } from './html.js';
import type { Chart } from './in-page/charts.js';

/** What `drawCharts` has to draw. */
export function chartsOf(history: readonly EpochRow[]): Chart[] {
  const lowest = bestBy(history, ({ devLoss }) => -devLoss);
  const highest = bestBy(history, ({ devCider }) => devCider);
  return [
    ...(lowest
      ? [
          {
            id: 'loss-chart',
            curves: [
              { key: 'trainLoss', label: 'train', colour: 'train', dashed: true },
              { key: 'devLoss', label: 'dev', colour: 'dev', dashed: false },
            ],
            best: { key: 'devLoss', epoch: lowest.epoch },
          },
        ]
      : []),
    ...(highest
      ? [
          {
            id: 'cider-chart',
            curves: [
              ...(history.some(({ trainReward }) => trainReward !== undefined)
                ? [{ key: 'trainReward', label: 'reward', colour: 'train', dashed: true }]
                : []),
              { key: 'devCider', label: 'dev CIDEr', colour: 'dev', dashed: false },
            ],
            best: { key: 'devCider', epoch: highest.epoch },
          },
        ]
      : []),
  ];
}

/**
 * The training curves: empty places that `drawCharts` draws into, and the same numbers as a table.
 */
export function curveSection(history: readonly EpochRow[]): Markup | undefined {
  const [first] = history;
  const best = bestBy(history, ({ devLoss }) => -devLoss);
  if (!first || !best) return undefined;
  const last = history.at(-1) ?? first;
  const epochs = history.length === 1 ? 'one epoch' : `${history.length} epochs`;
  const summary =
    `Loss per word over ${epochs}: in training from ${digits(first.trainLoss)} to ` +
    `${digits(last.trainLoss)}, on dev from ${digits(first.devLoss)} to ${digits(last.devLoss)}, ` +
    `lowest on dev after epoch ${best.epoch} with ${digits(best.devLoss)}.`;
  return html`<section class="panel" aria-labelledby="loss-title">
<div class="curves">
<div>
<div class="heading">
  <h2 id="loss-title">Loss per word <small>nats, lower is better</small></h2>
  <ul class="legend" aria-hidden="true">
    <li class="train">${sample} train</li>
    <li class="dev">${sample} dev</li>
    <li class="best"><i></i> best on dev: ${digits(best.devLoss)} after epoch ${best.epoch}</li>
  </ul>
</div>
<div id="loss-chart" class="chart" role="img" aria-label="${summary}"></div>
</div>
${ciderCurve(history)}
</div>
<noscript><p>The curves need JavaScript; the table below has their values.</p></noscript>
${table(history, best)}
</section>`;
}

function ciderCurve(history: readonly EpochRow[]): Markup | undefined {
  const best = bestBy(history, ({ devCider }) => devCider);
  if (best?.devCider === undefined) return undefined;
  const rewarded = history.some(({ trainReward }) => trainReward !== undefined);
  const summary = `CIDEr on dev, highest after epoch ${best.epoch} with ${digits(best.devCider)}.`;
  return html`<div>
<div class="heading">
  <h2>CIDEr on dev <small>higher is better, not times 100</small></h2>
  <ul class="legend" aria-hidden="true">
    ${rewarded ? html`<li class="train">${sample} reward of training's samples</li>` : undefined}
    <li class="best"><i></i> best: ${digits(best.devCider)} after epoch ${best.epoch}</li>
  </ul>
</div>
<div id="cider-chart" class="chart" role="img" aria-label="${summary}"></div>
</div>`;
}

const sample = html`<svg viewBox="0 0 28 8" width="28" height="8"><path d="M1 4H27"/></svg>`;

/** What an epoch's row tells; columns that no epoch has are left out. */
const columns: readonly (readonly [title: string, cell: (epoch: EpochRow) => string])[] = [
  ['Train loss', ({ trainLoss }) => digits(trainLoss)],
  ['Train reward', ({ trainReward }) => digits(trainReward)],
  ['Dev loss', ({ devLoss }) => digits(devLoss)],
  ['Dev perplexity', ({ devLoss }) => Math.exp(devLoss).toPrecision(4)],
  ['Dev CIDEr', ({ devCider }) => digits(devCider)],
  ['Dev BLEU-4', ({ devBleu4 }) => digits(devBleu4)],
  ['Learning rate', ({ rate }) => String(Number(rate.toPrecision(4)))],
  ['Seconds', ({ seconds }) => seconds.toFixed(1)],
];

function table(history: readonly EpochRow[], best: EpochRow): Markup {
  const told = columns.filter(([, cell]) => history.some((epoch) => cell(epoch) !== ''));
  const row = (epoch: EpochRow) => {
    const mark = epoch === best ? html` <em>best</em>` : undefined;
    return html`<tr><th scope="row">${epoch.epoch}${mark}</th>${told.map(([, cell]) => html`<td>${cell(epoch)}</td>`)}</tr>
`;
  };
  return html`<details>
<summary>All epochs as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="All epochs"><table>
<thead><tr><th scope="col">Epoch</th>${told.map(([title]) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
${history.map(row)}</tbody>
</table></div>
</details>`;
}

/** The first epoch with the highest value. */
function bestBy(
  history: readonly EpochRow[],
  measure: (epoch: EpochRow) => number | undefined,
): EpochRow | undefined {
  let best: EpochRow | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const epoch of history) {
    const value = measure(epoch);
    if (value === undefined || !(value > highest)) continue;
    [best, highest] = [epoch, value];
  }
  return best;
}

function digits(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(3);
}
