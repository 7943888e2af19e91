import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasEnded, thisProcess } from '@/data/formats/processes.js';
import { isOfLock, lockFolder } from '@/data/formats/work-lock.js';
import { FileError } from '@/errors.js';

const me = thisProcess();
/** A process that has ended. */
const ended = () => {
  const pid = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
  return { ...me, pid, started: me.started && '1' };
};

describe('whether a process has ended', () => {
  test('on this machine it is seen', () => {
    expect(hasEnded(me)).toBe(me.started === '');
    expect(hasEnded({ ...me, pid: process.ppid, started: '' })).toBe(false);
    expect(hasEnded(ended())).toBe(true);
    expect(hasEnded({ ...me, pid: 2 ** 40 })).toBe(true);
  });

  test('one with the same number and another start was an earlier one', () => {
    // Such as process 1 of a container that was started again.
    expect(hasEnded({ ...me, started: '0' })).toBe(true);
    const first = { ...me, boot: 'b', pid: 1, started: '100' };
    expect(hasEnded(first, { ...first, started: '200' })).toBe(true);
    expect(hasEnded(first, first)).toBe(false);
    // Where no system tells a start, what has the own number is an earlier one, too.
    const untold = { host: 'h', boot: '', namespace: '', pid: 1, started: '' };
    expect(hasEnded(untold, untold)).toBe(true);
  });

  test('what ran before the machine was started again has', () => {
    expect(hasEnded({ ...me, boot: 'before' })).toBe(true);
  });

  test('of another machine or container nobody knows', () => {
    expect(hasEnded({ ...me, boot: 'theirs', host: 'another' })).toBeUndefined();
    expect(hasEnded({ ...me, namespace: 'pid:[1]' })).toBeUndefined();
    const untold = { host: 'h', boot: '', namespace: '', pid: 1, started: '' };
    expect(hasEnded({ ...untold, host: 'another' }, untold)).toBeUndefined();
  });
});

describe('the lock of a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'glimpse-lock-')), 'run');
    await (await lockFolder(folder)).release();
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true }));
  const lay = (owner: object, name = 'lock') =>
    writeFile(
      join(folder, name),
      JSON.stringify({ ...me, token: 'other', answers: false, ...owner }),
    );

  test('one has it, until it is given back; nothing of it stays', async () => {
    const lock = await lockFolder(folder);
    const said: unknown = JSON.parse(await readFile(join(folder, 'lock'), 'utf8'));
    expect(said).toMatchObject({ ...me, token: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect((await readdir(folder)).every(isOfLock)).toBe(true);
    await expect(lockFolder(folder)).rejects.toThrow(FileError);
    await expect(lockFolder(folder)).rejects.toThrow(
      new RegExp(`another run \\(process ${process.pid} on`),
    );
    await lock.check();
    await lock.release();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await lockFolder(folder)).release();
  });

  test('who no longer has it is told before it writes, and takes nothing away', async () => {
    const lock = await lockFolder(folder);
    await rm(join(folder, 'lock'));
    await expect(lock.check()).rejects.toThrow(/no longer this run's/);
    const successor = await lockFolder(folder);
    await expect(lock.check()).rejects.toThrow(FileError);
    await lock.release();
    await successor.check();
    await successor.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['that has ended', ended],
    ['before the machine was started again', () => ({ boot: 'before' })],
    ['that had this number before', () => ({ started: '0' })],
  ])('what a process left behind %s is taken over', async (_, owner) => {
    await lay(owner());
    await writeFile(join(folder, 'lock.other.alive'), '');
    const lock = await lockFolder(folder);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(['', '17', '{"pid": 1}'])('a lock that says "%s" is of nobody', async (text) => {
    await writeFile(join(folder, 'lock'), text);
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('another machine’s is refused, and the message names the way out', async () => {
    await lay({ boot: 'theirs', host: 'another', pid: 7 });
    const refused = lockFolder(folder);
    await expect(refused).rejects.toThrow(/process 7 on another.*cannot be seen.*delete .*lock/);
  });

  test.skipIf(process.platform === 'win32')(
    'another container’s is refused while it lives, and taken over when it does not',
    async () => {
      // Both are process 1 there; only the socket tells.
      const other = { namespace: 'pid:[1]', answers: true };
      await lay(other);
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((listening) => {
        server.listen(join(folder, 'lock.other.alive'), listening);
      });
      await expect(lockFolder(folder)).rejects.toThrow(/another run/);
      await new Promise((closed) => server.close(closed));
      await (await lockFolder(folder)).release();
      await lay({ namespace: 'pid:[1]', answers: false, pid: 7 });
      await expect(lockFolder(folder)).rejects.toThrow(/cannot be seen/);
      // Without a socket, process 1 of a container that was started again.
      await lay({ namespace: 'pid:[1]', answers: false });
      await (await lockFolder(folder)).release();
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test('while one takes over a lock nobody else does, unless it ended on the way', async () => {
    const stale = { token: 'stale', started: '0' };
    await lay(stale);
    await lay({ token: 'faster', pid: process.ppid, started: '' }, 'lock.stale');
    await expect(lockFolder(folder)).rejects.toThrow(/another run/);
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject(stale);
    await lay({ token: 'faster', ...ended() }, 'lock.stale');
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('of many at once one takes over', async () => {
    for (let round = 0; round < 20; round++) {
      await lay({ token: `stale${round}`, started: '0' });
      const contenders = Array.from({ length: 8 }, () => lockFolder(folder));
      const outcomes = await Promise.allSettled(contenders);
      const won = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(won).toHaveLength(1);
      for (const one of outcomes) {
        if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(FileError);
      }
      await won[0]?.check();
      await won[0]?.release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('a folder that cannot be made is named', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(lockFolder(join(folder, 'file'))).rejects.toThrow(FileError);
    expect(existsSync(join(folder, 'file', 'lock'))).toBe(false);
  });
});
