import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inNode, program, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();

/** Runs `glimpse info --json` on a Node that says it is another version. */
function pretending(version: string) {
  const preload = join(folder, `${version}.cjs`);
  const versions = `{ ...process.versions, node: '${version}' }`;
  writeFileSync(preload, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
  return inNode(['--require', preload], ['--version']);
}

test.each(['12.22.12', '18.20.8', '20.18.3'])('Node %s is told what is needed', async (version) => {
  const { engines } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const { code, stdout, stderr } = await pretending(version);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `glimpse needs Node ${engines.node.replace('>=', '')} or newer; this is ${version}\n`,
  );
});

test.each(['20.19.0', '22.0.0', '100.1.0'])('Node %s will do', async (version) => {
  expect(await pretending(version)).toMatchObject({ code: 0, stderr: '' });
});

test('what looks at the version needs nothing that an old Node lacks', () => {
  const code = readFileSync(program, 'utf8');
  expect(code).not.toMatch(/^import |^import\{|\bawait\b|\?\?|\?\./m);
});
