import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { thisProcess } from '@/data/formats/processes.js';

const module = new URL('../../dist/data/formats/work-lock.js', import.meta.url).href;
/** Takes the folder that it is told, or gives it back, and says how that went. */
const contender = `
import { lockFolder } from '${module}';
let lock;
process.on('message', async (folder) => {
  try {
    if (lock) lock = await lock.release();
    else lock = await lockFolder(folder);
    process.send(lock ? 'has it' : 'gave it back');
  } catch (error) {
    process.send(error.message);
  }
});
process.send('ready');
`;
const own = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const canIsolate = spawnSync('unshare', [...own, 'true']).status === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A contender, ready; alone in a process namespace, as in a container, where it is process 1. */
async function start({ isolated = false } = {}): Promise<ChildProcess> {
  const node = [process.execPath, '--input-type=module', '--eval', contender];
  const [command = '', ...rest] = isolated ? ['unshare', ...own, ...node] : node;
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function tell(child: ChildProcess): Promise<unknown> {
  const answer = once(child, 'message');
  child.send(folder);
  return (await answer)[0];
}

/** Ends a contender as a lack of memory does. `unshare` ends after the process in it. */
async function kill(child: ChildProcess, { isolated = false } = {}): Promise<void> {
  const ended = once(child, 'exit');
  const inside = isolated && readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  process.kill(Number(inside || child.pid), 'SIGKILL');
  await ended;
}

describe('the lock of a folder, among processes', () => {
  test('one of many gets what a run left behind', async () => {
    const contenders = await Promise.all(Array.from({ length: 6 }, () => start()));
    for (let round = 0; round < 25; round++) {
      const left = { ...thisProcess(), started: '0', token: `left${round}`, answers: false };
      await writeFile(join(folder, 'lock'), JSON.stringify(left));
      const answers = await Promise.all(contenders.map(tell));
      expect(answers.filter((answer) => answer === 'has it')).toHaveLength(1);
      expect(answers.filter((answer) => /another run/.test(`${answer}`))).toHaveLength(5);
      const winner = contenders[answers.indexOf('has it')];
      expect(winner && (await tell(winner))).toBe('gave it back');
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('a killed run’s is taken over by the next', async () => {
    const first = await start();
    const second = await start();
    expect(await tell(first)).toBe('has it');
    expect(await tell(second)).toMatch(/another run/);
    await kill(first);
    expect(await tell(second)).toBe('has it');
  });

  test.skipIf(!canIsolate)('containers on one folder, whose node is process 1', async () => {
    const first = await start({ isolated: true });
    const second = await start({ isolated: true });
    const outside = await start();
    expect(await tell(first)).toBe('has it');
    expect(await tell(second)).toMatch(/another run \(process 1 on/);
    expect(await tell(outside)).toMatch(/another run \(process 1 on/);
    await kill(first, { isolated: true });
    expect(await tell(second)).toBe('has it');
    expect(await tell(outside)).toMatch(/another run/);
  });
});
