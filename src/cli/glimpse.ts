/** The program with the kinds of models that it knows, and what becomes of its streams. */
import { asFileError } from '../data/formats/files.js';
import { kinds } from '../tasks/index.js';
import { tellError } from './failure.js';
import { runProgram } from './program.js';

// A reader that goes away (`glimpse caption ... | head -1`) is no failure; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nor is a terminal that went away, after what it interrupted has been saved.
  const interrupted = Number(process.exitCode ?? 0) > 128;
  // Windows says EOF where others say EPIPE.
  if (error.code === 'EPIPE' || error.code === 'EOF' || interrupted) process.exit();
  process.exit(tellError(asFileError('standard output', 'written', error), false));
});

// Nor is it one when nobody reads what is said on the side.
process.stderr.on('error', () => {});

process.exitCode = await runProgram(process.argv.slice(2), kinds);
