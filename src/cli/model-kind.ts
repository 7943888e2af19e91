/** Commands whose flags are those of the kind of model that `--model` names. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { isPhotoName } from '../data/pictures/photo-files.js';
import { isClipName } from '../data/video/clip-files.js';
import { UsageError } from '../errors.js';
import { entryOf, type TaskEntry } from '../tasks/kind.js';
import { modelFileIn } from '../training/run-folder.js';
import { addFlags, flagsOf } from './flags.js';

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
  // Before the command stand flags without values only: --debug.
  const called = argv.find((word) => !word.startsWith('-'));
  if (called !== command || at < 0 || model === undefined) return undefined;
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
 * @param takes the kinds that the command takes.
 * @throws UsageError naming these, the kind of the model, and the command that takes that
 */
export function refuseOtherKinds(entry: TaskEntry, takes: readonly TaskEntry[]): void {
  if (takes.includes(entry)) return;
  throw new UsageError(
    `the model of --model is a ${entry.kind}, not a ${takes.map(({ kind }) => kind).join(' or ')}: ${commandFor(entry)} takes it`,
  );
}

/**
 * A command with the flags of the kind of the model that its arguments name; without one, with a word on them in its help.
 * @param entry as `kindInArguments` has it. @param takes the kinds that the command takes.
 * @throws UsageError as `refuseOtherKinds` and `refuseFlagsOfOtherKinds`
 */
export function withFlagsOf(
  command: Command,
  argv: readonly string[],
  entry: TaskEntry | undefined,
  {
    takes,
    kinds,
    schemaOf,
  }: {
    readonly takes: readonly TaskEntry[];
    readonly kinds: readonly TaskEntry[];
    readonly schemaOf: (entry: TaskEntry) => z.ZodObject | undefined;
  },
): Command {
  if (!entry) return flagsFollow(command, takes);
  refuseOtherKinds(entry, takes);
  refuseFlagsOfOtherKinds(argv, entry, kinds, schemaOf);
  const schema = schemaOf(entry);
  return schema ? addFlags(command, schema) : command;
}

/** The command that uses models of a kind. */
export function commandFor(entry: Partial<TaskEntry>): string {
  const { captioning, classification, generation, reconstruction } = entry;
  if (captioning) return 'glimpse caption';
  if (classification) return 'glimpse classify';
  if (generation) return 'glimpse generate';
  return reconstruction ? 'glimpse reconstruct' : 'glimpse evaluate';
}

/**
 * What to say after what is wrong with a file that other kinds take, by its name: a photo where clips are taken, or
 * the other way. Empty for others.
 * @param takes the kinds that the command takes. @param of what a kind takes for this command.
 */
export function otherKindHint(
  path: string,
  entry: TaskEntry,
  takes: readonly TaskEntry[],
  of: (entry: TaskEntry) => 'photo' | 'clip' | undefined,
): string {
  const isClip = isClipName(path);
  const own = of(entry);
  const found = isClip ? 'clip' : 'photo';
  // An animation is both.
  if (own === undefined || own === found || isClip === isPhotoName(path)) return '';
  const others = takes.filter((other) => of(other) === found).map(({ kind }) => kind);
  const way = others.length > 0 ? `: a ${others.join(' or a ')} takes ${found}s` : '';
  return ` (it is called as ${found}s are, but the model of --model is a ${entry.kind}, which takes ${own}s${way})`;
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
