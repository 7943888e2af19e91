/** `glimpse train <kind> <dataset>`: trains a model of any kind; Ctrl-C saves and stops, `--resume` continues. */
import { basename } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { UsageError } from '../errors.js';
import type { SavedChoices, StartedRun, TaskEntry, UntypedRequest } from '../tasks/kind.js';
import { TrainingLog } from '../training/log.js';
import type { Outcome } from '../training/trainer.js';
import {
  addFlags,
  flagsOf,
  givenValues,
  isGiven,
  parseFlags,
  refuseChangedFlags,
  refuseIdleFlags,
} from './flags.js';
import { datasetAndFlags, inRunFolder, modelFile, type Settled } from './runs.js';
import { answer, commandLine, duration, interruption, note, progressLine } from './terminal.js';
import { TrainingDisplay } from './training-display.js';

/** What every kind of run can be told, besides its model, its recipe and its data. */
const runSchema = z.object({
  out: z.string().optional().meta({
    flag: '--out <folder>',
    help: 'folder for best.safetensors and last.safetensors (default: runs/<dataset>-<number>)',
  }),
  from: z.string().optional().meta({
    flag: '--from <model>',
    help: "begin with the weights of a model file or a run's folder, as a new run",
  }),
  resume: z
    .union([z.string(), z.literal(true)])
    .optional()
    .meta({
      flag: '--resume [folder]',
      help: 'continue a run, bit for bit (default: the one in --out, else the newest on the dataset)',
    }),
  overwrite: z.boolean().default(false).meta({
    flag: '--overwrite',
    help: 'begin anew in a folder that holds a run already',
  }),
  log: z.string().optional().meta({
    flag: '--log <file>',
    help: 'append JSON lines: a line each 10 steps and each epoch',
  }),
  json: z
    .boolean()
    .default(false)
    .meta({ flag: '--json', help: 'print one JSON document at the end' }),
});
type RunOptions = Settled<z.infer<typeof runSchema>>;

/** Fields of a recipe that may change when a run is resumed: they say when it ends, not what it computes. */
const changeable = ['epochs', 'patience'];

/** The command, with one command for each kind of model. */
export function trainCommand(kinds: readonly TaskEntry[]): Command {
  const command = new Command('train').description(
    'train a model; Ctrl-C saves and stops, --resume continues',
  );
  for (const entry of kinds) command.addCommand(trainKind(entry));
  return command;
}

function trainKind(entry: TaskEntry): Command {
  const { schemas } = entry;
  const command = new Command(entry.kind)
    .usage('<dataset> [options]')
    .description(entry.summary)
    .argument('[dataset]', entry.datasets);
  addFlags(command, runSchema, schemas.options, schemas.config, schemas.recipe);
  return command.action(async (named: string | undefined, _: unknown, called: Command) => {
    const [dataset, options] = datasetAndFlags(named, parseFlags(called, runSchema));
    if (options.resume === undefined) {
      refuseIdleFlags(called, schemas.options, schemas.config, schemas.recipe);
    }
    await inRunFolder(options, nameOf(dataset), (settled) =>
      train(entry, dataset, settled, called),
    );
  });
}

/** What a run without `--out` is called after: `flickr8k:data/flickr8k,dev=0.1` is `flickr8k`. */
function nameOf(dataset: string): string {
  const [source = dataset] = dataset.split(',');
  return basename(source.replace(/^(\w+):(?=\d+$)/, '$1-').replace(':', '/'));
}

async function train(
  entry: TaskEntry,
  dataset: string,
  options: RunOptions,
  command: Command,
): Promise<void> {
  const started = await (options.resume ? resumed : fresh)(entry, dataset, options, command);
  const { run, headline, config, watch } = started;
  note(headline);
  const shown = new TrainingDisplay(entry.describe);
  const log = new TrainingLog({
    file: options.log,
    note: (text) => note(`glimpse: ${text}`),
    events: {
      ...shown.events,
      onEpoch: async (report) => {
        shown.events.onEpoch(report);
        await watch?.add();
      },
    },
  });
  const { recipe } = run.trainer;
  log.write({ event: 'start', kind: entry.kind, dataset, resumed: options.resume, recipe, config });
  const stop = interruption(() => {
    shown.stop();
    note('stopping: saving the run (again to stop at once)');
  });
  try {
    const outcome = await run.run(log.events, { signal: stop.signal, lock: options.lock });
    const value = summary(started, outcome);
    log.write({ event: 'end', ...value });
    answer(options.json, value, told(entry, started, outcome));
    if (outcome === 'interrupted') process.exitCode = stop.exitCode;
  } finally {
    shown.stop();
    stop.release();
  }
}

