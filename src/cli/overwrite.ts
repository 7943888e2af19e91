import { existsSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { runFile } from '../training/run-folder.js';

/**
 * A folder's name is quickly used again, and what stands there may have taken hours.
 * @param ways what to do instead, for the message.
 * @throws UsageError when `--out` holds a run and `--overwrite` was not given.
 */
export function refuseWhatWouldBeLost(
  { out, overwrite }: { out: string; overwrite?: boolean },
  ways: string,
): void {
  const last = runFile(out, 'last');
  if (overwrite || !existsSync(last)) return;
  throw new UsageError(
    `--out ${out} holds a run already (${last}): ${ways}, or name another folder`,
  );
}
