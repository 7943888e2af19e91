import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));

test('the example of the README runs as JavaScript on this Node, whichever it is', async () => {
  const text = readFileSync(`${repository}README.md`, 'utf8');
  const [, example = ''] = /```ts\n(import .*? from 'glimpse';\n.*?)```/s.exec(text) ?? [];
  expect(example).toContain('captioner.sample');
  // Node 24 would run it.
  expect(example).not.toMatch(/^\s*using /m);
  // In this folder `glimpse` is this package.
  const args = ['--input-type=module', '--eval', example];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository });
  expect(stdout.trim().split('\n').at(-1)).toBe('[ [ 4, 5 ], [ 6 ] ]');
});

test('without WebAssembly the error says so', async () => {
  const code =
    "import { zeros } from 'glimpse'; try { zeros([1]); } catch (error) { console.log(error.name, error.message); }";
  const args = ['--jitless', '--input-type=module', '--eval', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository });
  expect(stdout).toMatch(/^MissingDependencyError .*WebAssembly.*--jitless/);
});
