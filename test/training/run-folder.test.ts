import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFolder } from '@/data/formats/folders.js';
import { DivergedError, FileError } from '@/errors.js';
import {
  claimRunFolder,
  lastRun,
  modelFileIn,
  newRunFolder,
  runFile,
  trainInto,
} from '@/training/run-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a run’s folder', () => {
  test('tells, after a divergence, which state is still good', async () => {
    const run = join(folder, 'deep', 'run');
    await makeFolder(run);
    const write = (path: string) => writeFile(path, 'state');
    const diverged = () => Promise.reject(new DivergedError('the loss is NaN'));
    await expect(trainInto(run, write, diverged)).rejects.toThrow(
      new DivergedError('the loss is NaN. No checkpoint was written before it.'),
    );
    const best = trainInto(run, write, async (save) => {
      await save('best');
      return diverged();
    });
    await expect(best).rejects.toThrow(/No checkpoint was written/);
    const both = trainInto(run, write, async (save) => {
      await save('best');
      await save('last');
      return diverged();
    });
    await expect(both).rejects.toThrow(
      new DivergedError(`the loss is NaN. The last good checkpoint is ${runFile(run, 'last')}.`),
    );
  });

  test('tells, when a state cannot be written, which one is still good', async () => {
    const full = (path: string) => new FileError(path, 'cannot be written: the disk is full');
    let room = 1;
    const write = async (path: string) => {
      if (room-- < 1) throw full(path);
    };
    const saveTwice = async (save: (which: 'best' | 'last') => Promise<void>) => {
      await save('last');
      await save('best');
      return 'finished' as const;
    };
    const [best, last] = [runFile(folder, 'best'), runFile(folder, 'last')];
    await expect(trainInto(folder, write, saveTwice)).rejects.toThrow(
      new FileError(
        best,
        `cannot be written: the disk is full. The last good checkpoint is ${last}; make room, and --resume continues it.`,
      ),
    );
    await expect(trainInto(folder, write, saveTwice)).rejects.toThrow(
      new FileError(
        last,
        'cannot be written: the disk is full. No checkpoint was written before it.',
      ),
    );
  });

  test('other errors pass, and so does an interruption', async () => {
    const lost = new FileError(folder, 'is no longer this run’s');
    const failing = trainInto(
      folder,
      () => Promise.reject(lost),
      async (save) => {
        await save('last');
        return 'finished';
      },
    );
    await expect(failing).rejects.toBe(lost);
    const interrupted = trainInto(
      folder,
      async () => {},
      async () => 'interrupted',
    );
    expect(await interrupted).toBe('interrupted');
  });

  test('belongs to one run at a time, and is gone when nothing came of it', async () => {
    const run = join(folder, 'claimed');
    const lock = await claimRunFolder(run);
    await expect(claimRunFolder(run)).rejects.toThrow(/is being written by another run/);
    await lock.release();
    expect(existsSync(run)).toBe(false);
    const again = await claimRunFolder(run);
    writeFileSync(runFile(run, 'last'), '');
    await again.release();
    expect(readdirSync(run)).toEqual(['last.safetensors']);
  });

  test('gets the first number that is free; the newest with a state goes on', async () => {
    const home = join(folder, 'home');
    expect(lastRun(home, 'scenes')).toBeUndefined();
    const runs = [];
    for (let n = 0; n < 11; n++) runs.push(await newRunFolder(home, 'scenes'));
    expect(runs[10]).toBe(join(home, 'scenes-11'));
    expect(lastRun(home, 'scenes')).toBeUndefined();
    for (const number of [2, 10])
      writeFileSync(runFile(join(home, `scenes-${number}`), 'last'), '');
    expect(lastRun(home, 'scenes')).toBe(join(home, 'scenes-10'));
    expect(lastRun(home, 'scene')).toBeUndefined();
  });

  test('stands for its best model, or else the last', async () => {
    const run = join(folder, 'models');
    await makeFolder(run);
    await expect(modelFileIn(run)).rejects.toThrow(/is a folder without a model/);
    writeFileSync(runFile(run, 'last'), '');
    expect(await modelFileIn(run)).toBe(runFile(run, 'last'));
    writeFileSync(runFile(run, 'best'), '');
    expect(await modelFileIn(run)).toBe(runFile(run, 'best'));
    expect(await modelFileIn('nowhere')).toBe('nowhere');
  });

  test('is refused where a file stands', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(makeFolder(join(file, 'run'))).rejects.toThrow(FileError);
  });
});
