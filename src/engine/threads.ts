/** How many threads there are, by choice and by platform. */
import { platform } from '#platform';
import { UsageError } from '../errors.js';
import type { Threads } from './crew.js';

/** More threads than this have nothing left to divide. */
const mostThreads = 64;

/**
 * Threads for `new Engine({ threads })`, or why there is to be one only: `auto` has one for every processor, a
 * number is how many compute, the calling one among them.
 *
 * ```ts
 * useEngine(new Engine({ threads: openThreads('auto') }));
 * ```
 * @throws UsageError for a count that is none.
 */
export function openThreads(choice: number | 'auto'): Threads | { readonly absent: string } {
  if (choice !== 'auto' && !isCount(choice)) {
    throw new UsageError(`${choice} threads: ${allowed}`);
  }
  const threads = platform.openThreads();
  if ('absent' in threads) return threads;
  const count = choice === 'auto' ? Math.min(threads.count, mostThreads) : choice;
  if (count > 1) return { ...threads, count };
  return { absent: choice === 'auto' ? 'there is one processor for it' : 'one was asked for' };
}

/** What GLIMPSE_THREADS asks for: `auto`, or a number; one thread where it is not set. @throws UsageError */
export function chosenThreads(): Threads | { readonly absent: string } {
  const choice = platform.threadsChoice();
  if (choice === undefined) return { absent: 'GLIMPSE_THREADS is not set' };
  const count = choice.trim() === '' ? Number.NaN : Number(choice);
  if (choice !== 'auto' && !isCount(count)) {
    throw new UsageError(`GLIMPSE_THREADS=${choice}: ${allowed}`);
  }
  return openThreads(choice === 'auto' ? 'auto' : count);
}

const allowed = `neither auto nor a number of threads from 1 to ${mostThreads}`;

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= mostThreads;
}
