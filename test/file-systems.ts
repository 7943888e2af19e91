/** What file systems differ in, for the tests that lay out names which not every one of them has. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Windows has no names that end with a space, no `/dev`, and permissions of its own. */
export const onWindows = process.platform === 'win32';

/** Whether `a` and `A` are two files where tests write: not on Windows, and seldom on macOS. */
export const tellsCase = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-case-'));
  writeFileSync(join(folder, 'a'), '');
  const tells = !existsSync(join(folder, 'A'));
  rmSync(folder, { recursive: true });
  return tells;
})();
