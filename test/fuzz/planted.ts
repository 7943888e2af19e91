/** A fuzz run over readers that fail on purpose, each in one way: for the test of the run itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ValueError } from '@/errors.js';
import type { Files, Format } from './format.js';
import { fuzz } from './fuzz.js';

const GOOD = 'good';

/** A reader that does something to a file that is not the good one. */
const planted = (name: string, atDamage: () => unknown): Format => ({
  name,
  files: (): Files => ({ x: GOOD }),
  read: async (folder) => {
    if (readFileSync(join(folder, 'x'), 'latin1') !== GOOD) await atDamage();
  },
});

const formats: readonly Format[] = [
  planted('typed', () => {
    throw new ValueError('is damaged');
  }),
  planted('untyped', () => {
    throw new TypeError('x is undefined');
  }),
  planted('late', async () => {
    void setTimeout(1).then(() => {
      throw new RangeError('too late');
    });
    await setTimeout(50);
  }),
  planted('round', () => {
    for (;;);
  }),
  planted('slow', () => {
    for (const { user } = process.cpuUsage(); process.cpuUsage().user < user + 300_000; );
  }),
  planted('never', () => new Promise(() => {})),
  planted('large', () => Buffer.alloc(60 * 2 ** 20, 1)),
  planted('gone', () => process.kill(process.pid, 'SIGKILL')),
  { ...planted('unreadable', () => {}), read: () => Promise.reject(new ValueError('never read')) },
];

await fuzz(formats, [{ format: 'untyped', reason: 'once', path: 'x', bytes: 'AAAA' }], {
  patience: 5000,
  processor: 200,
  memory: 24 * 2 ** 20,
});
