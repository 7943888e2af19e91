/** The commands of glimpse, and how they end. */
import { Command, CommanderError } from 'commander';
import { asFileError } from '../data/formats/files.js';
import { packageVersion } from '../version.js';
import { captionCommand } from './caption.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { tellError, tellFailure } from './failure.js';
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
    .configureOutput({ outputError: calledWrongly })
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
    return tellError(
      error,
      everywhere.some((command) => command.opts().debug === true),
      skipBadHint(error, ran),
    );
  }
}

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` as one of ours. */
function calledWrongly(text: string): void {
  const message = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  tellFailure({ kind: 'usage', message: `${message} (--help shows what is accepted)` });
}

// A reader that goes away (`glimpse caption ... | head -1`) is no failure; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nor is a terminal that went away, after what it interrupted has been saved.
  const interrupted = Number(process.exitCode ?? 0) > 128;
  if (error.code === 'EPIPE' || interrupted) process.exit();
  process.exit(tellError(asFileError('standard output', 'written', error), false));
});

// Nor is it one when nobody reads what is said on the side.
process.stderr.on('error', () => {});

process.exitCode = await main(process.argv);
