import { join } from 'node:path';
import type { Command } from 'commander';
import { parameterCount } from '../../autograd/tree.js';
import { readSafetensors } from '../../data/formats/safetensors-files.js';
import type { LabelledDataset } from '../../data/labels/labelled-pictures.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { initialClassifier } from '../../models/classifier.js';
import { planClassifier } from '../../models/classifier-config.js';
import { withFeatures } from '../../models/encoders/squeezenet.js';
import { squeezenetParameters } from '../../models/encoders/squeezenet-encoder.js';
import { Random } from '../../random.js';
import type { ClassifierEpoch } from '../../training/classifier-progress.js';
import { ClassifierRun } from '../../training/classifier-run.js';
import type { ClassifierEvents } from '../../training/classifier-trainer.js';
import type { Outcome } from '../../training/trainer.js';
import { labelledSet } from '../datasets.js';
import { datasetAndFlags, inRunFolder } from '../runs.js';
import {
  answer,
  commandLine,
  duration,
  interruption,
  note,
  percent,
  progressLine,
} from '../terminal.js';
import { LogFile } from '../training-log.js';
import {
  describeClassifier,
  resumedRecipe,
  type VisionTrainFlags,
  type VisionTrainOptions,
  visionConfig,
  visionRecipe,
  visionTrainFlags,
} from './train-options.js';
import { TrainingWatch } from './watch.js';

/** `glimpse vision train <dataset>`. */
export function visionTrainCommand(): Command {
  return visionTrainFlags().action(train);
}

async function train(
  specification: string | undefined,
  flags: VisionTrainFlags,
  command: Command,
): Promise<void> {
  const [named, given] = datasetAndFlags(specification, flags);
  const dataset = await labelledSet(named, given);
  await inRunFolder(given, dataset.name, (options) => trainOn(dataset, options, command));
}

async function trainOn(
  dataset: LabelledDataset,
  options: VisionTrainOptions,
  command: Command,
): Promise<void> {
  const run = await (options.resume ? resume : start)(dataset, options, command);
  const { splits } = dataset;
  const { plan, parameters } = run.model;
  note(
    `${dataset.name}: ${splits.train.labels.length} train and ${splits.dev.labels.length} dev pictures, ${dataset.classes.length} classes; ` +
      `${describeClassifier(plan.config)}, ${parameterCount(parameters).toLocaleString('en')} parameters`,
  );
  const page = options.report === true ? join(options.out, 'report.html') : options.report;
  const watch =
    page === undefined
      ? undefined
      : await TrainingWatch.open(run, options.watch, page, commandLine());
  const stop = interruption(() => {
    note('stopping: saving the run (again to stop at once)');
  });
  const log = logOf(options.log, run, watch);
  try {
    const outcome = await run.run(log.events, { signal: stop.signal, lock: options.lock });
    const { best, epoch, seconds } = run.trainer.progress;
    const result = {
      outcome,
      epochs: epoch,
      best: best ?? null,
      seconds,
      model: run.path('best'),
      last: run.path('last'),
      ...(page !== undefined && { report: page }),
    };
    answer(options.json, result, describe(run, outcome, page));
    if (outcome === 'interrupted') process.exitCode = stop.exitCode;
  } finally {
    log.stop();
    stop.release();
  }
}

async function start(
  dataset: LabelledDataset,
  options: VisionTrainOptions,
  command: Command,
): Promise<ClassifierRun> {
  const plan = planClassifier(visionConfig(options, dataset, command));
  const recipe = visionRecipe(options);
  const parameters = initialClassifier(plan, new Random(recipe.seed));
  if (options.weights !== undefined) {
    using _file = scope();
    const { tensors } = await readSafetensors(options.weights);
    withFeatures(parameters.network, squeezenetParameters(tensors, options.weights));
  }
  const model = { plan, parameters, classes: dataset.classes };
  return ClassifierRun.start(options.out, model, recipe, dataset);
}

async function resume(
  dataset: LabelledDataset,
  options: VisionTrainOptions,
  command: Command,
): Promise<ClassifierRun> {
  const checkpoint = await ClassifierRun.readLast(options.out);
  const saved = checkpoint.training?.recipe;
  if (!saved) throw new UsageError(`${options.out} holds no training state to resume`);
  const recipe = resumedRecipe(saved, options, command);
  return ClassifierRun.resume(options.out, checkpoint, recipe, dataset);
}

/** A bar while an epoch lasts, a line when it is over, and a JSON line in the log. */
function logOf(file: string | undefined, run: ClassifierRun, watch: TrainingWatch | undefined) {
  const log = new LogFile(file);
  let bar: ReturnType<typeof progressLine> | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  const events: ClassifierEvents = {
    onStep: ({ epoch, batch, batches, loss }) => {
      bar ??= progressLine(`epoch ${epoch}`, batches, batch - 1);
      bar.update(batch, `loss ${loss.toFixed(3)}`);
    },
    onEpoch: async (report) => {
      stop();
      note(epochLine(report), { title: `epoch ${report.epoch}` });
      log.write({ event: 'epoch', ...report });
      await watch?.add(run);
    },
  };
  return { events, stop };
}

function epochLine(epoch: ClassifierEpoch): string {
  const overlap =
    epoch.devOverlap === undefined ? '' : `  window on digit ${epoch.devOverlap.toFixed(3)}`;
  return (
    `train ${epoch.trainLoss.toFixed(4)} (error ${percent(epoch.trainError)})` +
    `  dev ${epoch.devLoss.toFixed(4)} (error ${percent(epoch.devError)})${overlap}  rate ${epoch.rate.toPrecision(3)}  ${duration(epoch.seconds)}`
  );
}

function describe(run: ClassifierRun, outcome: Outcome, page: string | undefined): string[] {
  const { best, epoch, seconds } = run.trainer.progress;
  const took = duration(seconds);
  const ends = {
    finished: `finished after ${epoch} epochs, ${took}`,
    'stopped-early': `no better for ${run.trainer.recipe.patience} epochs after ${epoch} epochs, ${took}`,
    interrupted: `stopped after ${took}; continue with --resume ${run.folder} (state: ${run.path('last')})`,
  };
  return [
    ends[outcome],
    ...(best
      ? [`best: epoch ${best.epoch}, dev error ${percent(best.devError)}: ${run.path('best')}`]
      : []),
    ...(page === undefined ? [] : [`report: ${page}`]),
  ];
}
