/** The card of a captioned clip in a report: the clip playing, its sentence, and when each word looks where. */
import { ShapeError } from '../errors.js';
import { clipPlayer, filmRow, type SheetFilm } from './clip-player.js';
import { html, type Markup } from './html.js';
import { captionOf, referenceList, scoreLine } from './photo-cards.js';
import type { ReportPicture } from './report-picture.js';
import { barsOf, type TimelineRow, timeline } from './timeline.js';
import { badge, type Verdict } from './verdicts.js';

/** A clip, and what a captioner says of it. */
export interface CaptionedClip extends Pick<ReportPicture, 'id' | 'caption' | 'references'> {
  readonly film: SheetFilm;
  /** Seconds. */
  readonly end: number;
  /** The attention of a word is a weight for each frame of `seen`, or for each of `places` of each, place by place. */
  readonly words: ReportPicture['words'];
  /** When the frames that the model looked at are shown, in seconds. */
  readonly seen: readonly number[];
  /** Default: 1. */
  readonly places?: number | undefined;
  readonly scores?: ReportPicture['scores'] | undefined;
  /** Whether the caption is word for word one of its references, where that is to be said. */
  readonly verdict?: Verdict | undefined;
}

/**
 * The card of a captioned clip: a row for each word says when it looked where.
 * @throws ShapeError naming the word whose attention does not fit the frames.
 */
export function clipCaptionCard(clip: CaptionedClip, index: number): Markup {
  const { id, film, end, references, scores, verdict } = clip;
  const about = references[0] ?? id;
  return html`<article class="clip panel told ${verdict ?? ''}" id="clip-${index}" data-index="${index}" data-verdict="${verdict ?? ''}" aria-label="${id}">
<div class="clip-top">
${clipPlayer(film, index, about)}<div class="clip-told">
<p class="label">The model says ${verdict && badge(verdict)}</p>
${captionOf(clip)}
${scores && scoreLine({ scores })}
<p class="source">${id} <span>${end.toFixed(2)} s</span></p>
</div>
<div class="clip-references">
${referenceList(references)}</div>
</div>
${timeline([filmRow(film, index, end), ...wordRows(clip)], { end, unit: 's' })}
</article>
`;
}

function wordRows(clip: CaptionedClip): TimelineRow[] {
  const { seen: times, end } = clip;
  return clip.words.flatMap(({ word }, w): TimelineRow[] => {
    const weights = frameWeights(clip, w);
    if (!weights) return [];
    const about = `When the model looked for the word ${word}`;
    return [{ name: word, kind: 'word', content: barsOf(weights, { times, end, about }) }];
  });
}

/**
 * What a word's attention gives to each frame: (T); undefined for a word without attention.
 * @throws ShapeError naming the word, when it has another number of weights.
 */
export function frameWeights(
  { id, words, seen, places = 1 }: Pick<CaptionedClip, 'id' | 'words' | 'seen' | 'places'>,
  word: number,
): Float64Array | undefined {
  const attention = words[word]?.attention;
  if (!attention) return undefined;
  if (attention.length !== seen.length * places) {
    throw new ShapeError(
      `${id}: the word ${JSON.stringify(words[word]?.word)} has ${attention.length} values of attention, ${seen.length} frames of ${places} places need ${seen.length * places}`,
    );
  }
  const sums = new Float64Array(seen.length);
  for (let i = 0; i < attention.length; i++) {
    const frame = Math.floor(i / places);
    sums[frame] = (sums[frame] ?? 0) + (attention[i] ?? 0);
  }
  return sums;
}

export const clipCaptionStyle = `.told .clip-top { display: grid; grid-template-columns: auto minmax(14rem, 1.5fr) minmax(11rem, 1fr); gap: 1.2rem 1.8rem; align-items: start; margin-bottom: 1.1rem; }
.told .label { display: flex; align-items: center; gap: .5rem; margin: 0 0 .15rem; }
.told .badge { margin: 0; }
.told .caption { font-size: 1.3rem; line-height: 1.4; }
.told .caption [data-word] { border-radius: 5px; padding: .1em .14em; margin: 0 -.14em; background: color-mix(in srgb, var(--glow) calc(100% * var(--light, 0)), transparent); cursor: pointer; }
.told .caption [data-word].lit { color: var(--on-glow); }
.told .readout { min-height: 1.35em; margin: .25rem 0 .5rem; color: var(--muted); font-size: .82rem; font-variant-numeric: tabular-nums; }
.told .scores { display: flex; flex-wrap: wrap; align-items: center; gap: .1rem .9rem; margin: 0; color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; }
.told .scores b { color: var(--ink); font-weight: 600; }
.told .cider { display: flex; align-items: center; gap: .4rem; }
.told .cider rect { fill: var(--line); }
.told .cider .filled { fill: var(--accent); }
.told .source { margin: .5rem 0 0; color: var(--muted); font-size: .84rem; overflow-wrap: anywhere; }
.told .source span::before { content: '· '; }
.told .truths { color: var(--muted); }
.told .word .weights svg { height: 1.25rem; }
.told .word { border-radius: 5px; transition: opacity .15s; }
.told .film svg { transition: opacity .15s; }
.told .timeline.pointed .word:not(.shown) { opacity: .3; }

@media screen and (max-width: 52rem) {
  .told .clip-top { grid-template-columns: auto minmax(0, 1fr); }
  .clip-references { grid-column: 1 / -1; }
}
@media screen and (max-width: 30rem) {
  .told .clip-top { grid-template-columns: minmax(0, 1fr); }
}
`;
