/** The commands of glimpse, and how they end. */
import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.js';
import type { TaskEntry } from '../tasks/kind.js';
import { packageVersion } from '../version.js';
import { captionCommand } from './caption.js';
import { classifyCommand } from './classify.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { skipBadHint, tellError, tellFailure } from './failure.js';
import { featuresCommand } from './features.js';
import { generateCommand } from './generate.js';
import { infoCommand } from './info.js';
import { reconstructCommand } from './reconstruct.js';
import { reportCommand } from './report.js';
import { scoreCommand } from './score.js';
import { trainCommand } from './train.js';

/**
 * Runs a command line.
 * @param argv without `node` and the program.
 * @param kinds of models that it can train and evaluate.
 * @returns 0 done · 1 failed · 2 called wrongly · 128 + n: interrupted by signal n (what was done is saved).
 */
export async function runProgram(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<number> {
  const program = new Command('glimpse')
    .description('Looks at pictures and tells what it sees.')
    .version(packageVersion)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 called wrongly, \n129, 130, 143 interrupted (hangup, Ctrl-C, kill) with the work saved.',
    )
    .configureOutput({ outputError: calledWrongly })
    .exitOverride();
  const everywhere: Command[] = [program];
  let ran: Command | undefined;
  try {
    refuseOldSpellings(argv, kinds);
    const commands = [
      infoCommand(),
      demoCommand(),
      featuresCommand(),
      trainCommand(kinds),
      await captionCommand(argv, kinds),
      await classifyCommand(argv, kinds),
      await generateCommand(argv, kinds),
      await reconstructCommand(argv, kinds),
      await evaluateCommand(argv, kinds),
      scoreCommand(),
      await reportCommand(argv, kinds),
    ];
    for (const command of commands) {
      program.addCommand(command.copyInheritedSettings(program));
      for (const part of command.commands) part.copyInheritedSettings(program);
    }
    everywhere.push(...commands.flatMap((command) => [command, ...command.commands]));
    for (const command of everywhere) {
      command.option('--debug', 'print the stack trace of an error');
    }
    program.hook('preAction', (_, command) => {
      ran = command;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return tellError(error, argv.includes('--debug'), skipBadHint(error, ran));
  }
}

/** What commands were called before there were several kinds. @throws UsageError with today's name */
function refuseOldSpellings(
  [command, second, ...rest]: readonly string[],
  kinds: readonly TaskEntry[],
): void {
  const today = { train: 'train classifier', evaluate: 'evaluate', classify: 'classify' };
  if (command === 'vision') {
    const renamed = Object.entries(today).find(([name]) => name === second)?.[1];
    const say = renamed ? ['glimpse', renamed, ...rest].join(' ') : 'glimpse --help';
    throw new UsageError(`the command vision is gone: ${say}`);
  }
  if (command !== 'train' || ['help', '--help', '-h'].includes(second ?? '')) return;
  if (kinds.some(({ kind }) => kind === second)) return;
  const [third] = rest;
  if (second && third && !second.startsWith('-') && !third.startsWith('-')) {
    const known = new Intl.ListFormat('en-GB').format(kinds.map(({ kind }) => kind));
    throw new UsageError(`train ${second}: there is no such kind of model; there are ${known}`);
  }
  const given = second === undefined ? ['<dataset>'] : [second, ...rest];
  throw new UsageError(
    `train needs to know what: ${kinds.map(({ kind }) => `glimpse train ${kind} ${given.join(' ')}`).join(', or ')}`,
  );
}

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` as one of ours. */
function calledWrongly(text: string): void {
  const message = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  tellFailure({ kind: 'usage', message: `${message} (--help shows what is accepted)` });
}
