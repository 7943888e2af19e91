import type { Command } from 'commander';
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { Captioner } from '../models/captioner.js';
import { Random } from '../random.js';
import { refuseCiderOfOne } from '../training/prepare.js';
import { TrainingRun } from '../training/run.js';
import type { Outcome } from '../training/trainer.js';
import { captionSet, wordsToLearn } from './datasets.js';
import { refuseWhatWouldBeIgnored } from './idle-flags.js';
import { captionerConfig, parseFilters } from './model-flags.js';
import { resume } from './resume.js';
import { datasetAndFlags, inRunFolder } from './runs.js';
import { prepare, sightToStart } from './sight.js';
import { answer, duration, interruption, note } from './terminal.js';
import { startFrom } from './train-from.js';
import { recipeOf, type TrainFlags, type TrainOptions, trainFlags } from './train-options.js';
import { scores, TrainingLog } from './training-log.js';

/** `glimpse train <dataset>`. */
export function trainCommand(): Command {
  return trainFlags().action(train);
}

async function train(
  specification: string | undefined,
  flags: TrainFlags,
  command: Command,
): Promise<void> {
  const [named, given] = datasetAndFlags(specification, flags);
  // What is wrong with flags is said before anything is done.
  if (given.resume === undefined) refuseWhatWouldBeIgnored(given, command);
  parseFilters(given.filters);
  const dataset = await captionSet(named);
  if (given.resume === undefined) {
    const objective = given.selfCritical ? 'self-critical' : 'cross-entropy';
    refuseCiderOfOne(dataset, { select: given.select, objective });
  }
  await inRunFolder(given, dataset.name, (options) => trainOn(dataset, options, command));
}

async function trainOn(
  dataset: CaptionDataset,
  options: TrainOptions,
  command: Command,
): Promise<void> {
  const run = options.resume
    ? await resume(dataset, options, command)
    : await start(dataset, options, command);
  const log = new TrainingLog(options.log);
  log.write({
    event: 'start',
    dataset: dataset.name,
    resumed: options.resume,
    recipe: run.trainer.recipe,
    model: run.model.captioner.config,
  });
  const stop = interruption(() => {
    log.stop();
    note('stopping: saving the run (again to stop at once)');
  });
  try {
    const outcome = await run.run(log.events, { signal: stop.signal, lock: options.lock });
    const result = summary(run, outcome);
    log.write({ event: 'end', ...result });
    answer(options.json, result, describe(run, outcome));
    if (outcome === 'interrupted') process.exitCode = stop.exitCode;
  } finally {
    log.stop();
    stop.release();
  }
}

async function start(
  dataset: CaptionDataset,
  options: TrainOptions,
  command: Command,
): Promise<TrainingRun> {
  if (options.from !== undefined) return startFrom(options.from, dataset, options, command);
  const { vocabulary, recipe } = wordsToLearn(dataset, recipeOf(options));
  const sight = await sightToStart(dataset, options, { grid: options.attention !== undefined });
  const prepared = await prepare(dataset, sight, {
    ...recipe,
    vocabulary,
    skipBad: options.skipBad,
  });
  const captioner = new Captioner(captionerConfig(options, sight, vocabulary.size), {
    random: new Random(recipe.seed),
    tail: sight.tail,
  });
  const { preprocessing, encoder } = sight;
  const model = { captioner, vocabulary, preprocessing, encoder };
  return TrainingRun.start(options.out, model, recipe, prepared.data, prepared.dataset);
}

/** What came of a run, for programs. */
function summary(run: TrainingRun, outcome: Outcome) {
  const { best, seconds, epoch } = run.trainer.progress;
  return {
    outcome,
    epochs: epoch,
    best: best ?? null,
    seconds,
    model: run.path('best'),
    last: run.path('last'),
  };
}

/** What came of a run, for people. */
function describe(run: TrainingRun, outcome: Outcome): string[] {
  const { best, seconds, epoch } = run.trainer.progress;
  const took = duration(seconds);
  const ends = {
    finished: `finished after ${epoch} epochs, ${took}`,
    'stopped-early': `no better for ${run.trainer.recipe.patience} epochs after ${epoch} epochs, ${took}`,
    interrupted: `stopped after ${took}; continue with --resume ${run.folder} (state: ${run.path('last')})`,
  };
  if (!best) return [ends[outcome]];
  return [
    ends[outcome],
    `best: epoch ${best.epoch}, dev loss ${best.devLoss.toFixed(4)} nats a word${scores(best)}: ${run.path('best')}`,
  ];
}
