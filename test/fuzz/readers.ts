/** Processes that read damaged files, one at a time: a fresh one where the last one stopped. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Limits, Order, Report } from './protocol.js';

/** What came of an order. */
export interface Result {
  /** The number of the file that is next. */
  readonly next: number;
  readonly read: number;
  readonly refused: number;
  readonly failures: readonly { readonly number: number; readonly reason: string }[];
  /** Why no file was read; empty when it is that a package is not there. */
  readonly unprepared?: string | undefined;
}

/** Milliseconds in which a process has to make and read a format's good files. */
const PREPARING = 120_000;

export class Readers {
  readonly #script: string;
  readonly #limits: Limits;
  /** Where they write what they read: one that is killed cannot clear it away. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'glimpse-fuzz-'));
  #process: ChildProcess | undefined;

  /** @param script what the processes run; it calls `readOnOrder`. */
  constructor(script: string, limits: Limits) {
    this.#script = script;
    this.#limits = limits;
  }

  /** Reads files until the order is done, or the process had to be ended: then less was done. */
  read(order: Omit<Order, 'limits'>): Promise<Result> {
    this.#process ??= fork(this.#script, [this.#folder], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const reader = this.#process;
    const limits = this.#limits;
    return new Promise((resolve) => {
      const failures: { number: number; reason: string }[] = [];
      let counts = { read: 0, refused: 0 };
      let at = order.from;
      let errors = '';
      let late = false;
      const stop = () => {
        late = true;
        reader.kill('SIGKILL');
      };
      let watch = setTimeout(stop, PREPARING);

      const onErrors = (text: Buffer) => {
        errors = `${errors}${text}`.slice(-2000);
      };
      const onReport = (report: Report) => {
        clearTimeout(watch);
        watch = setTimeout(stop, limits.patience);
        if ('read' in report) counts = { read: report.read, refused: report.refused };
        if ('at' in report) at = report.at;
        else if ('done' in report) end({ next: report.done }, report.spent);
        else if ('unprepared' in report) end({ next: at, unprepared: report.unprepared });
        else failures.push({ number: report.failed, reason: report.reason });
      };
      const onClose = (code: number | null, signal: string | null) => {
        const ended = `the process ended (${signal ?? code}) ${errors}`.trim();
        failures.push({ number: at, reason: late ? 'came to no end in time' : ended });
        end({ next: at + 1 }, true);
      };
      const end = (result: Pick<Result, 'next' | 'unprepared'>, spent = false) => {
        clearTimeout(watch);
        reader.off('message', onReport).off('close', onClose).stderr?.off('data', onErrors);
        if (spent) {
          reader.kill('SIGKILL');
          this.#process = undefined;
        }
        resolve({ failures, ...counts, ...result });
      };
      reader.on('message', onReport).on('close', onClose).stderr?.on('data', onErrors);
      reader.send({ ...order, limits });
    });
  }

  /** Ends the process. */
  close(): void {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
