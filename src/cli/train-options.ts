import { Command, Option } from 'commander';
import { batchLengths } from '../data/captions/batches.js';
import { selections } from '../training/progress.js';
import { baselines, fullRecipe, type Recipe } from '../training/recipe.js';
import { samplingGrowths } from '../training/scheduled-sampling.js';
import { addEncoderFlags, type EncoderFlags } from './encoder-flags.js';
import { addModelFlags, type ModelFlags } from './model-flags.js';
import { addOptimiserFlags } from './optimiser-flags.js';
import {
  fromModule,
  positiveInteger,
  positiveNumber,
  share,
  shareOrAll,
  wholeNumber,
} from './options.js';
import type { RunFlags, Settled } from './runs.js';
import { skipBadHelp } from './skip-bad.js';

/** The flags of `glimpse train`: a recipe, a model, and where things are. */
export interface TrainFlags extends Omit<Recipe, 'objective'>, ModelFlags, RunFlags, EncoderFlags {
  from?: string;
  selfCritical?: boolean;
  features?: string;
  encoder?: string;
  log?: string;
  skipBad?: boolean;
  json?: boolean;
}

/** The same when the folder of the run is settled. */
export type TrainOptions = Settled<TrainFlags>;

/** The command with its flags, without anything to do. */
export function trainFlags(): Command {
  const recipe = fullRecipe();
  const command = new Command('train')
    .usage('<dataset> [options]')
    .description('train a captioner; Ctrl-C saves and stops, --resume continues')
    .argument(
      '[dataset]',
      'a folder or file of captions, scenes:<count>, ...; see docs/datasets.md',
    )
    .option(
      '--out <folder>',
      'folder for best.safetensors and last.safetensors (default: runs/<dataset>-<number>)',
    )
    .option(
      '--features <file>',
      'features of glimpse features or other programs; see docs/datasets.md',
    )
    .option(
      '--encoder <file>',
      'encode the photos with this first; with --features: the encoder that made them',
    );
  addEncoderFlags(command)
    .option(
      '--from <model>',
      "begin with the weights of a model file or a run's folder, as a new run",
    )
    .addOption(
      new Option(
        '--finetune-encoder <from=module>',
        'train the encoder along: SqueezeNet, from this module on, such as from=features.9',
      )
        .argParser(fromModule)
        .implies({ lengths: 'grouped' }),
    )
    .option(
      '--encoder-rate <share>',
      'of the rate: how fast the encoder learns',
      positiveNumber,
      recipe.encoderRate,
    );
  addModelFlags(command)
    .option(
      '--minimum-count <times>',
      'rarer words become <UNK> (default: 1 for every 1000 training captions, 1 to 5)',
      positiveInteger,
    )
    .option('--max-words <words>', 'longer captions are cut', positiveInteger, recipe.maxWords)
    .option('--self-critical', "with --from: learn from the reward of the model's own captions")
    .option('--samples <count>', 'captions drawn for each image', positiveInteger, recipe.samples)
    .addOption(
      new Option('--baseline <kind>', 'what the reward of a drawn caption is compared with')
        .choices(baselines)
        .default(recipe.baseline),
    );
  return addOptimiserFlags(command, recipe)
    .option(
      '--batch-size <captions>',
      'captions a step, drawn ones too',
      positiveInteger,
      recipe.batchSize,
    )
    .addOption(
      new Option('--lengths <kind>', 'captions of one batch')
        .choices(batchLengths)
        .default(recipe.lengths),
    )
    .option(
      '--label-smoothing <share>',
      'of every target, spread over all words',
      share,
      recipe.labelSmoothing,
    )
    .option(
      '--scheduled-sampling <share>',
      "most of the words fed in that the model's own replace",
      shareOrAll,
      recipe.scheduledSampling,
    )
    .addOption(
      new Option('--sampling-growth <kind>', 'how that share grows')
        .choices(samplingGrowths)
        .default(recipe.samplingGrowth),
    )
    .option(
      '--sampling-epochs <count>',
      'of linear growth; how slow the other is',
      positiveInteger,
      recipe.samplingEpochs,
    )
    .option(
      '--augment',
      'change pictures a little in every epoch, where it is not features that are learned from',
    )
    .option(
      '--augment-shift <share>',
      'of its sides a picture is moved',
      share,
      recipe.augmentShift,
    )
    .option(
      '--augment-colours <share>',
      'of brightness, contrast and saturation',
      share,
      recipe.augmentColours,
    )
    .option('--augment-flip', 'mirror pictures, too: not if captions say left and right')
    .option('--epochs <count>', 'most passes over the captions', positiveInteger, recipe.epochs)
    .addOption(
      new Option('--select <measure>', 'the best epoch is the one with the best on dev')
        .choices(selections)
        .default(recipe.select),
    )
    .option(
      '--patience <epochs>',
      'stop after so many that are no better on dev',
      positiveInteger,
      recipe.patience,
    )
    .option('--seed <number>', 'of weights, order and dropout', wholeNumber, recipe.seed)
    .option('--overwrite', 'begin anew in a folder that holds a run already')
    .option(
      '--resume [folder]',
      'continue a run, bit for bit (default: the one in --out, else the newest on the dataset)',
    )
    .option('--log <file>', 'append JSON lines: a line each 10 steps and each epoch')
    .option('--skip-bad', skipBadHelp)
    .option('--json', 'print one JSON document at the end; errors are JSON, too');
}

/** The recipe that the flags describe. */
export function recipeOf({ selfCritical, ...options }: TrainOptions): Recipe {
  return fullRecipe({
    ...options,
    objective: selfCritical ? 'self-critical' : 'cross-entropy',
  });
}
