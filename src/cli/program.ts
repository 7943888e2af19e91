/** All commands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import { GlimpseError, UsageError } from '../errors.js';
import type { TaskEntry } from '../tasks/kind.js';
import { packageVersion } from '../version.js';
import { captionCommand } from './caption.js';
import { classifyCommand } from './classify.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { featuresCommand } from './features.js';
import { infoCommand } from './info.js';
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
    .configureOutput({ outputError: (text, write) => write(called(text)) })
    .exitOverride();
  const everywhere: Command[] = [program];
  try {
    refuseOldSpellings(argv, kinds);
    const commands = [
      infoCommand(),
      demoCommand(),
      featuresCommand(),
      trainCommand(kinds),
      captionCommand(),
      classifyCommand(),
      await evaluateCommand(argv, kinds),
      scoreCommand(),
      reportCommand(),
    ];
    for (const command of commands) {
      program.addCommand(command.copyInheritedSettings(program));
      for (const part of command.commands) part.copyInheritedSettings(program);
    }
    everywhere.push(...commands.flatMap((command) => [command, ...command.commands]));
    for (const command of everywhere) {
      command.option('--debug', 'print the stack trace of an error');
    }
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, argv.includes('--debug'));
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
  if (command !== 'train' || second === undefined || second.startsWith('-')) return;
  if (second === 'help' || kinds.some(({ kind }) => kind === second)) return;
  throw new UsageError(
    `train needs to know what: glimpse ${['train', 'captioner', second, ...rest].join(' ')} (kinds: ${kinds.map(({ kind }) => kind).join(', ')})`,
  );
}

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` on one line of ours. */
function called(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  return `glimpse: ${line} (--help shows what is accepted)\n`;
}

/** One line for what went wrong; the stack only when asked for. Returns the exit code. */
export function report(error: unknown, debug: boolean): number {
  const known = error instanceof GlimpseError;
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? '' : ' (this is a bug: please report it; --debug shows where)';
  process.stderr.write(`glimpse: ${message.replaceAll('\n', '\n  ')}${hint}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}
