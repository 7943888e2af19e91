#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { asFileError } from '../data/files.js';
import { GlimpseError, UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import { captionCommand } from './caption.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { featuresCommand } from './features.js';
import { infoCommand } from './info.js';
import { reportCommand } from './report.js';
import { scoreCommand } from './score.js';
import { skipBadHint } from './skip-bad.js';
import { trainCommand } from './train.js';
import { visionCommand } from './vision/vision.js';

/** 0 done · 1 failed · 2 called wrongly · 128 + n: interrupted by signal n (what was done is saved). */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('glimpse')
    .description('Looks at pictures and tells what it sees.')
    .version(packageVersion)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 called wrongly, \n129, 130, 143 interrupted (hangup, Ctrl-C, kill) with the work saved.',
    )
    .configureOutput({ outputError: (text, write) => write(called(text)) })
    .exitOverride();
  const commands = [
    infoCommand(),
    demoCommand(),
    featuresCommand(),
    trainCommand(),
    captionCommand(),
    evaluateCommand(),
    scoreCommand(),
    reportCommand(),
    visionCommand(),
  ];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const part of command.commands) part.copyInheritedSettings(program);
  }
  const everywhere = [program, ...commands.flatMap((command) => [command, ...command.commands])];
  for (const command of everywhere) command.option('--debug', 'print the stack trace of an error');
  let ran: Command | undefined;
  program.hook('preAction', (_, command) => {
    ran = command;
  });
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(
      error,
      everywhere.some((command) => command.opts().debug === true),
      skipBadHint(error, ran),
    );
  }
}

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` on one line of ours. */
function called(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  return `glimpse: ${line} (--help shows what is accepted)\n`;
}

/** One line for what went wrong; the stack only when asked for. */
function report(error: unknown, debug: boolean, advice = ''): number {
  const known = error instanceof GlimpseError;
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? advice : ' (this is a bug: please report it; --debug shows where)';
  process.stderr.write(`glimpse: ${message.replaceAll('\n', '\n  ')}${hint}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}

// A reader that goes away (`glimpse caption ... | head -1`) is no failure; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nor is a terminal that went away, after what it interrupted has been saved.
  const interrupted = Number(process.exitCode ?? 0) > 128;
  if (error.code === 'EPIPE' || interrupted) process.exit();
  process.exit(report(asFileError('standard output', 'written', error), false));
});

// Nor is it one when nobody reads what is said on the side.
process.stderr.on('error', () => {});

process.exitCode = await main(process.argv);
