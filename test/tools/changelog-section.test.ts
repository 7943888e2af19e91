import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../tools/changelog-section.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'glimpse-changelog-'));
afterAll(() => rmSync(folder, { recursive: true }));

function section(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });
}

const text = `# Changelog

## [Unreleased]

### Added

- Later.

## [1.10.0] - 2026-12-01

### Added

- Ten.

### Fixed

- More,
  in two lines.

## [1.1.0]

- One.

## [1.0.0] - 2026-01-01

### Added

[1.0.0]: https://example.org/1.0.0
`;
const changelog = join(folder, 'CHANGELOG.md');
writeFileSync(changelog, text);
const windows = join(folder, 'windows.md');
writeFileSync(windows, text.replaceAll('\n', '\r\n'));

test.each([changelog, windows])(
  'prints what stands under a version, and nothing else: %s',
  async (path) => {
    expect(await section('1.10.0', path)).toEqual({
      code: 0,
      stdout: '### Added\n\n- Ten.\n\n### Fixed\n\n- More,\n  in two lines.\n',
      stderr: '',
    });
    expect((await section('1.1.0', path)).stdout).toBe('- One.\n');
  },
);

test.each([
  ['2.0.0', 1, /CHANGELOG\.md has no section "## \[2\.0\.0\]"/],
  ['1.1', 1, /has no section "## \[1\.1\]"/],
  ['1.0.0', 1, /says nothing in its section "## \[1\.0\.0\]"/],
])('%s fails', async (version, code, message) => {
  const ended = await section(version, changelog);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
  expect(ended.stderr).toMatch(message);
});

test('without a version it asks for one; without a file it reads that of the repository', async () => {
  expect(await section()).toMatchObject({ code: 2, stdout: '' });
  expect((await section('0.1.0')).stdout).toMatch(/^The first version: /);
});
