import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
const root = resolve(repository, process.env.GLIMPSE_SHARED ?? '../shared');

/** Set where the data has to be there: what would be skipped without it then fails. */
const required = process.env.GLIMPSE_REQUIRE_SHARED === '1';

/**
 * The absolute path of a file or folder of the shared real data (the folder that GLIMPSE_SHARED
 * names, otherwise `../shared` beside the repository), or undefined when it is not on this machine.
 * @throws Error instead, when GLIMPSE_REQUIRE_SHARED is 1.
 */
export function shared(path: string): string | undefined {
  const full = resolve(root, path);
  if (existsSync(full)) return full;
  if (required)
    throw new Error(`no ${path} in the shared data, which GLIMPSE_REQUIRE_SHARED asks for`);
  return undefined;
}

/**
 * A `describe` block about real data, skipped with a printed reason where the data is absent, or
 * failed where GLIMPSE_REQUIRE_SHARED is 1.
 */
export function describeWithShared(name: string, path: string, body: (path: string) => void): void {
  const full = resolve(root, path);
  if (existsSync(full)) {
    describe(name, () => body(full));
    return;
  }
  if (required) {
    test(`${name} (needs ${path})`, () => void shared(path));
    return;
  }
  const reason = `skipped: no ${path} in the shared data (set GLIMPSE_SHARED to its folder)`;
  console.warn(`${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, () => body(full));
}
