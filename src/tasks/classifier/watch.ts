/** The page of a classifier in training: some dev pictures, epoch by epoch. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../data/formats/files.js';
import { counted } from '../../data/formats/notes.js';
import { checkWritable, writeFileAtomically } from '../../data/formats/write-files.js';
import { encodePng } from '../../data/pictures/photos.js';
import { scope } from '../../engine/engine.js';
import { FileError } from '../../errors.js';
import { chartAssets } from '../../report/assets.js';
import {
  renderClassifierReport,
  type WatchedMoment,
  type WatchedPicture,
} from '../../report/classifier-report.js';
import type { TrainingRun } from '../../training/run.js';
import { oneOfEach } from '../watched.js';
import { describeClassifier } from './config.js';
import type { ClassifierRecipe } from './recipe.js';
import type { ClassifierTask } from './task.js';
import { boxEdges, viewsOf } from './views.js';

/** Moments of each picture that the page shows: the first, the last, and some between. */
const MOST_MOMENTS = 9;

const momentSchema = z.object({
  epoch: z.int().min(0),
  windows: z.array(z.array(z.number())),
  views: z.array(z.base64()),
  said: z.string(),
  probability: z.number(),
});
const fileSchema = z.array(z.array(momentSchema));

/**
 * What a classifier makes of some dev pictures, before training and after each epoch; a page is written
 * each time. All of it is kept beside the model, so that a run that is resumed still has it.
 */
export class TrainingWatch {
  readonly page: string;
  readonly #run: TrainingRun;
  readonly #task: ClassifierTask;
  readonly #about: About;
  readonly #file: string;
  readonly #indices: readonly number[];
  readonly #pictures: readonly Omit<WatchedPicture, 'moments'>[];
  readonly #moments: WatchedMoment[][];

  private constructor(
    run: TrainingRun,
    task: ClassifierTask,
    about: About,
    shown: {
      readonly file: string;
      readonly indices: readonly number[];
      readonly pictures: readonly Omit<WatchedPicture, 'moments'>[];
      readonly moments: WatchedMoment[][];
    },
  ) {
    this.page = about.page;
    this.#run = run;
    this.#task = task;
    this.#about = about;
    this.#file = shown.file;
    this.#indices = shown.indices;
    this.#pictures = shown.pictures;
    this.#moments = shown.moments;
  }

  /** @throws FileError when the page cannot be written: told now, and not after an epoch. */
  static async open(run: TrainingRun, task: ClassifierTask, about: About): Promise<TrainingWatch> {
    await checkWritable(about.page);
    const { progress } = run.trainer;
    const indices = oneOfEach(task.dev.source.labels, about.count);
    const file = join(run.folder, 'windows.json');
    const resumed = progress.epoch > 0 && existsSync(file);
    const before = resumed ? await readMoments(file) : undefined;
    const fits = before?.length === indices.length;
    const moments = fits ? before : indices.map((): WatchedMoment[] => []);
    const pictures = await inputsOf(task, indices);
    const watch = new TrainingWatch(run, task, about, { file, indices, pictures, moments });
    if (!fits) await watch.add();
    return watch;
  }

  /** Looks at the pictures as the model is now, and writes the page. That it cannot stops no run. */
  async add(): Promise<void> {
    const { model, dev } = this.#task;
    const { plan, parameters, classes } = model;
    const { epoch } = this.#run.trainer.progress;
    using _work = scope();
    const views = viewsOf(plan, parameters, dev.batch(this.#indices).x);
    for (const [n, view] of views.entries()) {
      const encoded = await Promise.all(view.views.map(({ shape, values }) => png(values, shape)));
      const moments = (this.#moments[n] ?? []).filter((moment) => moment.epoch < epoch);
      moments.push({
        epoch,
        windows: view.windows,
        views: encoded,
        said: classes[view.said] ?? '',
        probability: view.probabilities[view.said] ?? 0,
      });
      this.#moments[n] = moments;
    }
    try {
      await this.#write();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#about.note(`${error.message}: the report is not up to date, training goes on`);
    }
  }

  async #write(): Promise<void> {
    const { dataset, recipe, command } = this.#about;
    const { best, history } = this.#run.trainer.progress;
    const { error = 0, loss = 0, overlap } = best?.dev ?? {};
    const figures = best
      ? [
          {
            label: 'Dev error',
            value: `${Number((100 * error).toFixed(3))} %`,
            hint: `after epoch ${best.epoch}`,
          },
          { label: 'Dev loss', value: loss.toFixed(4), hint: 'nats' },
          ...(overlap === undefined
            ? []
            : [
                {
                  label: 'Window on the digit',
                  value: overlap.toFixed(3),
                  hint: "mean intersection over union with the digit's box",
                },
              ]),
        ]
      : [];
    const page = renderClassifierReport(
      {
        title: describeClassifier(this.#task.model.plan.config),
        subtitle: `${dataset}, distortion ${recipe.distort}, ${history.length} of ${counted(recipe.epochs, 'epoch')}`,
        figures,
        history,
        pictures: this.#pictures.map((picture, n) => ({
          ...picture,
          moments: spread(this.#moments[n] ?? []),
        })),
        command,
      },
      await chartAssets(),
    );
    await writeFileAtomically(this.page, page);
    const kept = this.#moments.map((moments) =>
      moments.map((moment) => ({ ...moment, views: moment.views.map(toBase64) })),
    );
    await writeFileAtomically(this.#file, JSON.stringify(kept));
  }
}

/** What the page tells of the run, and how many pictures it shows. */
interface About {
  readonly page: string;
  readonly count: number;
  /** The name of the data. */
  readonly dataset: string;
  readonly recipe: ClassifierRecipe;
  /** The command that made it. */
  readonly command: string;
  note(text: string): void;
}

async function readMoments(file: string): Promise<WatchedMoment[][]> {
  const kept = await readJson(file, fileSchema);
  return kept.map((moments) =>
    moments.map((moment) => ({
      ...moment,
      views: moment.views.map((view) => new Uint8Array(Buffer.from(view, 'base64'))),
    })),
  );
}

async function inputsOf({ dev, model }: ClassifierTask, indices: readonly number[]) {
  using _work = scope();
  const { x, boxes } = dev.batch(indices);
  const [, height, width] = dev.shape;
  const pictures: Omit<WatchedPicture, 'moments'>[] = [];
  for (const [n, index] of indices.entries()) {
    pictures.push({
      label: model.classes[dev.source.labels[index] ?? 0] ?? '',
      input: await png(x.at(n).dataSync(), dev.shape),
      width,
      height,
      box: boxEdges(boxes[n]),
    });
  }
  return pictures;
}

function spread<T>(moments: readonly T[]): T[] {
  if (moments.length <= MOST_MOMENTS) return [...moments];
  const at = (i: number) => Math.round((i * (moments.length - 1)) / (MOST_MOMENTS - 1));
  return Array.from({ length: MOST_MOMENTS }, (_, i) => moments[at(i)]).filter(
    (moment) => moment !== undefined,
  );
}

/** Planes (C, H, W) of numbers from 0 to 1 as a PNG file; one plane is grey. */
async function png(values: ArrayLike<number>, shape: readonly number[]): Promise<Uint8Array> {
  const [C = 1, height = 1, width = 1] = shape;
  const area = height * width;
  const data = Uint8ClampedArray.from({ length: 3 * area }, (_, i) => {
    const channel = C === 3 ? i % 3 : 0;
    return 255 * (values[channel * area + Math.floor(i / 3)] ?? 0);
  });
  return encodePng({ width, height, channels: 3, data: new Uint8Array(data.buffer) });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
