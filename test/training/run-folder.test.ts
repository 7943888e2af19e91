import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DivergedError, FileError, UsageError } from '../../src/errors.js';
import { makeRunFolder, runFile, stateToResume, trainInto } from '../../src/training/run-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a run’s folder', () => {
  test('tells, after a divergence, which state is still good', async () => {
    const run = join(folder, 'deep', 'run');
    await makeRunFolder(run);
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

  test('a state that could not be written is no good one, and other errors pass', async () => {
    const full = new FileError(folder, 'no space');
    const failing = trainInto(
      folder,
      () => Promise.reject(full),
      async (save) => {
        await save('last');
        return 'finished';
      },
    );
    await expect(failing).rejects.toBe(full);
    expect(
      await trainInto(
        folder,
        async () => {},
        async () => 'interrupted',
      ),
    ).toBe('interrupted');
  });

  test('is refused where a file stands', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(makeRunFolder(join(file, 'run'))).rejects.toThrow(FileError);
  });
});

test('a run continues on the data that it was started with', () => {
  const training = { dataset: { name: 'first', fingerprint: 'abc' }, epoch: 3 };
  expect(stateToResume('run', training, { name: 'moved', fingerprint: 'abc' }, 'words')).toBe(
    training,
  );
  expect(() =>
    stateToResume('run', training, { name: 'second', fingerprint: 'def' }, 'words'),
  ).toThrow(
    new UsageError('cannot resume on second (words def): the run was started on first (words abc)'),
  );
  expect(() => stateToResume('run', undefined, training.dataset, 'words')).toThrow(
    /run: the checkpoint holds no training state/,
  );
});
