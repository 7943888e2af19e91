import { Command, Option } from 'commander';
import { DistortedPictures } from '../../data/labels/distorted-pictures.js';
import { distortions } from '../../data/labels/distortions.js';
import { SPLIT_NAMES, type SplitName } from '../../data/splits.js';
import { UsageError } from '../../errors.js';
import { evaluateClassifier } from '../../training/classifier-evaluation.js';
import { distortionSeed } from '../../training/classifier-recipe.js';
import { readClassifier } from '../../training/classifier-run.js';
import { labelledSet } from '../datasets.js';
import { positiveInteger, wholeNumber } from '../options.js';
import { modelFile } from '../runs.js';
import { skipBadHelp } from '../skip-bad.js';
import { answer, percent } from '../terminal.js';

interface Options {
  model: string;
  split: SplitName;
  distort?: (typeof distortions)[number];
  seed?: number;
  batchSize: number;
  skipBad?: boolean;
  json?: boolean;
}

/** `glimpse vision evaluate <dataset> --model <file>`. */
export function visionEvaluateCommand(): Command {
  return new Command('evaluate')
    .description('measure a classifier on a split: error, loss, and where its window lies')
    .argument('<dataset>', 'as for vision train')
    .requiredOption('--model <file>', "a model that glimpse vision train wrote, or a run's folder")
    .addOption(new Option('--split <name>', 'which pictures').choices(SPLIT_NAMES).default('test'))
    .addOption(
      new Option(
        '--distort <kind>',
        'what happens to the pictures (default: as in training)',
      ).choices(distortions),
    )
    .option('--seed <number>', 'of the distortions (default: as in training)', wholeNumber)
    .option('--batch-size <pictures>', 'pictures at a time', positiveInteger, 256)
    .option('--skip-bad', skipBadHelp)
    .option('--json', 'print one JSON document, with the counts of confusions')
    .action(evaluate);
}

async function evaluate(specification: string, options: Options): Promise<void> {
  const file = await modelFile('--model', options.model);
  const { plan, parameters, classes, training } = await readClassifier(file);
  const dataset = await labelledSet(specification, options);
  const { split, distort = training?.recipe.distort ?? 'none' } = options;
  const seed = distortionSeed(split, options.seed ?? training?.recipe.seed ?? 1);
  const pictures = new DistortedPictures(dataset.splits[split], distort, seed);
  if (pictures.count === 0) throw new UsageError(`${specification} has no ${split} pictures`);
  if (`${pictures.shape}` !== `${plan.config.picture}`) {
    throw new UsageError(
      `${options.model} takes pictures (${plan.config.picture.join(', ')}), those of ${specification} with --distort ${distort} are (${pictures.shape.join(', ')})`,
    );
  }
  if (`${dataset.classes}` !== `${classes}`) {
    throw new UsageError(
      `${options.model} knows the classes ${classes.join(', ')}, ${specification} has ${dataset.classes.join(', ')}`,
    );
  }
  const report = evaluateClassifier(plan, parameters, pictures, options);
  const { overlap, pictures: images, ...measured } = report;
  answer(
    options.json,
    { dataset: dataset.name, split, distort, model: file, classes, images, ...measured },
    [
      `${dataset.name}, ${split}, distortion ${distort}: ${report.pictures} pictures`,
      `error ${percent(report.error)} (${report.mistakes} mistakes), loss ${report.loss.toFixed(4)} nats`,
      ...(overlap === undefined
        ? []
        : [`window on the digit: mean intersection over union ${overlap.toFixed(3)}`]),
    ],
  );
}
