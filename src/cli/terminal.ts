/** What people and programs are told while a command runs and when it is done, and how they stop it. */
import { constants } from 'node:os';
import { styleText } from 'node:util';
import cliProgress from 'cli-progress';
import { jsonText, printable, printableLine } from '../data/text/printable.js';
import type { StepsReport } from '../training/log.js';
import type { EpochReport } from '../training/progress.js';
import type { Measures } from '../training/task.js';
import type { StepReport } from '../training/trainer.js';

/** What is printed while a long job runs: a bar on a terminal, nothing where nobody watches. */
export interface ProgressLine {
  update(done: number, facts: string): void;
  stop(): void;
}

/** A bar with percentage and remaining time on standard error; silent when that is no terminal. */
export function progressLine(label: string, total: number, done = 0): ProgressLine {
  if (!process.stderr.isTTY) return { update() {}, stop() {} };
  const bar = new cliProgress.SingleBar({
    format: `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left | {facts}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
    fps: 8,
    stream: process.stderr,
  });
  bar.start(total, done, { facts: '' });
  return {
    update: (value, facts) => bar.update(value, { facts: printableLine(facts) }),
    stop: () => bar.stop(),
  };
}

/** A line for people, on standard error, so that standard output holds answers only. */
export function note(text: string, { title = '' } = {}): void {
  const heading = title && `${styleText('bold', title, { stream: process.stderr })}  `;
  process.stderr.write(`${heading}${printableLine(text)}\n`);
}

/** What people see of training: a bar while an epoch lasts, on a terminal, and a line when it is over. */
export class TrainingDisplay {
  readonly #describe: (measures: Measures) => string;
  #line: ProgressLine | undefined;

  /** @param describe measures in the words of the kind of model. */
  constructor(describe: (measures: Measures) => string) {
    this.#describe = describe;
  }

  readonly events = {
    onStep: ({ epoch, batch, batches }: StepReport): void => {
      this.#line ??= progressLine(`epoch ${epoch}`, batches, batch - 1);
    },
    onSteps: ({ batch, train, perSecond }: StepsReport): void => {
      this.#line?.update(batch, `${this.#describe(train)} | ${perSecond.toFixed(0)} a second`);
    },
    onEpoch: ({ epoch, train, dev, rate, seconds }: EpochReport): void => {
      this.stop();
      note(
        `train ${this.#describe(train)}  dev ${this.#describe(dev)}  rate ${rate.toPrecision(3)}  ${duration(seconds)}`,
        { title: `epoch ${epoch}` },
      );
    },
  };

  /** Ends the bar, if one is shown. */
  stop(): void {
    this.#line?.stop();
    this.#line = undefined;
  }
}

/** An answer: one JSON document, or the lines for people. */
export function answer(json: boolean | undefined, value: unknown, lines: readonly string[]): void {
  const text = json ? jsonText(value) : lines.map(printableLine).join('\n');
  process.stdout.write(`${text}\n`);
}

/** A piece of a document to standard output. Not every format can show what would steer a terminal: it is shown there. */
export function say(piece: string): void {
  process.stdout.write(process.stdout.isTTY ? printable(piece) : piece);
}

/** The command that is running, as one types it in a shell. */
export function commandLine(): string {
  const quoted = process.argv
    .slice(2)
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['glimpse', ...quoted].join(' ');
}

/** 75 s as `1 min 15 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Ctrl-C, a polite kill, and a terminal that goes away. */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What `interruption` gives. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** What a shell says of a program that the signal ended: 128 and its number; 0 without one. */
  readonly exitCode: number;
  /** Lets signals have their default again. */
  release(): void;
}

/**
 * An abort signal for Ctrl-C and its like: the first asks to save and stop, the second has its
 * default, which is that the process dies at once.
 */
export function interruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  let exitCode = 0;
  const stop = (name: NodeJS.Signals) => {
    release();
    exitCode = 128 + constants.signals[name];
    onFirst();
    controller.abort();
  };
  const release = () => {
    for (const name of stopSignals) process.off(name, stop);
  };
  for (const name of stopSignals) process.on(name, stop);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release,
  };
}
