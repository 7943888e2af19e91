#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { GlimpseError, UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import { captionCommand } from './caption.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { featuresCommand } from './features.js';
import { infoCommand } from './info.js';
import { trainCommand } from './train.js';

/** 0 done · 1 failed · 2 called wrongly · 130 interrupted (what was done is saved). */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('glimpse')
    .description('Looks at pictures and tells what it sees.')
    .version(packageVersion)
    .option('--debug', 'print the stack trace of an error')
    .showHelpAfterError('(add --help for what it accepts)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.')
    .exitOverride();
  for (const command of [
    infoCommand(),
    demoCommand(),
    featuresCommand(),
    trainCommand(),
    captionCommand(),
    evaluateCommand(),
  ]) {
    program.addCommand(command.exitOverride().copyInheritedSettings(program));
  }
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, program.opts().debug === true || argv.includes('--debug'));
  }
}

/** One line for what went wrong; the stack only when asked for. */
function report(error: unknown, debug: boolean): number {
  const known = error instanceof GlimpseError;
  const message = error instanceof Error ? error.message : String(error);
  const line = known ? message : `unexpected: ${message} (please report this; --debug shows where)`;
  process.stderr.write(`glimpse: ${debug ? line : line.split('\n').join('\n  ')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}

// A reader that goes away (`glimpse caption ... | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await main(process.argv);
