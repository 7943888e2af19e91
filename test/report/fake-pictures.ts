/** Pictures of a caption report without a model, for tests. */
import type { CaptionReport } from '@/report/caption-report.js';
import type { ReportPicture } from '@/report/report-picture.js';

/** A grid of 4 rows and 5 columns with nearly all attention in one place. */
export const grid = { kind: 'grid', rows: 4, columns: 5 } as const;

export function lookingAt(row: number, column: number): number[] {
  const { rows, columns } = grid;
  const rest = 0.1 / (rows * columns - 1);
  return Array.from({ length: rows * columns }, (_, place) =>
    place === row * columns + column ? 0.9 : rest,
  );
}

type Changes = Partial<Omit<ReportPicture, 'photo' | 'scores'>> & { cider?: number };

/** A picture whose first word is looked for at the upper left, the second one at the lower right. */
export function pictureOf(photo: ReportPicture['photo'], changes: Changes = {}): ReportPicture {
  const { cider = 0.5, ...rest } = changes;
  return {
    id: 'dog.jpg',
    photo,
    words: [
      { word: 'a', probability: 0.5, attention: lookingAt(0, 0) },
      { word: 'dog', probability: 0.25, attention: lookingAt(3, 4) },
      { word: 'runs', probability: 0.125, attention: lookingAt(1, 2) },
      { word: 'away', probability: 0.0625, attention: lookingAt(0, 4) },
    ],
    references: ['A dog runs .', 'Something brown'],
    scores: { cider, bleu1: 0.75, bleu4: 0.25, rougeL: 0.5 },
    ...rest,
  };
}

export const epochs = [
  { epoch: 1, train: { loss: 2.5 }, dev: { loss: 2.25, cider: 0.25 }, rate: 1e-3, seconds: 3 },
  { epoch: 2, train: { loss: 1.25 }, dev: { loss: 1.125, cider: 0.5 }, rate: 1e-3, seconds: 6 },
  { epoch: 3, train: { loss: 0.625 }, dev: { loss: 1.5, cider: 0.625 }, rate: 1e-3, seconds: 9 },
];

export function reportOf(
  pictures: readonly ReportPicture[],
  changes: Partial<CaptionReport> = {},
): CaptionReport {
  return {
    title: 'Photos, dev',
    subtitle: 'What a model says',
    figures: [{ label: 'CIDEr', value: '0.551', hint: 'papers write 55.1' }],
    scales: 'Scores are on the 0 to 1 scale.',
    about: 'all 3',
    pictures,
    attention: grid,
    framing: { width: 224, height: 224, resize: 'squash' },
    history: epochs,
    command: 'glimpse report photos --model m',
    ...changes,
  };
}
