import { Command, Option } from 'commander';
import { distortedExtent, distortions } from '../../data/labels/distortions.js';
import { type LabelledDataset, shapeOf } from '../../data/labels/labelled-pictures.js';
import { UsageError } from '../../errors.js';
import {
  arrangements,
  type ClassifierConfig,
  fullClassifier,
  type Network,
  networks,
} from '../../models/classifier-config.js';
import { localisations, transformerSchema, transforms } from '../../models/spatial-transformer.js';
import { type ClassifierRecipe, fullClassifierRecipe } from '../../training/classifier-recipe.js';
import { addOptimiserFlags } from '../optimiser-flags.js';
import { positiveInteger, share, shareOrAll, wholeNumber } from '../options.js';
import { isGiven } from '../resume.js';
import type { RunFlags, Settled } from '../runs.js';
import { skipBadHelp } from '../skip-bad.js';

const models = ['fcn', 'cnn', 'squeezenet', 'st-fcn', 'st-cnn', 'st-squeezenet'] as const;

/** The flags of `glimpse vision train`. */
export interface VisionTrainFlags extends ClassifierRecipe, RunFlags {
  model: (typeof models)[number];
  size?: number;
  weights?: string;
  dropout: number;
  transform: (typeof transforms)[number];
  localisation?: (typeof localisations)[number];
  window?: number;
  transformers: number;
  arrangement: (typeof arrangements)[number];
  points: number;
  padding: 'zeros' | 'border';
  report?: string | true;
  watch: number;
  log?: string;
  skipBad?: boolean;
  json?: boolean;
}

/** The same when the folder of the run is settled. */
export type VisionTrainOptions = Settled<VisionTrainFlags>;

/** Flags that say what the model is, rather than how it is trained. */
const modelFlags = [
  '--model',
  '--size',
  '--weights',
  '--dropout',
  '--transform',
  '--localisation',
  '--window',
  '--transformers',
  '--arrangement',
  '--points',
  '--padding',
];

/** The command with its flags, without anything to do. */
export function visionTrainFlags(): Command {
  const recipe = fullClassifierRecipe();
  const command = new Command('train')
    .usage('<dataset> [options]')
    .description('train a classifier; Ctrl-C saves and stops, --resume continues')
    .argument(
      '[dataset]',
      'idx:<folder>, npz:<file>, cifar10:<folder>, folder:<folder>; see docs/vision.md',
    )
    .option(
      '--out <folder>',
      'folder for best.safetensors and last.safetensors (default: runs/<dataset>-<number>)',
    )
    .addOption(
      new Option(
        '--model <kind>',
        'fully connected or convolutional, st-: behind spatial transformers',
      )
        .choices(models)
        .default('st-cnn'),
    )
    .option(
      '--size <count>',
      'units of a layer, or filters (default: as 400,000 parameters allow)',
      positiveInteger,
    )
    .option(
      '--weights <file>',
      "squeezenet's: begin with these features, as torchvision names them",
    )
    .option('--dropout <share>', 'of the values before the last layer', share, 0)
    .addOption(
      new Option('--transform <kind>', 'what a transformer may do')
        .choices(transforms)
        .default('affine'),
    )
    .addOption(
      new Option(
        '--localisation <kind>',
        'the network that predicts it (default: fc for st-fcn, conv for st-cnn)',
      ).choices(localisations),
    )
    .option(
      '--window <pixels>',
      "side of what comes out (default: the undistorted picture's)",
      positiveInteger,
    )
    .option('--transformers <count>', 'how many', positiveInteger, 1)
    .addOption(
      new Option('--arrangement <kind>', 'of several').choices(arrangements).default('sequence'),
    )
    .option('--points <count>', 'control points of tps in each direction', positiveInteger, 4)
    .addOption(
      new Option('--padding <kind>', 'what is beside the picture')
        .choices(['zeros', 'border'])
        .default('zeros'),
    )
    .addOption(
      new Option('--distort <kind>', 'what happens to each picture in each epoch')
        .choices(distortions)
        .default(recipe.distort),
    );
  return addOptimiserFlags(command, recipe)
    .option(
      '--transformer-rate <share>',
      "the transformers' share of it",
      shareOrAll,
      recipe.transformerRate,
    )
    .option('--batch-size <pictures>', 'pictures a step', positiveInteger, recipe.batchSize)
    .option('--label-smoothing <share>', 'of every target', share, recipe.labelSmoothing)
    .option('--epochs <count>', 'most passes over the pictures', positiveInteger, recipe.epochs)
    .option(
      '--patience <epochs>',
      'stop after so many that are no better on dev',
      positiveInteger,
      recipe.patience,
    )
    .option(
      '--seed <number>',
      'of weights, order, distortions and dropout',
      wholeNumber,
      recipe.seed,
    )
    .option(
      '--report [file]',
      'a page with windows and views, epoch by epoch (default: report.html in --out)',
    )
    .option('--watch <count>', 'dev pictures in the report', positiveInteger, 8)
    .option('--overwrite', 'begin anew in a folder that holds a run already')
    .option(
      '--resume [folder]',
      'continue a run, bit for bit (default: the one in --out, else the newest on the dataset)',
    )
    .option('--log <file>', 'append JSON lines: a line each epoch')
    .option('--skip-bad', skipBadHelp)
    .option('--json', 'print one JSON document at the end; errors are JSON, too');
}

