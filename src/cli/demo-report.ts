/** The page of `glimpse demo`: what the captioner says about scenes that it has never seen. */
import { parameterCount } from '../autograd/tree.js';
import type { CaptionedImage } from '../data/captions/captioned-images.js';
import { counted } from '../data/formats/notes.js';
import { percent } from '../data/text/printable.js';
import type { Captioner } from '../models/captioner.js';
import { chartAssets } from '../report/assets.js';
import { renderTrainingReport } from '../report/training-report.js';
import type { Progress } from '../training/progress.js';
import { duration } from './terminal.js';

/** What the model says about a scene that it has never seen. */
export interface Saying {
  readonly image: CaptionedImage;
  readonly caption: string;
  /** Word for word the truth. */
  readonly right: boolean;
}

/** A scene as a PNG file's bytes. */
export interface Picture {
  readonly id: string;
  readonly png: Uint8Array;
}

/** How a demonstration went. */
export interface DemoResult {
  /** Of all held-out scenes, in their order. */
  readonly sayings: readonly Saying[];
  /** Share of right ones. */
  readonly accuracy: number;
  /** From the first scene drawn to the last one captioned. */
  readonly seconds: number;
  readonly trainScenes: number;
  /** What makes the same run again. */
  readonly command: string;
  readonly captioner: Captioner;
  readonly progress: Progress;
}

/** The report as one HTML page, with the pictures of the first held-out scenes. */
export async function demoReport(
  { sayings, accuracy, seconds, trainScenes, command, captioner, progress }: DemoResult,
  pictures: readonly Picture[],
): Promise<string> {
  const right = sayings.filter((saying) => saying.right).length;
  const { cnn, hiddenSize, vocabularySize } = captioner.config;
  const report = {
    title: 'A small network learns to say what it sees',
    subtitle: `Trained on ${count(trainScenes)} drawn scenes: ${cnn?.filters.length ?? 0} convolution layers look at a picture of ${cnn?.size ?? 0} x ${cnn?.size ?? 0} pixels, an LSTM of ${hiddenSize} units tells it in words. Below are the first ${pictures.length} of ${count(sayings.length)} scenes that it has never seen.`,
    figures: [
      {
        label: 'Exactly right',
        value: percent(accuracy),
        hint: `${count(right)} of ${count(sayings.length)} held-out scenes, word for word`,
      },
      {
        label: 'Time',
        value: duration(seconds),
        hint: `${duration(progress.seconds)} of it training, ${counted(progress.epoch, 'epoch')}`,
      },
      { label: 'Parameters', value: count(parameterCount(captioner.parameters)) },
      {
        label: 'Vocabulary',
        value: count(vocabularySize),
        hint: 'words, four special ones among them',
      },
    ],
    history: progress.history,
    cards: pictures.flatMap(({ png }, index) => {
      const saying = sayings[index];
      if (!saying) return [];
      const { caption, right, image } = saying;
      const verdict = right ? ('right' as const) : ('wrong' as const);
      return [{ picture: png, caption, truths: image.captions, verdict }];
    }),
    command,
  };
  return renderTrainingReport(report, await chartAssets());
}

function count(value: number): string {
  return value.toLocaleString('en');
}
