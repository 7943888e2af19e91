/** The HTML report of the captions of a split. */
import type { EpochReport } from '../training/progress.js';
import {
  ciderHistogram,
  extremesSection,
  showcaseSection,
  viewerDialog,
} from './caption-overview.js';
import { captionStyle } from './caption-style.js';
import { chartsOf, curveSection } from './curves.js';
import { epochRows } from './epochs.js';
import { html, type Markup, program } from './html.js';
import { attentionTools } from './in-page/attention.js';
import { captionPage } from './in-page/caption-page.js';
import { pictureList } from './in-page/picture-list.js';
import { attentionStrip } from './in-page/strip.js';
import { pictureViewer } from './in-page/viewer.js';
import { type PictureData, wordSteps } from './in-page/word-steps.js';
import {
  type ChartAssets,
  commandSection,
  type Figure,
  figureSection,
  renderPage,
} from './page.js';
import { photoSection } from './photo-cards.js';
import {
  type AttentionKind,
  type Framing,
  fieldOf,
  packAttention,
  type ReportPicture,
  round,
} from './report-picture.js';

/** What a report tells about the captions of a split. All texts are plain: the page escapes them. */
export interface CaptionReport {
  readonly title: string;
  readonly subtitle: string;
  /** The scores over all, the most important one first. */
  readonly figures: readonly Figure[];
  /** On which scales they are. */
  readonly scales: string;
  /** What the reader must know before anything else: warnings. */
  readonly remarks?: readonly string[] | undefined;
  /** Which pictures are shown: "all 120 of them". */
  readonly about: string;
  readonly pictures: readonly ReportPicture[];
  /** How the words' attention is given; undefined for a model that has none. */
  readonly attention?: AttentionKind | undefined;
  /** How the model brings photos to the size that it sees: attention lies over that part. */
  readonly framing: Framing;
  /** The epochs of training; none for a model whose file does not tell. */
  readonly history: readonly EpochReport[];
  /** The command that makes this report. */
  readonly command?: string | undefined;
}

/**
 * The captions of a split as one HTML page that needs nothing else: scores, the best and the worst,
 * training curves, and every picture with its caption, its references and, word by word, what the
 * model looked at.
 *
 * The element `report-data` holds all texts and numbers as JSON, for programs.
 *
 * @throws ShapeError when a word's attention has another size than `attention` says.
 */
export function renderCaptionReport(report: CaptionReport, assets: ChartAssets): string {
  const { title, subtitle, figures, scales, about, pictures, attention } = report;
  const history = epochRows(report.history);
  const grid = attention?.kind === 'grid' ? attention : undefined;
  const data = pictures.map((picture) => pictureData(picture, report));
  const showcase = showcaseOf(data);
  const shown = showcase === undefined ? undefined : data[showcase];
  return renderPage(
    {
      kind: 'caption report',
      title,
      subtitle,
      content: [
        figureSection(figures, scales),
        ...(report.remarks ?? []).map((text) => html`<p class="panel remark"><b>${text}</b></p>`),
        attention ? undefined : noAttention,
        shown && showcaseSection(shown.caption, shown.scores.cider),
        extremesSection(pictures),
        curveSection(history),
        pictures.length > 0 ? ciderHistogram(pictures) : undefined,
        photoSection(pictures, { about, attention: attention !== undefined }),
        commandSection('Make this report again', report.command),
        viewerDialog,
      ],
      data: {
        title,
        subtitle,
        figures,
        scales,
        grid: grid && { rows: grid.rows, columns: grid.columns },
        showcase,
        history,
        charts: chartsOf(history),
        pictures: data,
        command: report.command,
      },
      styles: [captionStyle, `:root { --aspect: ${proportions(pictures)}; }`],
      programs: [
        program(captionPage, {
          attentionTools,
          wordSteps,
          attentionStrip,
          pictureList,
          pictureViewer,
        }),
      ],
    },
    assets,
  );
}

const noAttention: Markup = html`<p class="panel remark"><b>This model has no attention.</b> It takes in each picture as one vector, so there is no place in the picture that belongs to a word and no heat map to show. Pointing at a word tells its probability.</p>`;

function pictureData(picture: ReportPicture, { attention, framing }: CaptionReport): PictureData {
  const { id, words, references, scores, photo } = picture;
  const packed = attention && packAttention(picture, attention);
  const told = words.every(({ probability }) => probability !== undefined);
  return {
    id,
    caption: picture.caption ?? words.map(({ word }) => word).join(' '),
    words: words.map(({ word }) => word),
    probabilities: told ? words.map(({ probability = 0 }) => round(probability, 4)) : [],
    references,
    scores: {
      cider: round(scores.cider, 4),
      bleu1: round(scores.bleu1, 4),
      bleu4: round(scores.bleu4, 4),
      rougeL: round(scores.rougeL, 4),
    },
    field: fieldOf(photo, framing).map((share) => round(share, 4)),
    ...(packed && { attention: packed }),
  };
}

/** Width by height of the frames that photos stand in: the middle one, if that is not extreme. */
function proportions(pictures: readonly ReportPicture[]): number {
  const all = pictures.map(({ photo }) => photo.width / photo.height).sort((a, b) => a - b);
  const middle = all[Math.floor(all.length / 2)] ?? 1;
  return round(Math.min(1.5, Math.max(0.8, middle)), 3);
}

/** Of the captions with attention and some words, the one with the highest CIDEr. */
function showcaseOf(pictures: readonly PictureData[]): number | undefined {
  let best: number | undefined;
  for (const [index, { attention, words, scores }] of pictures.entries()) {
    if (!attention || words.length < 4) continue;
    const highest = best === undefined ? undefined : pictures[best]?.scores.cider;
    if (highest === undefined || scores.cider > highest) best = index;
  }
  return best;
}
