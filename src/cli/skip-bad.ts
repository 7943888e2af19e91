/** What to do about photos that cannot be read, for the commands that can leave them out. */
import type { Command } from 'commander';
import { PhotoError } from '../errors.js';
import { skipBad } from '../tasks/kind.js';

/** What `--skip-bad` does, for the help of every command that has it. */
export const skipBadHelp = String(skipBad.meta()?.help);

/** What to say after an error of a command that could leave the photo out; otherwise nothing. */
export function skipBadHint(error: unknown, command: Command | undefined): string {
  const could = command?.options.some(({ long }) => long === '--skip-bad') ?? false;
  if (!(error instanceof PhotoError) || !could || command?.opts().skipBad === true) return '';
  return ' (--skip-bad leaves out photos that cannot be read)';
}
