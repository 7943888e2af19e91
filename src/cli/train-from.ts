import type { Command } from 'commander';
import { mapTree } from '../autograd/tree.js';
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { UsageError } from '../errors.js';
import { Captioner } from '../models/captioner.js';
import { Random } from '../random.js';
import { readCheckpoint } from '../training/model-file.js';
import { TrainingRun } from '../training/run.js';
import { wordsToLearn } from './datasets.js';
import { modelFlags } from './model-flags.js';
import { isGiven } from './resume.js';
import { modelFile } from './runs.js';
import { prepare, sightToResume, withGivenEncoder } from './sight.js';
import { recipeOf, type TrainOptions } from './train-options.js';

/**
 * A new run that begins with the weights of a trained model, by a recipe of its own: to train it
 * on other captions, at another rate, or self-critically.
 * @throws UsageError when flags ask for another model than it is; otherwise as `withGivenEncoder` and
 *   `sightToResume`.
 */
export async function startFrom(
  from: string,
  dataset: CaptionDataset,
  options: TrainOptions,
  command: Command,
): Promise<TrainingRun> {
  const file = await modelFile('--from', from);
  const trained = await readCheckpoint(file);
  const { config, parameters } = trained.captioner;
  refuseAnotherModel(file, Object.keys(modelFlags(config)), command);
  const recipe = recipeOf(options);
  const { vocabulary } = wordsToLearn(dataset, recipe, trained.vocabulary);
  const { training, ...model } = await withGivenEncoder(trained, dataset, options);
  const sight = await sightToResume(
    { ...model, training },
    dataset,
    options,
    recipe.finetuneEncoder,
  );
  const prepared = await prepare(dataset, sight, {
    ...recipe,
    vocabulary,
    skipBad: options.skipBad,
  });
  // Only the weights are taken over: averages of an optimiser belong to the steps it took.
  if (training) {
    mapTree(training.optimiser.state, (leaf) => {
      leaf.dispose();
      return leaf;
    });
  }
  const random = new Random(recipe.seed);
  const captioner = new Captioner(config, { parameters, random, tail: sight.tail });
  return TrainingRun.start(
    options.out,
    { ...model, captioner },
    recipe,
    prepared.data,
    prepared.dataset,
  );
}

/** What belongs to the model's making, whatever it was made of. */
const always = ['pictureSize', 'filters', 'normalise', 'minimumCount'];

function refuseAnotherModel(file: string, its: readonly string[], command: Command): void {
  const flag = command.options.find((option) => {
    const name = option.attributeName();
    return (its.includes(name) || always.includes(name)) && isGiven(command, name);
  });
  if (flag) {
    throw new UsageError(
      `${flag.long} makes a new model, but --from ${file} brings one: leave one out`,
    );
  }
}
