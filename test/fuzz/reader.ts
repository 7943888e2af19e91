/** The process that reads damaged files: what kills or stops it leaves the fuzz run as it is. */
import { join } from 'node:path';
import type { Format } from './format.js';
import type { Order, Report } from './protocol.js';
import { Target } from './target.js';

/** Carries out orders until the fuzz run ends. @param folder for the files. */
export function readOnOrder(formats: readonly Format[], folder: string): void {
  const files = join(folder, 'files');
  const targets = new Map<string, Target | undefined>();
  process.on('disconnect', () => process.exit());
  process.on('message', async (order: Order) => {
    try {
      if (!targets.has(order.format)) {
        const format = formats.find(({ name }) => name === order.format);
        targets.set(order.format, format && (await Target.prepare(format, files)));
      }
    } catch (error) {
      return tell({ unprepared: error instanceof Error ? error.message : String(error) });
    }
    const target = targets.get(order.format);
    if (target) await carryOut(order, target, files);
    else tell({ unprepared: '' });
  });
}

async function carryOut(order: Order, target: Target, folder: string): Promise<void> {
  const { seed, from, until, milliseconds, past, limits } = order;
  const end = performance.now() + milliseconds;
  const counts = { read: 0, refused: 0, failed: 0 };
  let number = from;
  let spent = false;
  for (; number < until && (number === from || performance.now() < end) && !spent; number++) {
    const { read, refused } = counts;
    tell({ at: number, read, refused });
    const damaged = past ? Target.past(past) : target.damaged(seed, number);
    const before = { peak: peakMemory(), now: process.memoryUsage.rss() };
    const begun = process.cpuUsage();
    const outcome = await target.outcome(damaged, folder);
    counts[outcome.kind]++;
    if (outcome.kind === 'failed') tell({ failed: number, reason: outcome.reason });
    const { user, system } = process.cpuUsage(begun);
    const peak = peakMemory();
    if (peak > before.peak && peak - before.now > limits.memory) {
      const megabytes = Math.round((peak - before.now) / 2 ** 20);
      tell({ failed: number, reason: `took ${megabytes} MB of memory` });
      // The peak is that of the process: a lower one would not be seen any more.
      spent = true;
    } else if (user + system > 1000 * limits.processor) {
      const seconds = ((user + system) / 1e6).toFixed(1);
      tell({ failed: number, reason: `took ${seconds} s of the processor` });
    }
  }
  const { read, refused } = counts;
  // What earlier files left behind is given back, too, before it is too much for the machine.
  spent ||= process.memoryUsage.rss() > 2 * limits.memory;
  tell({ done: number, read, refused, spent });
}

/** The most memory that this process has ever had, in bytes. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function tell(report: Report): void {
  process.send?.(report);
}
