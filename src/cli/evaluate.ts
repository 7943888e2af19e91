/** `glimpse evaluate <dataset> --model <file>`: measures a model of any kind; its file says which kind it is. */
import { Command } from 'commander';
import { writeFileAtomically } from '../data/formats/write-files.js';
import type { TaskEntry } from '../tasks/kind.js';
import { addFlags, parseFlags, refuseIdleFlags, repeated } from './flags.js';
import { modelFiles, requireKind } from './inputs.js';
import { flagsFollow, kindInArguments, refuseFlagsOfOtherKinds } from './model-kind.js';
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
  const entry = await kindInArguments(argv, 'evaluate', kinds);
  const command = new Command('evaluate')
    .description('measure a model on data that it was not trained on')
    .argument('<dataset>', entry?.datasets ?? 'as for train')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train wrote, or a run's folder; several are an ensemble",
      repeated,
    )
    .option('--json', 'print one JSON document; errors are JSON, too');
  if (!entry) return flagsFollow(command, kinds);
  refuseFlagsOfOtherKinds(argv, entry, kinds, ({ schemas }) => schemas.evaluation);
  addFlags(command, entry.schemas.evaluation);
  return command.action((dataset: string, options: Options, called: Command) =>
    evaluate(entry, kinds, dataset, options, called),
  );
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
