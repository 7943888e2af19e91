/** `glimpse evaluate <dataset> --model <file>`: measures a model of any kind; its file says which kind it is. */
import { Command } from 'commander';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { entryOf, type TaskEntry } from '../tasks/kind.js';
import { modelFileIn } from '../training/run-folder.js';
import { addFlags, parseFlags, refuseIdleFlags, repeated } from './flags.js';
import { modelFiles } from './inputs.js';
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
  addFlags(command, entry.schemas.evaluation);
  return command.action((dataset: string, options: Options, called: Command) =>
    evaluate(entry, dataset, options, called),
  );
}

async function evaluate(
  entry: TaskEntry,
  dataset: string,
  { model, json }: Options,
  command: Command,
): Promise<void> {
  const { evaluation } = entry.schemas;
  refuseIdleFlags(command, [evaluation]);
  const options = parseFlags(command, evaluation);
  const files = await modelFiles(model);
  const { value, lines, file } = await entry.evaluate(files, { dataset, options, note });
  if (!file) return answer(json, value, lines);
  await writeAndSay(
    () => writeFileAtomically(file.path, file.content),
    (written) => answer(json, { ...value, ...(written && { out: file.path }) }, lines),
  );
}
