/** `glimpse classify`: says which class pictures or clips are of; the model's file says which of them it takes. */
import { Command } from 'commander';
import { z } from 'zod';
import { isFaultOfFile } from '../data/formats/notes.js';
import { jsonText, percent, printableLine } from '../data/text/printable.js';
import { UsageError } from '../errors.js';
import type { FileClassifier, Guess } from '../tasks/classification.js';
import type { TaskEntry } from '../tasks/kind.js';
import { Failures } from './failure.js';
import { parseFlags, positiveInteger, refuseIdleFlags } from './flags.js';
import { CLIPS, modelFile, PHOTOS, pathsNamed } from './inputs.js';
import { kindInArguments, otherKindHint, withFlagsOf } from './model-kind.js';
import {
  everyField,
  type Follow,
  runningFormats,
  runningValues,
  subtitlePlaces,
  writeSubtitles,
} from './running.js';
import { note } from './terminal.js';

const needs = { every: true } as const;

/** Flags for clips. */
const following = z.object({
  every: everyField,
  format: z.enum(runningFormats).optional().meta({
    flag: '--format <kind>',
    help: 'subtitles, or a line a stretch (default: as --out ends, or vtt)',
    needs,
  }),
  out: z.string().optional().meta({
    flag: '--out <path>',
    help: 'write the subtitles to a file; of several clips into a folder',
    needs,
  }),
  overwrite: z
    .boolean()
    .default(false)
    .meta({
      flag: '--overwrite',
      help: 'replace subtitles that are there already',
      needs: { out: true },
    }),
});

interface Options {
  model: string;
  top: number;
  recursive?: boolean;
  json?: boolean;
}

/** The flags of a kind that names classes, with those of all clips; undefined for another kind. */
export function classifyFlags({ classification }: TaskEntry): z.ZodObject | undefined {
  if (classification?.of !== 'clip') return classification?.options;
  return classification.options.extend(following.shape);
}

/**
 * The command for the model that the arguments name: each kind has flags of its own.
 * @throws FileError, FormatError when there is no such model; UsageError when it names no classes
 */
export async function classifyCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const entry = await kindInArguments(argv, 'classify', kinds);
  const naming = kinds.filter(({ classification }) => classification);
  const command = new Command('classify')
    .description('say what pictures or clips show')
    .argument('<file...>', 'pictures or clips: files, folders and patterns')
    .requiredOption('--model <file>', "a model that glimpse train wrote, or a run's folder")
    .option('--top <count>', 'classes to name, the likeliest first', positiveInteger, 1)
    .option('--recursive', 'look into the folders inside a folder, too')
    .option('--json', 'print one JSON document; errors are JSON, too');
  withFlagsOf(command, argv, entry, { takes: naming, kinds, schemaOf: classifyFlags });
  if (!entry) return command;
  return command.action((args: readonly string[], options: Options, called: Command) =>
    classify(entry, naming, args, options, called),
  );
}

async function classify(
  entry: TaskEntry,
  naming: readonly TaskEntry[],
  args: readonly string[],
  options: Options,
  command: Command,
): Promise<void> {
  const { classification } = entry;
  if (!classification) return;
  const isClips = classification.of === 'clip';
  refuseIdleFlags(command, [classification.options, ...(isClips ? [following] : [])]);
  const own = parseFlags(command, classification.options);
  const running = isClips ? parseFlags(command, following) : undefined;
  const file = await modelFile('--model', options.model);
  const model = await classification.open(file, own, note);
  const kind = isClips ? CLIPS : PHOTOS;
  const paths = await pathsNamed(args, kind, options);
  const failures = new Failures(paths.length, 'classified', kind, (path) =>
    otherKindHint(path, entry, naming, (other) => other.classification?.of),
  );
  if (running?.every === undefined) {
    await classifyEach(paths, kind.key, model, options, failures);
  } else {
    const follow = followed(model, running.every, options.top);
    if (options.json) {
      refuseBesideJson(running);
      process.stdout.write(`${jsonText(await runningValues(paths, follow, failures))}\n`);
    } else {
      const where = await subtitlePlaces(paths, running, [file]);
      await writeSubtitles(paths, follow, where, failures);
    }
  }
  failures.report();
}

/** Says of each file what it is, as soon as it is known; for programs all in one document. */
async function classifyEach(
  paths: readonly string[],
  key: string,
  model: FileClassifier,
  { top, json }: Options,
  failures: Failures,
): Promise<void> {
  const results: object[] = [];
  for (const path of paths) {
    try {
      const { guesses, facts } = await model.classify(path);
      const named = guesses.slice(0, top);
      if (json) results.push({ [key]: path, guesses: named, ...facts });
      else process.stdout.write(`${printableLine(`${path}: ${named.map(told).join(', ')}`)}\n`);
    } catch (error) {
      if (!isFaultOfFile(error)) throw error;
      failures.add(path, error.message);
    }
  }
  if (json) process.stdout.write(`${jsonText(results)}\n`);
}

/** What a model says of each stretch of a clip: a line a class. */
function followed(model: FileClassifier, every: number, top: number): Follow {
  return async function* (clip) {
    for await (const { from, to, guesses, facts } of model.follow?.(clip, every) ?? []) {
      const named = guesses.slice(0, top);
      yield { from, to, text: named.map(told).join('\n'), value: { guesses: named, ...facts } };
    }
  };
}

/** @throws UsageError for flags of subtitles, where there are none */
function refuseBesideJson({ format, out }: z.output<typeof following>): void {
  const flag = format !== undefined ? `--format ${format}` : out !== undefined && `--out ${out}`;
  if (!flag) return;
  throw new UsageError(`${flag} is about subtitles, but --json prints none: leave one out`);
}

function told({ class: name, probability }: Guess): string {
  return `${name} (${percent(probability)})`;
}
