/** A training log as JSON lines, the same for every kind of model: start, every tenth step, each epoch, end. */
import { appendFileSync } from 'node:fs';
import { asFileError } from '../data/formats/files.js';
import { jsonText } from '../data/text/printable.js';
import type { StepReport, TrainingEvents } from './trainer.js';

/** Steps between two lines of the log. */
export const stepsPerLine = 10;

/** Mean of some steps, for a line of the log or a progress bar. */
export interface StepsReport extends StepReport {
  /** What the task's unit counts. */
  readonly perSecond: number;
}

/**
 * Writes what happens to a file, and hands on means of each ten steps. A log that cannot be written ends
 * there, is told of once, and never stops the run.
 */
export class TrainingLog {
  #file: string | undefined;
  readonly #note: (text: string) => void;
  readonly #watch: TrainingEvents & { onSteps?(report: StepsReport): void };
  #steps: StepReport[] = [];
  #since = performance.now();

  /**
   * @param options.file appended to; none: nothing is written.
   * @param options.note told when the file cannot be written.
   * @param options.events further listeners.
   */
  constructor({
    file,
    note = () => {},
    events = {},
  }: {
    file?: string | undefined;
    note?: (text: string) => void;
    events?: TrainingEvents & { onSteps?(report: StepsReport): void };
  }) {
    this.#file = file;
    this.#note = note;
    this.#watch = events;
  }

  readonly events: TrainingEvents = {
    onStep: (step) => {
      this.#watch.onStep?.(step);
      this.#steps.push(step);
      if (step.batch % stepsPerLine !== 0) return;
      const report = meanOf(this.#steps, (performance.now() - this.#since) / 1000);
      this.#watch.onSteps?.(report);
      this.write({ event: 'step', ...report });
      this.#begin();
    },
    onEpoch: async (report) => {
      await this.#watch.onEpoch?.(report);
      this.write({ event: 'epoch', ...report });
      this.#begin();
    },
    save: async (which) => this.#watch.save?.(which),
  };

  /** Adds a line, with the time. */
  write(entry: object): void {
    if (this.#file === undefined) return;
    try {
      const line = jsonText({ time: new Date().toISOString(), ...entry });
      appendFileSync(this.#file, `${line}\n`);
    } catch (error) {
      const problem = asFileError(this.#file, 'written', error);
      const reason = problem instanceof Error ? problem.message : String(problem);
      this.#note(`${reason}: the log ends here, training goes on`);
      this.#file = undefined;
    }
  }

  #begin(): void {
    this.#steps = [];
    this.#since = performance.now();
  }
}

function meanOf(steps: readonly StepReport[], seconds: number): StepsReport {
  const last = steps.at(-1);
  if (!last) throw new RangeError('there is no step to average');
  const count = steps.reduce((sum, step) => sum + step.count, 0);
  const means = Object.keys(last.train).map((name) => {
    const values = steps.map(({ train }) => train[name] ?? Number.NaN);
    return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
  });
  return { ...last, train: Object.fromEntries(means), count, perSecond: count / seconds };
}
