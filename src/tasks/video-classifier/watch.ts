/** The page of a classifier of clips in training: how it does on dev, and some dev clips, epoch by epoch. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../data/formats/files.js';
import { counted } from '../../data/formats/notes.js';
import { checkWritable, writeFileAtomically } from '../../data/formats/write-files.js';
import { percent } from '../../data/text/printable.js';
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import { FileError } from '../../errors.js';
import { chartAssets } from '../../report/assets.js';
import { type ClipMoment, highest, type ShownClip } from '../../report/clip-card.js';
import { renderClipReport } from '../../report/clip-report.js';
import type { Figure } from '../../report/page.js';
import type { TrainingRun } from '../../training/run.js';
import { oneOfEach } from '../watched.js';
import { describeVideoClassifier } from './config.js';
import type { VideoClassifierModel } from './kind.js';
import type { VideoClassifierRecipe } from './recipe.js';
import { type ReadClip, readForReport } from './shown-clips.js';
import type { VideoClassifierTask } from './task.js';

const fileSchema = z.array(
  z.array(z.object({ epoch: z.int().min(0), said: z.int().min(0), probability: z.number() })),
);

/** What the page tells of the run, and how many clips it shows. */
interface About {
  readonly page: string;
  readonly count: number;
  /** The name of the data, and its dev clips. */
  readonly dataset: string;
  readonly clips: readonly LabelledClip[];
  readonly model: VideoClassifierModel;
  readonly recipe: VideoClassifierRecipe;
  /** The command that made it. */
  readonly command: string;
  note(text: string): void;
}

/**
 * What a classifier makes of some dev clips, before training and after each epoch; a page is written each time. What was
 * said is kept beside the model, so that a run that is resumed still has it.
 */
export class ClipWatch {
  readonly page: string;
  readonly #run: TrainingRun;
  readonly #task: VideoClassifierTask;
  readonly #about: About;
  readonly #file: string;
  readonly #clips: readonly ReadClip[];
  readonly #moments: ClipMoment[][];

  private constructor(
    run: TrainingRun,
    task: VideoClassifierTask,
    about: About,
    { file, clips, moments }: { file: string; clips: readonly ReadClip[]; moments: ClipMoment[][] },
  ) {
    this.page = about.page;
    this.#run = run;
    this.#task = task;
    this.#about = about;
    this.#file = file;
    this.#clips = clips;
    this.#moments = moments;
  }

  /** @throws FileError when the page cannot be written: told now, and not after an epoch. */
  static async open(run: TrainingRun, task: VideoClassifierTask, about: About): Promise<ClipWatch> {
    await checkWritable(about.page);
    const labels = about.clips.map(({ label }) => label);
    const clips: ReadClip[] = [];
    for (const index of oneOfEach(labels, about.count)) {
      const clip = about.clips[index];
      if (clip) clips.push(await readForReport(clip, about.model));
    }
    const file = join(run.folder, 'clips.json');
    const resumed = run.trainer.progress.epoch > 0 && existsSync(file);
    const before = resumed ? await readJson(file, fileSchema) : [];
    const fits = before.length === clips.length;
    const moments = fits ? before : clips.map((): ClipMoment[] => []);
    const watch = new ClipWatch(run, task, about, { file, clips, moments });
    if (!fits) await watch.add();
    return watch;
  }

  /** Looks at the clips as the model is now, and writes the page. That it cannot stops no run. */
  async add(): Promise<void> {
    const { epoch } = this.#run.trainer.progress;
    const shown: ShownClip[] = [];
    for (const [n, clip] of this.#clips.entries()) {
      const seen = await clip.look({ batchSize: this.#about.recipe.batchSize });
      const said = highest(seen.probabilities);
      const moments = (this.#moments[n] ?? []).filter((moment) => moment.epoch < epoch);
      moments.push({ epoch, said, probability: seen.probabilities[said] ?? 0 });
      this.#moments[n] = moments;
      shown.push({ ...seen, moments });
    }
    try {
      await this.#write(shown);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#about.note(`${error.message}: the report is not up to date, training goes on`);
    }
  }

  async #write(clips: readonly ShownClip[]): Promise<void> {
    const { dataset, recipe, command, model } = this.#about;
    const { history } = this.#run.trainer.progress;
    const page = renderClipReport(
      {
        title: describeVideoClassifier(model.config),
        subtitle: `${dataset}, ${history.length} of ${counted(recipe.epochs, 'epoch')}`,
        figures: this.#figures(),
        classes: model.classes,
        confusion: this.#task.judged?.confusion,
        about: `${clips.length} of ${this.#about.clips.length} dev clips as the model sees them now`,
        clips,
        history,
        command: { title: 'Make this run again', text: command },
      },
      await chartAssets(),
    );
    await writeFileAtomically(this.page, page);
    await writeFileAtomically(this.#file, JSON.stringify(this.#moments));
  }

  #figures(): Figure[] {
    const { best } = this.#run.trainer.progress;
    if (!best) return [];
    const { error = 0, loss = 0 } = best.dev;
    return [
      { label: 'Dev error', value: percent(error, 2), hint: `after epoch ${best.epoch}` },
      { label: 'Dev loss', value: loss.toFixed(4), hint: 'nats a clip' },
    ];
  }
}
