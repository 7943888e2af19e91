/** The card of a clip in a report: the clip playing, what the model says, and both over time. */
import { clipPlayer, filmRow, pixelated, type SheetFilm } from './clip-player.js';
import { html, type Markup } from './html.js';
import { type Sheet, sheetDefinition } from './sheet.js';
import { barsOf, curvesOf, stripOf, type TimelineRow, timeline } from './timeline.js';
import { badge, type Verdict } from './verdicts.js';

/** A clip, and what a classifier says of it. */
export interface ShownClip {
  readonly id: string;
  /** Its class, a place in the list of classes. */
  readonly label: number;
  /** (K): of the whole clip. */
  readonly probabilities: ArrayLike<number>;
  /** When it ends. */
  readonly end: number;
  /** In what that is counted: `s`, or `steps` of a sequence of numbers. */
  readonly unit: 's' | 'steps';
  /** Its frames, and when each is shown; none of a sequence. */
  readonly film?: SheetFilm | undefined;
  /** What the network makes of it before it looks: pictures, evenly over the time. */
  readonly maps?: readonly ClipMaps[];
  /** (T, K) probabilities by what is seen at some times. */
  readonly scores?:
    | {
        /** What each of them is of: `window`, `step`. */
        readonly of: 'window' | 'step';
        readonly times: readonly number[];
        readonly values: readonly ArrayLike<number>[];
        /** (T): what each counts in the whole, where they are weighed. */
        readonly weights?: ArrayLike<number> | undefined;
      }
    | undefined;
  /** What was said of it while the model learned. */
  readonly moments?: readonly ClipMoment[];
}

/** Pictures of one kind that a network makes of a clip. */
export interface ClipMaps {
  readonly name: string;
  /** What its colours mean, in words and as a picture: directions around, or numbers below and above 0. */
  readonly hint: string;
  readonly key?: 'directions' | 'signs';
  readonly sheet: Sheet;
  /** One picture of all of the time, however it has to be stretched. */
  readonly isWhole?: boolean;
}

/** What was said of a clip after some epochs. */
export interface ClipMoment {
  /** Epochs done. */
  readonly epoch: number;
  readonly said: number;
  /** Of what was said, 0 to 1. */
  readonly probability: number;
}

/** Classes whose probabilities a card names. */
const MOST_BARS = 5;
/** Curves of classes that are neither true nor said, and how high one must be at some time. */
const MOST_OTHERS = 2;
const WORTH_A_CURVE = 0.15;

/** The card of a clip. Its parts are found by the page's program, see `clipPlayers`. */
export function clipCard(clip: ShownClip, index: number, classes: readonly string[]): Markup {
  const { id, label, film, probabilities, end, unit } = clip;
  const said = highest(probabilities);
  const verdict = verdictOf(clip);
  const [name, truth] = [classes[said] ?? '', classes[label] ?? ''];
  const length = unit === 's' ? `${end.toFixed(2)} s` : `${end} steps`;
  return html`<article class="clip panel ${verdict}" id="clip-${index}" data-index="${index}" data-verdict="${verdict}" aria-label="${id}">
<div class="clip-top${film ? undefined : html` unseen`}">
${film && clipPlayer(film, index, truth)}
<div class="clip-said">
<p class="label">The model says ${badge(verdict)}</p>
<p class="caption">${name}</p>
${verdict === 'wrong' ? html`<p class="truth">It is <b>${truth}</b></p>\n` : undefined}${momentStrip(clip, classes)}<p class="source">${id} <span>${length}</span></p>
</div>
${bars(probabilities, label, classes)}
</div>
${timeline(rowsOf(clip, index, classes), { end, unit })}
${legend(clip, classes)}</article>
`;
}

function rowsOf(clip: ShownClip, index: number, classes: readonly string[]): TimelineRow[] {
  const { film, maps = [], scores, end } = clip;
  const rows: TimelineRow[] = [];
  if (film) rows.push(filmRow(film, index, end));
  for (const [k, { name, hint, key, sheet, isWhole }] of maps.entries()) {
    const frames = Array.from({ length: sheet.count }, (_, i) => i);
    const id = `maps-${index}-${k}`;
    const content = html`${sheetDefinition(id, sheet)}${stripOf(id, sheet, frames)}`;
    const kind = isWhole ? 'whole pixelated' : `maps${pixelated(sheet)}`;
    rows.push({ name, hint, key, kind, content });
  }
  if (scores) {
    const { times, values, weights } = scores;
    const curves = curveClasses(clip).map(({ k, look }) => ({
      look,
      values: values.map((row) => row[k] ?? 0),
    }));
    const about = `Probability of ${classes[clip.label]} by ${scores.of} over the clip`;
    const hint = `the probabilities of each ${scores.of}, 0 to 100 %`;
    rows.push({
      name: `by ${scores.of}`,
      hint,
      kind: 'scores',
      content: curvesOf(curves, { times, end, about }),
    });
    if (weights) {
      rows.push({
        name: 'attention',
        hint: `what each ${scores.of} counts`,
        kind: 'attention',
        content: barsOf(weights, { times, end, about: `What each ${scores.of} counts` }),
      });
    }
  }
  return rows;
}

