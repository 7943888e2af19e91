/** `glimpse train <kind> <dataset>`: trains a model of any kind; Ctrl-C saves and stops, `--resume` continues. */
import { Command } from 'commander';
import { z } from 'zod';
import { counted } from '../data/formats/notes.js';
import { UsageError } from '../errors.js';
import type { OpenedData, SavedChoices, StartedRun, TaskEntry } from '../tasks/kind.js';
import { TrainingLog } from '../training/log.js';
import { runFile } from '../training/run-folder.js';
import type { Outcome } from '../training/trainer.js';
import {
  addFlags,
  flagsOf,
  givenValues,
  isGiven,
  parseFlags,
  refuseChangedFlags,
  refuseIdleFlags,
  type Values,
} from './flags.js';
import { modelFile, requireKind } from './inputs.js';
import { datasetAndFlags, inRunFolder, type Settled } from './runs.js';
import {
  answer,
  commandLine,
  duration,
  interruption,
  note,
  progressLine,
  TrainingDisplay,
} from './terminal.js';

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
  overwrite: z
    .boolean()
    .default(false)
    .meta({
      flag: '--overwrite',
      help: 'begin anew in a folder that holds a run already',
      needs: { out: true },
    }),
  log: z.string().optional().meta({
    flag: '--log <file>',
    help: 'append JSON lines: a line each 10 steps and each epoch',
  }),
  json: z
    .boolean()
    .default(false)
    .meta({ flag: '--json', help: 'print one JSON document at the end; errors are JSON, too' }),
});
type RunOptions = Settled<z.infer<typeof runSchema>>;

/** Fields of a recipe that may change when a run is resumed: they say when it ends, not what it computes. */
const changeable = ['epochs', 'patience'];

/** The command, with one command for each kind of model. */
export function trainCommand(kinds: readonly TaskEntry[]): Command {
  const command = new Command('train').description(
    'train a model; Ctrl-C saves and stops, --resume continues',
  );
  for (const entry of kinds) command.addCommand(trainKind(entry, kinds));
  return command;
}

function trainKind(entry: TaskEntry, kinds: readonly TaskEntry[]): Command {
  const { schemas } = entry;
  const command = new Command(entry.kind)
    .usage('<dataset> [options]')
    .description(entry.summary)
    .argument('[dataset]', entry.datasets);
  addFlags(command, runSchema, schemas.options, schemas.config, schemas.recipe);
  return command.action(async (named: string | undefined, _: unknown, called: Command) => {
    const [dataset, options] = datasetAndFlags(named, parseFlags(called, runSchema));
    refuseContradictions(options);
    const from = await modelToBeginWith(entry, options.from, called);
    if (from !== undefined) await requireKind(from, entry.kind, trainingOf, kinds);
    if (options.resume === undefined) {
      const { config, recipe } = schemas;
      const brought = from === undefined ? [] : [config];
      refuseIdleFlags(called, [runSchema, schemas.options, config, recipe], brought);
    }
    const data = await entry.open({
      dataset,
      from,
      resume: options.resume !== undefined,
      config: givenValues(called, schemas.config),
      recipe: parseFlags(called, schemas.recipe),
      options: parseFlags(called, schemas.options),
      note,
    });
    await inRunFolder(options, data.name, async (settled) => {
      const last = runFile(settled.out, 'last');
      if (settled.resume) await requireKind(last, entry.kind, trainingOf, kinds);
      await train(entry, data, settled, called);
    });
  });
}

/** The command that trains a kind of model. */
function trainingOf(kind: string): string {
  return `glimpse train ${kind}`;
}

/** @throws UsageError for flags that begin a run beside `--resume`, which continues one */
function refuseContradictions({ from, resume, overwrite }: z.infer<typeof runSchema>): void {
  if (resume === undefined || (from === undefined && !overwrite)) return;
  const begins = overwrite ? '--overwrite begins anew' : '--from begins a new run';
  throw new UsageError(`${begins} and --resume continues one: leave one out`);
}

/** The model file of `--from`. @throws UsageError where it brings another model than flags ask for */
async function modelToBeginWith(
  { schemas }: TaskEntry,
  from: string | undefined,
  command: Command,
): Promise<string | undefined> {
  if (from === undefined) return undefined;
  const file = await modelFile('--from', from);
  const flag = flagsOf(schemas.config).find(({ option }) => isGiven(command, option));
  if (!flag) return file;
  throw new UsageError(
    `${flag.option.long} makes a new model, but --from ${file} brings one: leave one out`,
  );
}

async function train(
  entry: TaskEntry,
  data: OpenedData,
  options: RunOptions,
  command: Command,
): Promise<void> {
  const place = { folder: options.out, command: commandLine(), progress: progressLine };
  const started = await (options.resume
    ? data.resume(place, (saved) => changedRecipe(entry, saved, options, command))
    : data.start(place));
  if (options.resume) {
    // After the kind has said what may not be said of its saved model: that tells more.
    const { schemas } = entry;
    refuseIdleFlags(command, [runSchema, schemas.options], [schemas.config, schemas.recipe]);
  }
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
  log.write({
    event: 'start',
    kind: entry.kind,
    dataset: data.name,
    resumed: options.resume,
    recipe,
    config,
  });
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

/** The recipe that a run goes on by. @throws UsageError for a flag that says something else than the saved run */
function changedRecipe(
  { schemas }: TaskEntry,
  { config, recipe }: SavedChoices,
  { out }: RunOptions,
  command: Command,
): Values {
  refuseChangedFlags(command, schemas.config, { saved: config, folder: out, changeable: [] });
  refuseChangedFlags(command, schemas.recipe, { saved: recipe, folder: out, changeable });
  const asked = givenValues(command, schemas.recipe);
  const changed = changeable.filter((name) => name in asked).map((name) => [name, asked[name]]);
  if (recipe.schedule === 'cosine' && (asked.epochs ?? recipe.epochs) !== recipe.epochs) {
    throw new UsageError(
      `--resume with --epochs ${asked.epochs}: with --schedule cosine the rate depends on the number of epochs, which was ${recipe.epochs}; to train on from this model, start a new run (--from)`,
    );
  }
  return { ...recipe, ...Object.fromEntries(changed) };
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
    finished: `finished after ${counted(epoch, 'epoch')}, ${took}`,
    'stopped-early': `no better for ${counted(run.trainer.recipe.patience, 'epoch')} after ${counted(epoch, 'epoch')}, ${took}`,
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
