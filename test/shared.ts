import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
const root = resolve(repository, process.env.GLIMPSE_SHARED ?? '../shared');

/**
 * The absolute path of a file or folder of the shared real data (the folder that GLIMPSE_SHARED
 * names, otherwise `../shared` beside the repository), or undefined when it is not on this machine.
 */
export function shared(path: string): string | undefined {
  const full = resolve(root, path);
  return existsSync(full) ? full : undefined;
}

/** A `describe` block about real data, skipped with a printed reason where the data is absent. */
export function describeWithShared(name: string, path: string, body: (path: string) => void): void {
  const found = shared(path);
  if (found !== undefined) {
    describe(name, () => body(found));
    return;
  }
  const reason = `skipped: no ${path} in the shared data (set GLIMPSE_SHARED to its folder)`;
  console.warn(`${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, () => body(resolve(root, path)));
}
