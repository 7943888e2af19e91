import type { EpochReport } from '../training/trainer.js';
import { html, type Markup } from './html.js';

/** The loss curves: an empty place that `chartScript` draws into, and the same numbers as a table. */
export function lossSection(history: readonly EpochReport[]): Markup | undefined {
  const [first] = history;
  if (!first) return undefined;
  const best = history.reduce((a, b) => (b.devLoss < a.devLoss ? b : a), first);
  const last = history.at(-1) ?? first;
  const epochs = history.length === 1 ? 'one epoch' : `${history.length} epochs`;
  const summary =
    `Loss per word over ${epochs}: in training from ${loss(first.trainLoss)} to ` +
    `${loss(last.trainLoss)}, on dev from ${loss(first.devLoss)} to ${loss(last.devLoss)}, ` +
    `lowest on dev after epoch ${best.epoch} with ${loss(best.devLoss)}.`;
  return html`<section class="panel" aria-labelledby="loss-title">
<div class="heading">
  <h2 id="loss-title">Loss per word <small>nats, lower is better</small></h2>
  <ul class="legend" aria-hidden="true">
    <li class="train">${sample} train</li>
    <li class="dev">${sample} dev</li>
    <li class="best"><i></i> best on dev: ${loss(best.devLoss)} after epoch ${best.epoch}</li>
  </ul>
</div>
<div id="loss-chart" class="chart" role="img" aria-label="${summary}"></div>
<noscript><p>The curves need JavaScript; the table below has their values.</p></noscript>
<details>
<summary>All epochs as a table</summary>
<div class="scroll"><table>
<thead><tr><th scope="col">Epoch</th><th scope="col">Train loss</th><th scope="col">Dev loss</th><th scope="col">Dev perplexity</th><th scope="col">Learning rate</th><th scope="col">Seconds</th></tr></thead>
<tbody>
${history.map((report) => row(report, report === best))}</tbody>
</table></div>
</details>
</section>`;
}

const sample = html`<svg viewBox="0 0 28 8" width="28" height="8"><path d="M1 4H27"/></svg>`;

function row({ epoch, trainLoss, devLoss, rate, seconds }: EpochReport, isBest: boolean): Markup {
  const cells = [
    loss(trainLoss),
    loss(devLoss),
    Math.exp(devLoss).toPrecision(4),
    String(Number(rate.toPrecision(4))),
    seconds.toFixed(1),
  ];
  const mark = isBest ? html` <em>best</em>` : undefined;
  return html`<tr><th scope="row">${epoch}${mark}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`;
}

function loss(value: number): string {
  return value.toFixed(3);
}
