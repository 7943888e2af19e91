/** `glimpse report`: what a model makes of a split, as one HTML page; its file says which kind it is. */
import { Command } from 'commander';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';
import type { TaskEntry } from '../tasks/kind.js';
import { addFlags, parseFlags, refuseIdleFlags } from './flags.js';
import { modelFile } from './inputs.js';
import { flagsFollow, kindInArguments, refuseFlagsOfOtherKinds } from './model-kind.js';
import { checkOutputs, writeAndSay } from './outputs.js';
import { answer, commandLine, note } from './terminal.js';

interface Options {
  model: string;
  out: string;
  json?: boolean;
}

/**
 * The command for the model that the arguments name: each kind has flags of its own.
 * @throws FileError, FormatError when there is no such model
 */
export async function reportCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const entry = await kindInArguments(argv, 'report', kinds);
  const drawing = kinds.filter(({ reporter }) => reporter);
  const command = new Command('report')
    .description('show what a model makes of a split: one HTML page')
    .argument('<dataset>', entry?.datasets ?? 'as for train')
    .requiredOption('--model <file>', "a model that glimpse train wrote, or a run's folder")
    .option('--out <file>', 'the page; written anew when it is there', 'report.html')
    .option('--json', 'print one JSON document; errors are JSON, too');
  if (!entry) return flagsFollow(command, drawing);
  const { reporter } = entry;
  if (!reporter) {
    throw new UsageError(
      `the model of --model is a ${entry.kind}, not a ${drawing.map(({ kind }) => kind).join(' or ')}: glimpse evaluate takes it`,
    );
  }
  refuseFlagsOfOtherKinds(argv, entry, kinds, (kind) => kind.reporter?.options);
  addFlags(command, reporter.options).addHelpText('after', `\n${reporter.summary}`);
  return command.action((dataset: string, options: Options, called: Command) =>
    report(reporter, dataset, options, called),
  );
}

async function report(
  reporter: NonNullable<TaskEntry['reporter']>,
  dataset: string,
  { model, out, json }: Options,
  command: Command,
): Promise<void> {
  refuseIdleFlags(command, [reporter.options]);
  const options = parseFlags(command, reporter.options);
  await checkOutputs(out);
  const file = await modelFile('--model', model);
  await refuseInputs(out, [dataset, file]);
  const request = { dataset, out, command: commandLine(), note };
  const { page, shown, about, value, lines } = await reporter.report(file, request, options);
  const bytes = Buffer.byteLength(page);
  const written = `${out}: ${about}, ${(bytes / 1e6).toFixed(1)} MB`;
  await writeAndSay(
    () => writeFileAtomically(out, page),
    (isWritten) =>
      answer(json, { ...value, ...(isWritten && { out, shown, bytes }) }, [
        ...lines,
        ...(isWritten ? [written] : []),
      ]),
  );
}
