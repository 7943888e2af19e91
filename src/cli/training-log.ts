import { appendFileSync } from 'node:fs';
import { asFileError } from '../data/formats/files.js';
import type { DevMeasures } from '../training/progress.js';
import type { EpochReport, TrainingEvents } from '../training/trainer.js';
import { jsonText } from './printable.js';
import { duration, note, type ProgressLine, progressLine } from './terminal.js';

/** Steps between two lines of the log. */
const stepsPerLine = 10;

/** A line of a log: what happened, and facts about it. */
type LogEntry = { readonly event: string } & Readonly<Record<string, unknown>>;

/** JSON lines in a file, if one is named. A log that cannot be written does not stop a run. */
export class LogFile {
  #path: string | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Adds a line: what happened, and when. */
  write(entry: LogEntry): void {
    if (this.#path === undefined) return;
    try {
      appendFileSync(this.#path, `${jsonText({ time: new Date().toISOString(), ...entry })}\n`);
    } catch (error) {
      const problem = asFileError(this.#path, 'written', error);
      const reason = problem instanceof Error ? problem.message : problem;
      note(`glimpse: ${reason}: the log ends here, training goes on`);
      this.#path = undefined;
    }
  }
}

/**
 * What a person or a program sees of a training run: a progress bar on a terminal, a line an epoch
 * for people, and JSON lines in a file.
 */
export class TrainingLog {
  readonly #file: LogFile;
  #bar: ProgressLine | undefined;
  #epoch = 0;
  #window = { examples: 0, since: performance.now(), lossSum: 0, rewardSum: 0, steps: 0 };

  constructor(file: string | undefined) {
    this.#file = new LogFile(file);
  }

  readonly events: Required<Pick<TrainingEvents, 'onStep' | 'onEpoch'>> = {
    onStep: (step) => {
      if (this.#epoch !== step.epoch) {
        this.#bar = progressLine(`epoch ${step.epoch}`, step.batches, step.batch - 1);
        this.#epoch = step.epoch;
      }
      this.#window.examples += step.examples;
      this.#window.lossSum += step.lossPerWord;
      this.#window.rewardSum += step.reward ?? 0;
      this.#window.steps++;
      if (step.batch % stepsPerLine !== 0) return;
      const { examples, since, lossSum, rewardSum, steps } = this.#window;
      const examplesPerSecond = (examples / (performance.now() - since)) * 1000;
      const loss = lossSum / steps;
      const reward = step.reward === undefined ? undefined : rewardSum / steps;
      const learned =
        reward === undefined ? `loss ${loss.toFixed(3)}` : `reward ${reward.toFixed(3)}`;
      this.#bar?.update(step.batch, `${learned} | ${examplesPerSecond.toFixed(0)} captions/s`);
      const mean = { lossPerWord: loss, ...(reward !== undefined && { reward }) };
      this.write({ event: 'step', ...step, ...mean, examplesPerSecond });
      this.#window = { examples: 0, since: performance.now(), lossSum: 0, rewardSum: 0, steps: 0 };
    },
    onEpoch: (report) => {
      this.stop();
      note(describe(report), { title: `epoch ${report.epoch}` });
      this.write({ event: 'epoch', ...report });
      this.#window = { examples: 0, since: performance.now(), lossSum: 0, rewardSum: 0, steps: 0 };
    },
  };

  /** Ends the bar, if one is shown. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#epoch = 0;
  }

  /** Adds a line to the log file. */
  write(entry: LogEntry): void {
    this.#file.write(entry);
  }
}

function describe({
  epoch: _,
  trainLoss,
  trainReward,
  rate,
  seconds,
  ...dev
}: EpochReport): string {
  const train =
    trainReward === undefined
      ? `train ${trainLoss.toFixed(4)}`
      : `reward ${trainReward.toFixed(4)}`;
  const perplexity = Math.exp(dev.devLoss).toFixed(2);
  return `${train}  dev ${dev.devLoss.toFixed(4)} (perplexity ${perplexity})${scores(dev)}  rate ${rate.toPrecision(3)}  ${duration(seconds)}`;
}

/** The scores of dev's captions, where they were measured. */
export function scores({ devCider, devBleu4 }: Omit<DevMeasures, 'devLoss'>): string {
  if (devCider === undefined || devBleu4 === undefined) return '';
  return `  CIDEr ${devCider.toFixed(4)}  BLEU-4 ${devBleu4.toFixed(4)}`;
}
