import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import type { CaptionDataset } from '../data/captioned-images.js';
import { openDataset } from '../data/dataset.js';
import { UsageError } from '../errors.js';
import { openFeatures } from '../features/feature-file.js';
import { Captioner, cells } from '../models/captioner.js';
import { openEncoder } from '../models/encoder-file.js';
import { visionFeatureSize } from '../models/vision.js';
import { Random } from '../random.js';
import {
  type PreparedData,
  prepareData,
  type Sight,
  sightOfPictures,
  sightThroughFeatures,
} from '../training/prepare.js';
import { type Recipe, recipeSchema } from '../training/recipe.js';
import { type Model, TrainingRun } from '../training/run.js';
import { extract } from './features.js';
import { factor, positiveInteger, positiveNumber, share, wholeNumber } from './options.js';
import { answer, duration, interruption, note } from './terminal.js';
import { TrainingLog } from './training-log.js';

const modelDefaults = { cell: 'lstm', hidden: 512, embedding: 256, dropout: 0.5 } as const;

interface Options {
  out: string;
  features?: string;
  encoder?: string;
  pictureSize: number;
  filters: string;
  normalise: boolean;
  cell: (typeof cells)[number];
  hidden: number;
  embedding: number;
  dropout: number;
  minimumCount: number;
  maxWords: number;
  optimiser: Recipe['optimiser'];
  rate: number;
  decay: number;
  momentum: number;
  clip: number;
  batchSize: number;
  lengths: Recipe['lengths'];
  epochs: number;
  patience: number;
  seed: number;
  resume?: boolean;
  log?: string;
  json?: boolean;
}

/** Flags that may differ when a run is resumed: they change when it ends, not what it computes. */
const changeable: readonly (keyof Recipe)[] = ['epochs', 'patience'];

/** `glimpse train <dataset> --out <folder>`. */
export function trainCommand(): Command {
  const recipe = recipeSchema.parse({});
  return new Command('train')
    .description('train a captioner; Ctrl-C saves and stops, --resume continues')
    .argument(
      '<dataset>',
      'flickr8k:<folder>, kaggle:<folder>, scenes:<count>, or a folder of a known format',
    )
    .requiredOption('--out <folder>', 'folder for best.safetensors and last.safetensors')
    .option('--features <file>', 'features that glimpse features made')
    .option(
      '--encoder <file>',
      'encode the photos with this first; with --features: where the encoder is now',
    )
    .option('--no-normalise', 'with features: take them at their own scale')
    .option(
      '--picture-size <pixels>',
      'without either: side of the pictures that the model sees itself',
      positiveInteger,
      48,
    )
    .option('--filters <list>', 'without either: filters of its convolution layers', '16,32,32')
    .addOption(
      new Option('--cell <kind>', 'recurrent cell').choices(cells).default(modelDefaults.cell),
    )
    .option('--hidden <size>', 'length of the hidden state', positiveInteger, modelDefaults.hidden)
    .option(
      '--embedding <size>',
      'length of a word vector',
      positiveInteger,
      modelDefaults.embedding,
    )
    .option('--dropout <share>', 'values dropped in training', share, modelDefaults.dropout)
    .option('--minimum-count <times>', 'rarer words become <UNK>', positiveInteger, 5)
    .option('--max-words <words>', 'longer captions are cut', positiveInteger, 30)
    .addOption(new Option('--optimiser <kind>').choices(['adam', 'sgd']).default(recipe.optimiser))
    .option('--rate <number>', 'learning rate of the first epoch', positiveNumber, recipe.rate)
    .option('--decay <factor>', 'of the rate, after every epoch', factor, recipe.decay)
    .option('--momentum <number>', 'of SGD', share, recipe.momentum)
    .option('--clip <norm>', 'largest norm of all gradients together', positiveNumber, recipe.clip)
    .option('--batch-size <captions>', 'captions a step', positiveInteger, recipe.batchSize)
    .addOption(
      new Option('--lengths <kind>', 'captions of one batch')
        .choices(['equal', 'padded'])
        .default(recipe.lengths),
    )
    .option('--epochs <count>', 'most passes over the captions', positiveInteger, recipe.epochs)
    .option(
      '--patience <epochs>',
      'stop after so many without a better dev loss',
      positiveInteger,
      recipe.patience,
    )
    .option('--seed <number>', 'of weights, order and dropout', wholeNumber, recipe.seed)
    .option('--resume', 'continue the run in --out, bit for bit')
    .option('--log <file>', 'append JSON lines: a line each 10 steps and each epoch')
    .option('--json', 'print one JSON document at the end')
    .action(train);
}

