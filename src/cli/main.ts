#!/usr/bin/env node
/** The program `glimpse`: a command line for the kinds of models that it knows. */
import { asFileError } from '../data/files.js';
import { kinds } from '../tasks/index.js';
import { report, runProgram } from './program.js';

// A reader that goes away (`glimpse caption ... | head -1`) is no failure; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nor is a terminal that went away, after what it interrupted has been saved.
  const interrupted = Number(process.exitCode ?? 0) > 128;
  if (error.code === 'EPIPE' || interrupted) process.exit();
  process.exit(report(asFileError('standard output', 'written', error), false));
});

// Nor is it one when nobody reads what is said on the side.
process.stderr.on('error', () => {});

process.exitCode = await runProgram(process.argv.slice(2), kinds);
