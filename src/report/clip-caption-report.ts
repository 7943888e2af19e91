/** The HTML report of the captions of clips. */
import type { EpochReport } from '../training/progress.js';
import {
  type CaptionedClip,
  clipCaptionCard,
  clipCaptionStyle,
  frameWeights,
} from './clip-caption-card.js';
import { playerStyle } from './clip-player.js';
import { chartsOf, curveSection } from './curves.js';
import { epochRows } from './epochs.js';
import { curveStyle } from './error-curves.js';
import { html, program } from './html.js';
import { chooseVerdict } from './in-page/choose-verdict.js';
import { clipPlayers, type PlayedClip } from './in-page/clip-players.js';
import { type FilmedWords, filmWords } from './in-page/film-words.js';
import { viewBoxOf } from './in-page/view-box.js';
import {
  type ChartAssets,
  commandSection,
  type Figure,
  figureSection,
  renderPage,
} from './page.js';
import { round } from './report-picture.js';
import { timelineStyle } from './timeline.js';
import { verdictFilter } from './verdicts.js';

/** What a report tells about the captions of clips. All texts are plain: the page escapes them. */
export interface ClipCaptionPage {
  readonly title: string;
  readonly subtitle: string;
  /** The most important one first. */
  readonly figures: readonly Figure[];
  /** On which scales they are. */
  readonly scales?: string | undefined;
  /** What the reader must know before anything else: warnings. */
  readonly remarks?: readonly string[] | undefined;
  /** Which clips are shown: "all 12 of them". */
  readonly about: string;
  readonly clips: readonly CaptionedClip[];
  /** The epochs of training; none for a model whose file does not tell. */
  readonly history: readonly EpochReport[];
  /** What makes this page, and how the section with it is called. */
  readonly command?: { readonly title: string; readonly text: string } | undefined;
}

/**
 * Captions of clips as one HTML page that needs nothing else: scores, training curves, and clips that play, with their
 * captions and, word by word, the moments that the model looked at.
 *
 * The element `report-data` holds all texts and numbers as JSON, for programs.
 *
 * @throws ShapeError when a word's attention has another size than its clip's frames.
 */
export function renderClipCaptionReport(report: ClipCaptionPage, assets: ChartAssets): string {
  const { title, subtitle, figures, scales, about, clips, command } = report;
  const history = epochRows(report.history);
  return renderPage(
    {
      kind: 'clip caption report',
      title,
      subtitle,
      content: [
        figureSection(figures, scales),
        ...(report.remarks ?? []).map((text) => html`<p class="panel remark"><b>${text}</b></p>`),
        clips.length > 0
          ? html`<section aria-labelledby="clips-title">
<div class="heading">
  <h2 id="clips-title">What it tells <small>${about}; point at a word, or at a row to move through its time</small></h2>
  ${verdictFilter(clips.map(({ verdict }) => verdict))}
</div>
${clips.map(clipCaptionCard)}</section>`
          : undefined,
        curveSection(history),
        command && commandSection(command.title, command.text),
      ],
      data: {
        title,
        subtitle,
        figures,
        scales,
        history,
        charts: chartsOf(history),
        clips: clips.map(clipData),
        command: command?.text,
      },
      styles: [curveStyle, timelineStyle, playerStyle, clipCaptionStyle],
      programs: [
        program(clipPlayers, { viewBoxOf }),
        program(filmWords, {}),
        program(chooseVerdict, {}),
      ],
    },
    assets,
  );
}

/** What the page's programs and others find about a clip. */
function clipData(
  clip: CaptionedClip,
): PlayedClip & FilmedWords & { readonly [fact: string]: unknown } {
  const { id, film, end, words, seen, references, scores, verdict } = clip;
  const digits = (values: ArrayLike<number>) => Array.from(values, (value) => round(value, 4));
  const { width, height, columns } = film.sheet;
  return {
    id,
    caption: clip.caption ?? words.map(({ word }) => word).join(' '),
    references,
    end: round(end, 4),
    unit: 's',
    film: { width, height, columns, times: digits(film.times) },
    seen: digits(seen),
    words: words.map(({ word, probability }, index) => {
      const weights = frameWeights(clip, index);
      return {
        word,
        ...(probability !== undefined && { probability: round(probability, 4) }),
        ...(weights && { weights: digits(weights) }),
      };
    }),
    ...(scores && { scores }),
    ...(verdict && { verdict }),
  };
}
