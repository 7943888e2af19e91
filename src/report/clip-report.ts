/** The HTML report of a classifier of clips: how it does on a split, and what it makes of some clips. */
import type { EpochReport } from '../training/progress.js';
import {
  clipCard,
  clipStyle,
  curveClasses,
  highest,
  type ShownClip,
  verdictOf,
} from './clip-card.js';
import { playerStyle } from './clip-player.js';
import { confusionSection, confusionStyle } from './confusion.js';
import { curveStyle, errorCharts, errorCurves, inPercent } from './error-curves.js';
import { html, type Markup, program } from './html.js';
import { chooseVerdict } from './in-page/choose-verdict.js';
import { clipPlayers, type PlayedClip } from './in-page/clip-players.js';
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

/** What a report tells about a classifier of clips. All texts are plain: the page escapes them. */
export interface ClipReportPage {
  readonly title: string;
  readonly subtitle: string;
  /** The most important one first. */
  readonly figures: readonly Figure[];
  readonly classes: readonly string[];
  /** (K, K): how often each class (row) was taken for each (column). */
  readonly confusion?: readonly (readonly number[])[] | undefined;
  /** Which clips are shown: "all 12 of them". */
  readonly about: string;
  readonly clips: readonly ShownClip[];
  /** The epochs of training; none for a model whose file does not tell. */
  readonly history: readonly EpochReport[];
  /** What makes this page, and how the section with it is called. */
  readonly command?: { readonly title: string; readonly text: string } | undefined;
}

/**
 * A classifier of clips as one HTML page that needs nothing else: figures, curves of training, what is taken for what,
 * and clips that play in the page, with what is said of them over time.
 *
 * The element `report-data` holds all texts and numbers as JSON, for programs.
 */
export function renderClipReport(report: ClipReportPage, assets: ChartAssets): string {
  const { title, subtitle, figures, classes, confusion, about, clips, history, command } = report;
  const points = inPercent(history);
  return renderPage(
    {
      kind: 'clip report',
      title,
      subtitle,
      content: [
        figureSection(figures),
        confusion && confusionSection(classes, confusion, 'clips'),
        clipSection(clips, classes, about),
        errorCurves(points),
        command && commandSection(command.title, command.text),
      ],
      data: {
        title,
        subtitle,
        figures,
        classes,
        confusion,
        history: points,
        charts: errorCharts(points),
        clips: clips.map((clip) => clipData(clip)),
        command: command?.text,
      },
      styles: [curveStyle, confusionStyle, timelineStyle, playerStyle, clipStyle],
      programs: [program(clipPlayers, { viewBoxOf }), program(chooseVerdict, {})],
    },
    assets,
  );
}

function clipSection(
  clips: readonly ShownClip[],
  classes: readonly string[],
  about: string,
): Markup | undefined {
  if (clips.length === 0) return undefined;
  return html`<section aria-labelledby="clips-title">
<div class="heading">
  <h2 id="clips-title">What it sees <small>${about}; point at a row to move through its time</small></h2>
  ${verdictFilter(clips.map(verdictOf))}
</div>
${clips.map((clip, index) => clipCard(clip, index, classes))}</section>`;
}

/** What the page's program and others find about a clip. */
function clipData(clip: ShownClip): PlayedClip & { readonly [fact: string]: unknown } {
  const { id, label, probabilities, end, unit, film, scores, moments } = clip;
  const digits = (values: ArrayLike<number>) => Array.from(values, (value) => round(value, 4));
  return {
    id,
    label,
    said: highest(probabilities),
    probabilities: digits(probabilities),
    end: round(end, 4),
    unit,
    ...(film && {
      film: {
        width: film.sheet.width,
        height: film.sheet.height,
        columns: film.sheet.columns,
        times: digits(film.times),
      },
    }),
    ...(scores && {
      overTime: {
        of: scores.of,
        times: digits(scores.times),
        curves: curveClasses(clip).map(({ k }) => ({
          class: k,
          values: digits(scores.values.map((row) => row[k] ?? 0)),
        })),
        ...(scores.weights && { weights: digits(scores.weights) }),
      },
    }),
    ...(moments && { moments }),
  };
}
