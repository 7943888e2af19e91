/** The HTML report of a captioner's training. */
import type { EpochReport } from '../training/progress.js';
import { chartsOf, curveSection } from './curves.js';
import { epochRows } from './epochs.js';
import { program } from './html.js';
import { chooseVerdict } from './in-page/choose-verdict.js';
import {
  type ChartAssets,
  commandSection,
  type Figure,
  figureSection,
  renderPage,
} from './page.js';
import { pictureSection, type ReportCard } from './picture-cards.js';

/** What a report tells about a training run. All texts are plain: the page escapes them. */
export interface TrainingReport {
  readonly title: string;
  readonly subtitle: string;
  /** The most important one first. */
  readonly figures: readonly Figure[];
  readonly history: readonly EpochReport[];
  readonly cards: readonly ReportCard[];
  /** The command that repeats this run. */
  readonly command?: string | undefined;
}

/**
 * A training run as one HTML page that needs nothing else: figures, training curves, and pictures
 * with what the model says about them.
 *
 * The element `report-data` holds all texts and numbers as JSON, for programs.
 *
 * @throws ValueError when a picture is not a PNG file.
 */
export function renderTrainingReport(report: TrainingReport, assets: ChartAssets): string {
  const { title, subtitle, figures, cards, command } = report;
  const history = epochRows(report.history);
  return renderPage(
    {
      kind: 'training report',
      title,
      subtitle,
      content: [
        figureSection(figures),
        curveSection(history),
        pictureSection(cards),
        commandSection('Make this run again', command),
      ],
      data: {
        title,
        subtitle,
        figures,
        history,
        charts: chartsOf(history),
        cards: cards.map(({ picture: _, ...texts }) => texts),
        command,
      },
      programs: [program(chooseVerdict, {})],
    },
    assets,
  );
}
