import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('the README shows the example as it is', () => {
  expect(read('README.md')).toContain(`\`\`\`ts\n${read('examples/first-captioner.ts')}\`\`\``);
});

test('the example learns its two captions', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../examples/first-captioner.js');
  const printed = log.mock.calls.map(([value]) => value);
  log.mockRestore();
  expect(printed).toHaveLength(6);
  expect(printed[0]).toBeGreaterThan(4);
  expect(printed[4]).toBeLessThan(0.1);
  expect(printed[5]).toEqual([[4, 5], [6]]);
});

test('the version is that of the package', async () => {
  const { packageVersion } = await import('@/version.js');
  expect(packageVersion).toBe(JSON.parse(read('package.json')).version);
});
