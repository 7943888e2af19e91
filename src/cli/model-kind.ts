/** Commands whose flags are those of the kind of model that `--model` names. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { UsageError } from '../errors.js';
import { entryOf, type TaskEntry } from '../tasks/kind.js';
import { modelFileIn } from '../training/run-folder.js';
import { flagsOf } from './flags.js';

/**
 * The kind of the model that the arguments of a command name; undefined for another command, and without `--model`.
 * @throws FileError, FormatError when there is no such model
 */
export async function kindInArguments(
  argv: readonly string[],
  command: string,
  kinds: readonly TaskEntry[],
): Promise<TaskEntry | undefined> {
  const at = argv.findIndex((word) => word === '--model' || word.startsWith('--model='));
  const word = argv[at] ?? '';
  const model = word.startsWith('--model=') ? word.slice('--model='.length) : argv[at + 1];
  if (argv[0] !== command || at < 0 || model === undefined) return undefined;
  return entryOf(await modelFileIn(model), kinds);
}

/** Says in a command's help that its other flags follow from the model. */
export function flagsFollow(command: Command, kinds: readonly TaskEntry[]): Command {
  const names = kinds.map(({ kind }) => kind).join(', ');
  return command.addHelpText(
    'after',
    `\nWhat else may be said depends on the model's kind (${names}): glimpse ${command.name()} --model <file> --help`,
  );
}

/**
 * @param schemaOf the flags of a kind for this command.
 * @throws UsageError naming the flag, the kind that it is for, and the kind of the model
 */
export function refuseFlagsOfOtherKinds(
  argv: readonly string[],
  entry: TaskEntry,
  kinds: readonly TaskEntry[],
  schemaOf: (entry: TaskEntry) => z.ZodObject | undefined,
): void {
  const longs = (kind: TaskEntry) => {
    const schema = schemaOf(kind);
    return schema ? flagsOf(schema).map(({ option }) => option.long ?? '') : [];
  };
  const own = new Set(longs(entry));
  const given = new Set(argv.map((word) => word.replace(/=.*$/s, '')));
  for (const other of kinds) {
    const flag = longs(other).find((long) => given.has(long) && !own.has(long));
    if (flag === undefined) continue;
    throw new UsageError(
      `${flag} is for a ${other.kind}, but the model of --model is a ${entry.kind}: leave ${flag} out`,
    );
  }
}
