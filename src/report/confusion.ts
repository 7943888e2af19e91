/** The confusion matrix of a classifier: how often each class was taken for each. */
import { html, type Markup } from './html.js';
import { round } from './report-picture.js';

/** Above so many classes their names do not fit beside the rows. */
const MOST_NAMES = 40;
const LONGEST_NAME = 22;
/** Pairs of classes that are told in words. */
const MOST_PAIRS = 8;

/**
 * A matrix with a row a class, a column for what was said, and the pairs that were taken for each other most often.
 * @param confusion (K, K) counts. @param unit what is counted: `clips`.
 */
export function confusionSection(
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
  unit: string,
): Markup {
  const total = confusion.flat().reduce((sum, count) => sum + count, 0);
  return html`<section class="panel" aria-labelledby="confusion-title">
<div class="heading">
  <h2 id="confusion-title">What is taken for what <small>a row a class, ${total.toLocaleString('en')} ${unit}; the colour is the share of its row</small></h2>
</div>
<div class="confusion">
<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">${matrix(classes, confusion)}</div>
${pairList(classes, confusion)}</div>
</section>`;
}

function matrix(classes: readonly string[], confusion: readonly (readonly number[])[]): Markup {
  const K = classes.length;
  const side = K <= 8 ? 42 : K <= 20 ? 28 : K <= MOST_NAMES ? 18 : Math.max(2, Math.floor(720 / K));
  const named = K <= MOST_NAMES;
  const names = classes.map(shortened);
  const room = named ? 14 + 6.6 * Math.max(...names.map((name) => name.length)) : 8;
  // Names above the columns stand aslant.
  const top = named ? 0.72 * room + 14 : room;
  const beyond = named ? Math.max(0, top - side / 2) : 0;
  const [width, height] = [room + K * side + beyond, top + K * side + 1];
  const cells = confusion.flatMap((row, label) => {
    const sum = row.reduce((all, count) => all + count, 0);
    return row.flatMap((count, said) =>
      count === 0 ? [] : [cell({ count, of: sum, label, said, side, left: room, top, classes })],
    );
  });
  const labels = names.map((name, k) => {
    const middle = (k + 0.5) * side;
    return html`<text x="${round(room - 8, 1)}" y="${round(top + middle, 1)}" class="row-name">${name}</text><text transform="translate(${round(room + middle, 1)} ${round(top - 8, 1)}) rotate(-45)" class="column-name">${name}</text>`;
  });
  return html`<svg class="matrix" width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" role="img" aria-label="Confusion matrix of ${K} classes"><rect class="ground" x="${round(room, 1)}" y="${round(top, 1)}" width="${K * side}" height="${K * side}" rx="4"/>${cells}${named ? labels : undefined}</svg>`;
}

function cell({
  count,
  of,
  label,
  said,
  side,
  left,
  top,
  classes,
}: {
  readonly count: number;
  readonly of: number;
  readonly label: number;
  readonly said: number;
  readonly side: number;
  readonly left: number;
  readonly top: number;
  readonly classes: readonly string[];
}): Markup {
  const [x, y] = [round(left + said * side, 1), round(top + label * side, 1)];
  const look = label === said ? 'right' : 'wrong';
  const share = count / of;
  const text =
    side < 16
      ? undefined
      : html`<text x="${round(x + side / 2, 1)}" y="${round(y + side / 2, 1)}"${share > 0.55 ? html` class="on"` : undefined}>${count}</text>`;
  const gap = side < 8 ? 0 : 2;
  return html`<g class="${look}"><title>${classes[label]}${label === said ? ': right' : ` taken for ${classes[said]}`}, ${count} of ${of}</title><rect x="${x + gap / 2}" y="${y + gap / 2}" width="${side - gap}" height="${side - gap}" rx="${side < 8 ? 0 : 3}" opacity="${round(0.12 + 0.88 * share, 3)}"/>${text}</g>`;
}

/** The pairs that are confused most often, in words. */
function pairList(
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
): Markup | undefined {
  const pairs = confusion.flatMap((row, label) => {
    const of = row.reduce((a, b) => a + b, 0);
    return row.flatMap((count, said) => {
      return label === said || count === 0 ? [] : [{ label, said, count, of }];
    });
  });
  const wrong = pairs.sort((a, b) => b.count - a.count);
  if (wrong.length === 0) return html`<p class="pairs">No class was taken for another one.</p>`;
  const more =
    wrong.length > MOST_PAIRS
      ? html`<li class="more">and ${wrong.length - MOST_PAIRS} other pairs</li>`
      : undefined;
  return html`<ol class="pairs">${wrong
    .slice(0, MOST_PAIRS)
    .map(
      ({ label, said, count, of }) =>
        html`<li><b>${classes[label]}</b> taken for <b>${classes[said]}</b> <span>${count} of ${of}</span></li>`,
    )}${more}</ol>`;
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

export const confusionStyle = `.confusion { display: flex; flex-wrap: wrap; gap: 1.4rem 2.6rem; align-items: flex-start; }
.confusion .scroll { max-width: 100%; }
.matrix { display: block; overflow: visible; }
.matrix .ground { fill: var(--mat); opacity: .55; }
.matrix text { fill: var(--ink); font: 500 12px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; font-variant-numeric: tabular-nums; }
.matrix .row-name { text-anchor: end; fill: var(--muted); font-weight: 400; }
.matrix .column-name { text-anchor: start; fill: var(--muted); font-weight: 400; }
.matrix .right rect { fill: var(--right); }
.matrix .wrong rect { fill: var(--wrong); }
.matrix .on { fill: var(--panel); }
.pairs { flex: 1 1 16rem; min-width: 0; max-width: 26rem; margin: 0; padding: 0; list-style: none; font-size: .93rem; line-height: 1.4; }
.pairs li { padding: .3rem 0; }
.pairs li + li { border-top: 1px solid var(--line); }
.pairs b { font-weight: 600; }
.pairs span { white-space: nowrap; }
.pairs span, .pairs .more { color: var(--muted); font-variant-numeric: tabular-nums; }
`;