/** A new run, with the weights of a model file where one is named. */
async function fresh(
  entry: TaskEntry,
  dataset: string,
  options: RunOptions,
  command: Command,
): Promise<StartedRun> {
  const request = requestOf(entry, dataset, options, command);
  if (options.from === undefined) return entry.start(request);
  const file = await modelFile('--from', options.from);
  refuseAnotherModel(entry, file, command);
  return entry.start(request, file);
}

/** The run that stopped in its folder. */
async function resumed(
  entry: TaskEntry,
  dataset: string,
  options: RunOptions,
  command: Command,
): Promise<StartedRun> {
  if (options.from !== undefined) {
    throw new UsageError('--from begins a new run and --resume continues one: leave one out');
  }
  const { schemas } = entry;
  const request = requestOf(entry, dataset, options, command);
  return entry.resume(request, ({ config, recipe }: SavedChoices) => {
    refuseChangedFlags(command, schemas.config, config, []);
    refuseChangedFlags(command, schemas.recipe, recipe, changeable);
    const asked = givenValues(command, schemas.recipe);
    const changed = changeable.filter((name) => name in asked).map((name) => [name, asked[name]]);
    if (recipe.schedule === 'cosine' && (asked.epochs ?? recipe.epochs) !== recipe.epochs) {
      throw new UsageError(
        `--resume with --epochs ${asked.epochs}: with --schedule cosine the rate depends on the number of epochs, which was ${recipe.epochs}; to train on from this model, start a new run (--from)`,
      );
    }
    return { ...recipe, ...Object.fromEntries(changed) };
  });
}

function requestOf(
  { schemas }: TaskEntry,
  dataset: string,
  { out }: RunOptions,
  command: Command,
): UntypedRequest {
  return {
    dataset,
    folder: out,
    config: givenValues(command, schemas.config),
    recipe: parseFlags(command, schemas.recipe),
    options: parseFlags(command, schemas.options),
    command: commandLine(),
    note,
    progress: progressLine,
  };
}

function refuseAnotherModel({ schemas }: TaskEntry, file: string, command: Command): void {
  const flag = flagsOf(schemas.config).find(({ option }) => isGiven(command, option));
  if (!flag) return;
  throw new UsageError(
    `${flag.option.long} makes a new model, but --from ${file} brings one: leave one out`,
  );
}

/** What came of a run, for programs. */
function summary({ run, watch }: StartedRun, outcome: Outcome) {
  const { best, seconds, epoch } = run.trainer.progress;
  return {
    outcome,
    epochs: epoch,
    best: best ?? null,
    seconds,
    model: run.path('best'),
    last: run.path('last'),
    ...(watch && { report: watch.page }),
  };
}

/** What came of a run, for people. */
function told(entry: TaskEntry, { run, watch }: StartedRun, outcome: Outcome): string[] {
  const { best, seconds, epoch } = run.trainer.progress;
  const took = duration(seconds);
  const ends = {
    finished: `finished after ${epoch} epochs, ${took}`,
    'stopped-early': `no better for ${run.trainer.recipe.patience} epochs after ${epoch} epochs, ${took}`,
    interrupted: `stopped after ${took}; continue with --resume ${run.folder} (state: ${run.path('last')})`,
  };
  return [
    ends[outcome],
    ...(best
      ? [`best: epoch ${best.epoch}, dev ${entry.describe(best.dev)}: ${run.path('best')}`]
      : []),
    ...(watch ? [`report: ${watch.page}`] : []),
  ];
}
