import type { Page } from './devtools.mjs';
import type { LstmRun, ThreadsRun } from './entry.js';

/** The browser to use: `$CHROME` or the usual place; undefined where there is none. */
export function findChromium(): string | undefined;

/** Runs the LSTM of entry.ts in a page of a fresh profile, and here on the same SIMD kernels. */
export function runInChromium(browser: string): Promise<{ page: LstmRun; node: LstmRun }>;

/** Runs it on three threads in a page that is isolated or not. */
export function runWithThreads(browser: string, isolated: boolean): Promise<ThreadsRun>;

/** Opens a page that runs a script, served with these headers; `files` lie beside it, by their names. */
export function openServedPage(
  browser: string,
  code: string,
  options?: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly files?: ReadonlyMap<string, Uint8Array>;
  },
): Promise<Page>;