/** The recipe that the flags describe. */
export function visionRecipe(options: VisionTrainOptions): ClassifierRecipe {
  return fullClassifierRecipe(options);
}

/**
 * The classifier that the flags describe, for the pictures of a dataset.
 * @throws UsageError for flags that contradict each other or would be ignored.
 */
export function visionConfig(
  options: VisionTrainOptions,
  { splits, classes }: LabelledDataset,
  command: Command,
): ClassifierConfig {
  refuseIdle(options, command);
  const [channels, height, width] = shapeOf(splits.train);
  const picture = [channels, ...distortedExtent(options.distort, [height, width])] as const;
  const spatial = options.model.startsWith('st-');
  const network = networkOf(options.model);
  const side = options.window;
  const transformer = transformerSchema.safeParse({
    transform: options.transform,
    localisation: options.localisation ?? (network === 'fcn' ? 'fc' : 'conv'),
    window: side === undefined ? [height, width] : [side, side],
    points: options.points,
    padding: options.padding,
  });
  if (!transformer.success) {
    throw new UsageError(`--points ${options.points} must be from 2 to 16`);
  }
  return fullClassifier({
    network,
    picture: [...picture],
    classes: classes.length,
    dropout: options.dropout,
    arrangement: options.arrangement,
    transformers: spatial ? Array(options.transformers).fill(transformer.data) : [],
    ...(network === 'squeezenet'
      ? { size: 1 }
      : options.size !== undefined && { size: options.size }),
  });
}

function networkOf(model: VisionTrainOptions['model']): Network {
  return networks.find((network) => model.endsWith(network)) ?? 'cnn';
}

/** Flags that mean nothing beside the others. */
function refuseIdle(options: VisionTrainOptions, command: Command): void {
  const spatial = options.model.startsWith('st-');
  const needs: readonly [flag: string, needed: string, is: boolean][] = [
    ...[
      '--transform',
      '--localisation',
      '--window',
      '--transformers',
      '--padding',
      '--transformer-rate',
    ].map((flag): [string, string, boolean] => [
      flag,
      '--model st-fcn, st-cnn or st-squeezenet',
      spatial,
    ]),
    ['--arrangement', '--transformers 2 or more', spatial && options.transformers > 1],
    ['--points', '--transform tps', spatial && options.transform === 'tps'],
    ['--weights', '--model squeezenet or st-squeezenet', networkOf(options.model) === 'squeezenet'],
    ['--size', 'another --model than squeezenet', networkOf(options.model) !== 'squeezenet'],
    ['--weight-decay', '--optimiser adamw', options.optimiser === 'adamw'],
    ['--momentum', '--optimiser sgd', options.optimiser === 'sgd'],
    ['--decay', '--schedule decay', options.schedule === 'decay'],
    ['--watch', '--report', options.report !== undefined],
  ];
  for (const [flag, needed, is] of needs) {
    if (!is && given(command, flag)) throw new UsageError(`${flag} needs ${needed}`);
  }
}

/**
 * The saved recipe with what may change: when the run ends, not what it computes.
 * @throws UsageError for any other flag that is given with another value.
 */
export function resumedRecipe(
  saved: ClassifierRecipe,
  options: VisionTrainOptions,
  command: Command,
): ClassifierRecipe {
  const model = modelFlags.find((flag) => given(command, flag));
  if (model) throw new UsageError(`--resume with ${model}: the model is the one that was saved`);
  const recipe = { ...saved };
  for (const name of ['epochs', 'patience'] as const) {
    if (isGiven(command, name)) recipe[name] = options[name];
  }
  if (saved.schedule === 'cosine' && recipe.epochs !== saved.epochs) {
    throw new UsageError(
      `--resume with --epochs ${recipe.epochs}: with --schedule cosine the rate depends on the number of epochs, which was ${saved.epochs}`,
    );
  }
  const now: Readonly<Record<string, unknown>> = { ...options };
  for (const [name, before] of Object.entries(saved)) {
    if (name === 'epochs' || name === 'patience' || !isGiven(command, name)) continue;
    if (now[name] !== before) {
      throw new UsageError(
        `--resume: the run was started with ${name} ${before}, not ${now[name]}`,
      );
    }
  }
  return recipe;
}

function given(command: Command, flag: string): boolean {
  const option = command.options.find(({ long }) => long === flag);
  return option !== undefined && isGiven(command, option.attributeName());
}

/** "st-cnn of 86, affine 28x28". */
export function describeClassifier({ network, size, transformers }: ClassifierConfig): string {
  const each = transformers.map(({ transform, window }) => `${transform} ${window.join('x')}`);
  const own = network === 'squeezenet' ? network : `${network} of ${size}`;
  return [`${each.length > 0 ? 'st-' : ''}${own}`, ...each].join(', ');
}
