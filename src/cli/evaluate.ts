/** `glimpse evaluate <dataset> --model <file>`: measures a model of any kind; its file says which kind it is. */
import { Command } from 'commander';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';
import { entryOf, type TaskEntry } from '../tasks/kind.js';
import { modelFileIn } from '../training/run-folder.js';
import { addFlags, flagsOf, parseFlags, refuseIdleFlags, repeated } from './flags.js';
import { modelFiles, requireKind } from './inputs.js';
import { writeAndSay } from './outputs.js';
import { answer, note } from './terminal.js';

interface Options {
  model: readonly string[];
  json?: boolean;
}

/**
 * The command for the model that the arguments name: each kind has flags of its own.
 * @throws FileError, FormatError when there is no such model
 */
export async function evaluateCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const at = argv.findIndex((word) => word === '--model' || word.startsWith('--model='));
  const word = argv[at] ?? '';
  const model = word.startsWith('--model=') ? word.slice('--model='.length) : argv[at + 1];
  const entry =
    argv[0] === 'evaluate' && at >= 0 && model !== undefined
      ? await entryOf(await modelFileIn(model), kinds)
      : undefined;
  const command = new Command('evaluate')
    .description('measure a model on data that it was not trained on')
    .argument('<dataset>', entry?.datasets ?? 'as for train')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train wrote, or a run's folder; several are an ensemble",
      repeated,
    )
    .option('--json', 'print one JSON document; errors are JSON, too');
  if (!entry) {
    return command.addHelpText(
      'after',
      `\nWhat else may be said depends on the model's kind (${kinds.map(({ kind }) => kind).join(', ')}): glimpse evaluate --model <file> --help`,
    );
  }
  refuseFlagsOfOtherKinds(argv, entry, kinds);
  addFlags(command, entry.schemas.evaluation);
  return command.action((dataset: string, options: Options, called: Command) =>
    evaluate(entry, kinds, dataset, options, called),
  );
}

/** @throws UsageError naming the flag, the kind that it is for, and the kind of the model */
function refuseFlagsOfOtherKinds(
  argv: readonly string[],
  { kind, schemas }: TaskEntry,
  kinds: readonly TaskEntry[],
): void {
  const longs = ({ evaluation }: TaskEntry['schemas']) =>
    flagsOf(evaluation).map(({ option }) => option.long ?? '');
  const own = new Set(longs(schemas));
  const given = new Set(argv.map((word) => word.replace(/=.*$/s, '')));
  for (const other of kinds) {
    const flag = longs(other.schemas).find((long) => given.has(long) && !own.has(long));
    if (flag === undefined) continue;
    throw new UsageError(
      `${flag} is for a ${other.kind}, but the model of --model is a ${kind}: leave ${flag} out`,
    );
  }
}

async function evaluate(
  entry: TaskEntry,
  kinds: readonly TaskEntry[],
  dataset: string,
  { model, json }: Options,
  command: Command,
): Promise<void> {
  const { evaluation } = entry.schemas;
  refuseIdleFlags(command, [evaluation]);
  const options = parseFlags(command, evaluation);
  const files = await modelFiles(model);
  const alone = () => 'an evaluation of its own';
  for (const file of files) await requireKind(file, entry.kind, alone, kinds);
  const { value, lines, file } = await entry.evaluate(files, { dataset, options, note });
  if (!file) return answer(json, value, lines);
  await writeAndSay(
    () => writeFileAtomically(file.path, file.content),
    (written) => answer(json, { ...value, ...(written && { out: file.path }) }, lines),
  );
}
