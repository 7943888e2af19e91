import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../data/formats/files.js';
import { writeFileAtomically } from '../../data/formats/write-files.js';
import { encodePng } from '../../data/pictures/photos.js';
import { scope } from '../../engine/engine.js';
import { FileError } from '../../errors.js';
import { chartAssets } from '../../report/assets.js';
import {
  renderClassifierReport,
  type WatchedMoment,
  type WatchedPicture,
} from '../../report/classifier-report.js';
import type { ClassifierRun } from '../../training/classifier-run.js';
import { boxEdges, viewsOf } from '../../training/classifier-views.js';
import { checkOutputs } from '../outputs.js';
import { note, percent } from '../terminal.js';
import { describeClassifier } from './train-options.js';

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
 * each time. What was seen is kept beside the model, so that a run that is resumed still has it.
 */
export class TrainingWatch {
  readonly #page: string;
  readonly #file: string;
  readonly #command: string;
  readonly #indices: readonly number[];
  readonly #pictures: readonly Omit<WatchedPicture, 'moments'>[];
  readonly #moments: WatchedMoment[][];

  private constructor(
    page: string,
    file: string,
    command: string,
    indices: readonly number[],
    pictures: readonly Omit<WatchedPicture, 'moments'>[],
    moments: WatchedMoment[][],
  ) {
    this.#page = page;
    this.#file = file;
    this.#command = command;
    this.#indices = indices;
    this.#pictures = pictures;
    this.#moments = moments;
  }

  /** @throws FileError when the page cannot be written: told now, and not after an epoch. */
  static async open(
    run: ClassifierRun,
    count: number,
    page: string,
    command: string,
  ): Promise<TrainingWatch> {
    await checkOutputs(page);
    const { dev, progress } = run.trainer;
    const indices = oneOfEach(dev.source.labels, count);
    const file = join(run.folder, 'windows.json');
    const resumed = progress.epoch > 0 && existsSync(file);
    const before = resumed ? await readMoments(file) : undefined;
    const fits = before?.length === indices.length;
    const moments = fits ? before : indices.map((): WatchedMoment[] => []);
    const pictures = await inputsOf(run, indices);
    const watch = new TrainingWatch(page, file, command, indices, pictures, moments);
    if (!fits) await watch.add(run);
    return watch;
  }

  /** Looks at the pictures as the model is now, and writes the page. That it cannot stops no run. */
  async add(run: ClassifierRun): Promise<void> {
    const { plan, parameters, classes } = run.model;
    const { dev, progress } = run.trainer;
    const { epoch } = progress;
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
      await this.#write(run);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      note(`glimpse: ${error.message}: the report is not up to date, training goes on`);
    }
  }

  async #write(run: ClassifierRun): Promise<void> {
    const { plan } = run.model;
    const { progress, recipe } = run.trainer;
    const { best, history } = progress;
    const figures = best
      ? [
          {
            label: 'Dev error',
            value: percent(round(best.devError)),
            hint: `after epoch ${best.epoch}`,
          },
          { label: 'Dev loss', value: best.devLoss.toFixed(4), hint: 'nats' },
          ...(best.devOverlap === undefined
            ? []
            : [
                {
                  label: 'Window on the digit',
                  value: best.devOverlap.toFixed(3),
                  hint: "mean intersection over union with the digit's box",
                },
              ]),
        ]
      : [];
    const page = renderClassifierReport(
      {
        title: describeClassifier(plan.config),
        subtitle: `${run.checkpoint().training?.dataset.name ?? ''}, distortion ${recipe.distort}, ${history.length} of ${recipe.epochs} epochs`,
        figures,
        history,
        pictures: this.#pictures.map((picture, n) => ({
          ...picture,
          moments: spread(this.#moments[n] ?? []),
        })),
        command: this.#command,
      },
      await chartAssets(),
    );
    await writeFileAtomically(this.#page, page);
    const kept = this.#moments.map((moments) =>
      moments.map((moment) => ({ ...moment, views: moment.views.map(toBase64) })),
    );
    await writeFileAtomically(this.#file, JSON.stringify(kept));
  }
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

async function inputsOf(run: ClassifierRun, indices: readonly number[]) {
  using _work = scope();
  const { dev } = run.trainer;
  const { x, boxes } = dev.batch(indices);
  const [, height, width] = dev.shape;
  const pictures: Omit<WatchedPicture, 'moments'>[] = [];
  for (const [n, index] of indices.entries()) {
    pictures.push({
      label: run.model.classes[dev.source.labels[index] ?? 0] ?? '',
      input: await png(x.at(n).dataSync(), dev.shape),
      width,
      height,
      box: boxEdges(boxes[n]),
    });
  }
  return pictures;
}

/** Numbers of pictures whose classes differ as far as possible. */
function oneOfEach(labels: Int32Array, count: number): number[] {
  const seen = new Map<number, number>();
  const rounds = Array.from(labels, (label, index) => {
    const round = seen.get(label) ?? 0;
    seen.set(label, round + 1);
    return { index, label, round };
  });
  rounds.sort((a, b) => a.round - b.round || a.label - b.label);
  return rounds.slice(0, count).map(({ index }) => index);
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

function round(error: number): number {
  return Number(error.toFixed(5));
}