async function train(specification: string, options: Options, command: Command): Promise<void> {
  const dataset = await openDataset(specification);
  const run = options.resume
    ? await resume(dataset, options, command)
    : await start(dataset, options);
  const { trainer } = run;
  note(
    `${dataset.name}: ${dataset.splits.train.length} train and ${dataset.splits.dev.length} dev images, ${run.model.vocabulary.size} words`,
  );
  const log = new TrainingLog(options.log);
  log.write({
    event: 'start',
    dataset: dataset.name,
    resumed: options.resume === true,
    recipe: trainer.recipe,
    model: run.model.captioner.config,
  });
  const { signal, release } = interruption(() => {
    log.stop();
    note('stopping: saving the run (again to stop at once)');
  });
  try {
    const outcome = await run.run(log.events, { signal });
    const { best, seconds, epoch } = trainer.progress;
    const result = {
      outcome,
      epochs: epoch,
      best: best ?? null,
      seconds,
      model: run.path('best'),
      last: run.path('last'),
    };
    log.write({ event: 'end', ...result });
    answer(options.json, result, [
      outcome === 'interrupted'
        ? `stopped after ${duration(seconds)}; continue with --resume (state: ${run.path('last')})`
        : `${outcome === 'finished' ? 'finished' : `no better for ${trainer.recipe.patience} epochs`} after ${epoch} epochs, ${duration(seconds)}`,
      ...(best
        ? [
            `best: epoch ${best.epoch}, dev loss ${best.devLoss.toFixed(4)} nats a word: ${run.path('best')}`,
          ]
        : []),
    ]);
    if (outcome === 'interrupted') process.exitCode = 130;
  } finally {
    log.stop();
    release();
  }
}

async function start(dataset: CaptionDataset, options: Options): Promise<TrainingRun> {
  const recipe = recipeSchema.parse(options);
  const sight = await chooseSight(dataset, options);
  const prepared = await prepareData(dataset, sight, options);
  const model = build(sight, prepared, options);
  return TrainingRun.start(options.out, model, recipe, prepared.data, prepared.dataset);
}

async function resume(
  dataset: CaptionDataset,
  options: Options,
  command: Command,
): Promise<TrainingRun> {
  const checkpoint = await TrainingRun.readLast(options.out);
  const saved = checkpoint.training?.recipe;
  if (!saved) throw new UsageError(`${options.out} holds no training state to resume`);
  const recipe: Recipe = { ...saved };
  for (const name of recipeSchema.keyof().options) {
    if (command.getOptionValueSource(name) !== 'cli' || saved[name] === options[name]) continue;
    if (!changeable.includes(name)) {
      throw new UsageError(
        `--resume: the run was started with ${name} ${saved[name]}, not ${options[name]}; only epochs and patience may change`,
      );
    }
    Object.assign(recipe, { [name]: options[name] });
  }
  const sight = await chooseSight(dataset, {
    ...options,
    pictureSize: checkpoint.preprocessing.width,
  });
  const { vocabulary } = checkpoint;
  const prepared = await prepareData(dataset, sight, { ...options, vocabulary });
  return TrainingRun.resume(options.out, checkpoint, recipe, prepared.data, prepared.dataset);
}

/** Features if there are any, an encoder's if one is named, else the pictures themselves. */
async function chooseSight(dataset: CaptionDataset, options: Options): Promise<Sight> {
  if (!options.features && !options.encoder) return sightOfPictures(options.pictureSize);
  const file = options.features ?? join(options.out, 'features.safetensors');
  if (!options.features && options.encoder) {
    const { train, dev } = dataset.splits;
    const encoder = await openEncoder(options.encoder);
    await extract([...train, ...dev], encoder, { out: file, batchSize: 16 });
    encoder.dispose();
  }
  const features = await openFeatures(file);
  return sightThroughFeatures(features, await features.openEncoder(options.encoder));
}

function build(sight: Sight, { vocabulary }: PreparedData, options: Options): Model {
  const [first = 0, side] = sight.shape;
  const vision =
    side === undefined ? undefined : { size: side, filters: parseFilters(options.filters) };
  const captioner = new Captioner(
    {
      cell: options.cell,
      featureSize: vision ? visionFeatureSize(vision) : first,
      vision,
      normaliseFeatures: !vision && options.normalise,
      embeddingSize: options.embedding,
      hiddenSize: options.hidden,
      vocabularySize: vocabulary.size,
      dropout: options.dropout,
    },
    { random: new Random(options.seed) },
  );
  return { captioner, vocabulary, preprocessing: sight.preprocessing, encoder: sight.encoder };
}

function parseFilters(text: string): number[] {
  const result = z.array(z.coerce.number().int().positive()).min(1).safeParse(text.split(','));
  if (result.success) return result.data;
  throw new UsageError(
    `--filters ${text}: must be positive whole numbers with commas between, such as 16,32,32`,
  );
}
