import { constants } from 'node:os';
import { styleText } from 'node:util';
import cliProgress from 'cli-progress';
import { jsonText, printableLine } from '../data/text/printable.js';

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

/** An answer: one JSON document, or the lines for people. */
export function answer(json: boolean | undefined, value: unknown, lines: readonly string[]): void {
  const text = json ? jsonText(value) : lines.map(printableLine).join('\n');
  process.stdout.write(`${text}\n`);
}

/** The command that is running, as one types it in a shell. */
export function commandLine(): string {
  const quoted = process.argv
    .slice(2)
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['glimpse', ...quoted].join(' ');
}

/** 0.9784 as `97.8 %`. */
export function percent(share: number): string {
  const points = 100 * share;
  return `${Number.isInteger(points) ? points : points.toFixed(1)} %`;
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