/** The classes that have a curve: the true one, the one that is said, and others that were likely at some time. */
export function curveClasses({
  label,
  probabilities,
  scores,
}: ShownClip): { readonly k: number; readonly look: string }[] {
  if (!scores) return [];
  const said = highest(probabilities);
  const peaks = Array.from(probabilities, (_, k) => ({
    k,
    peak: Math.max(...scores.values.map((row) => row[k] ?? 0)),
  }));
  const others = peaks
    .filter(({ k, peak }) => k !== label && k !== said && peak >= WORTH_A_CURVE)
    .sort((a, b) => b.peak - a.peak)
    .slice(0, MOST_OTHERS);
  return [
    { k: label, look: 'true' },
    ...(said === label ? [] : [{ k: said, look: 'false' }]),
    ...others.map(({ k }, i) => ({ k, look: i === 0 ? 'first' : 'second' })),
  ];
}

function legend(clip: ShownClip, classes: readonly string[]): Markup | undefined {
  if (!clip.scores) return undefined;
  const entries = curveClasses(clip).map(
    ({ k, look }) =>
      html`<li><svg class="curve" viewBox="0 0 28 8" width="28" height="8"><polyline class="${look}" points="1,4 27,4"/></svg> ${classes[k]}<b data-class="${k}"></b></li>`,
  );
  return html`<ul class="legend" aria-hidden="true">${entries}</ul>
`;
}

function bars(probabilities: ArrayLike<number>, label: number, classes: readonly string[]): Markup {
  const ranked = Array.from(probabilities, (p, k) => ({ p, k })).sort((a, b) => b.p - a.p);
  const shown = ranked.slice(0, MOST_BARS);
  const truth = ranked.find(({ k }) => k === label);
  if (truth && !shown.includes(truth)) shown.splice(-1, 1, truth);
  const said = ranked[0]?.k;
  const bar = ({ p, k }: { readonly p: number; readonly k: number }) => {
    const look = k === label ? 'true' : k === said ? 'false' : '';
    return html`<li class="${look}"><span>${classes[k]}</span><i><i style="width: ${(100 * p).toFixed(1)}%"></i></i><b>${percent(p)}</b></li>`;
  };
  return html`<ol class="bars" aria-label="Probabilities">${shown.map(bar)}</ol>`;
}

/** A dot for each epoch: whether the clip was right then. */
function momentStrip(
  { moments = [], label }: ShownClip,
  classes: readonly string[],
): Markup | undefined {
  if (moments.length < 2) return undefined;
  const dot = ({ epoch, said, probability }: ClipMoment) => {
    const when = epoch === 0 ? 'before training' : `epoch ${epoch}`;
    const look = said === label ? 'right' : 'wrong';
    return html`<i class="${look}" style="opacity: ${(0.3 + 0.7 * probability).toFixed(2)}" title="${when}: ${classes[said]}, ${percent(probability)}"></i>`;
  };
  const right = moments.filter(({ said }) => said === label).length;
  return html`<p class="moments" role="img" aria-label="right after ${right} of ${moments.length} epochs">${moments.map(dot)} <span>epoch by epoch</span></p>
`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Whether the likeliest class is the true one. */
export function verdictOf({ label, probabilities }: ShownClip): Verdict {
  return highest(probabilities) === label ? 'right' : 'wrong';
}

/** The place of the highest value. */
export function highest(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if ((values[k] ?? 0) > (values[best] ?? 0)) best = k;
  return best;
}

export const clipStyle = `.clip-top { display: grid; grid-template-columns: auto minmax(9rem, 1fr) minmax(15rem, 1.3fr); gap: 1.2rem 1.8rem; align-items: start; margin-bottom: 1.1rem; }
.clip-top.unseen { grid-template-columns: minmax(9rem, 1fr) minmax(15rem, 1.3fr); }
.clip-said .label { display: flex; align-items: center; gap: .5rem; margin: 0; }
.clip-said .badge { margin: 0; }
.clip-said .caption { font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
.clip-said .truth { margin: .15rem 0 0; color: var(--muted); }
.clip-said .truth b { color: var(--right); font-weight: 600; }
.clip-said .source { margin: .7rem 0 0; color: var(--muted); font-size: .84rem; overflow-wrap: anywhere; }
.clip-said .source span { white-space: nowrap; }
.clip-said .source span::before { content: '· '; }
.moments { display: flex; flex-wrap: wrap; align-items: center; gap: 3px; margin: .7rem 0 0; }
.moments i { width: 9px; height: 9px; border-radius: 50%; background: var(--wrong); }
.moments .right { background: var(--right); }
.moments span { margin-left: .4rem; color: var(--muted); font-size: .78rem; }
.bars { margin: .15rem 0 0; padding: 0; list-style: none; font-size: .88rem; }
.bars li { display: grid; grid-template-columns: minmax(5rem, 10.5rem) minmax(3rem, 1fr) 3.7rem; align-items: center; gap: .7rem; padding: .14rem 0; color: var(--muted); }
.bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: right; }
.bars li > i { height: 9px; overflow: hidden; border-radius: 5px; background: var(--mat); }
.bars i i { display: block; height: 100%; border-radius: 5px; background: var(--muted); opacity: .6; }
.bars b { font-weight: 500; text-align: right; font-variant-numeric: tabular-nums; }
.bars .true { color: var(--ink); }
.bars .true i i { background: var(--right); opacity: 1; }
.bars .false i i { background: var(--wrong); opacity: 1; }
.clip .legend { margin: .3rem 0 0 5.6rem; font-size: .82rem; }
.clip .legend .curve { overflow: visible; }
.clip .legend polyline { fill: none; }
.clip .legend b { min-width: 3.2em; color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }

@media screen and (max-width: 52rem) {
  .clip-top, .clip-top.unseen { grid-template-columns: auto minmax(0, 1fr); }
  .bars { grid-column: 1 / -1; }
}
@media screen and (max-width: 30rem) {
  .clip-top, .clip-top.unseen { grid-template-columns: minmax(0, 1fr); }
}
`;
