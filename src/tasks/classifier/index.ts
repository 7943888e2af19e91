/** The classifier as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import { readSafetensors } from '../../data/formats/safetensors-files.js';
import { DistortedPictures } from '../../data/labels/distorted-pictures.js';
import { distortedExtent, distortions } from '../../data/labels/distortions.js';
import { openLabelledDataset } from '../../data/labels/labelled-dataset.js';
import {
  type LabelledDataset,
  labelledFingerprint,
  shapeOf,
} from '../../data/labels/labelled-pictures.js';
import { SPLIT_NAMES } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { withFeatures } from '../../models/encoders/squeezenet.js';
import { squeezenetParameters } from '../../models/encoders/squeezenet-encoder.js';
import { initialise, shapesCount } from '../../models/parameters.js';
import { transformerSchema } from '../../models/spatial-transformer.js';
import { randomAt } from '../../random.js';
import type { OpenedModel } from '../../training/model-file.js';
import { type Answer, type EvaluateRequest, skipBad, taskEntry, told } from '../kind.js';
import { watchedPage, watchFlags } from '../watched.js';
import { classification } from './classification.js';
import {
  type ClassifierConfig,
  type ClassifierParameters,
  classifierSchema,
  classifierShapes,
  describeClassifier,
  fullClassifier,
  networks,
  planClassifier,
} from './config.js';
import { evaluateClassifier } from './evaluation.js';
import { type ClassifierModel, classifierKind } from './kind.js';
import { classifierRecipeSchema, distortionSeed } from './recipe.js';
import { ClassifierTask } from './task.js';
import { TrainingWatch } from './watch.js';

const spatialModels = ['st-fcn', 'st-cnn', 'st-squeezenet'] as const;
const models = [...networks, ...spatialModels] as const;
const spatial = { model: [...spatialModels] };
const count = z.int().positive();
const { size, dropout, arrangement } = classifierSchema.shape;
const { transform, localisation, points, padding } = transformerSchema.shape;

/** The given part of a classifier's configuration; the data add their size and their classes. */
const choices = z.object({
  model: z.enum(models).default('st-cnn').meta({
    flag: '--model <kind>',
    help: 'fully connected or convolutional, st-: behind spatial transformers',
  }),
  size: size.optional().meta({ ...size.meta() }),
  dropout,
  transform: transform.default('affine').meta({ ...transform.meta(), needs: spatial }),
  localisation: localisation.optional().meta({ ...localisation.meta(), needs: spatial }),
  window: count.optional().meta({
    flag: '--window <pixels>',
    help: "side of what comes out (default: the undistorted picture's)",
    needs: spatial,
  }),
  transformers: count
    .max(16)
    .default(1)
    .meta({ flag: '--transformers <count>', help: 'how many', needs: spatial }),
  arrangement,
  points,
  padding: padding.meta({ ...padding.meta(), needs: spatial }),
});

const options = z.object({
  weights: z
    .string()
    .optional()
    .meta({
      flag: '--weights <file>',
      help: "begin with these features of SqueezeNet's, as torchvision names them",
      needs: { model: ['squeezenet', 'st-squeezenet'] },
    }),
  ...watchFlags('a page with windows and views, epoch by epoch', 'dev pictures'),
  skipBad,
});

const evaluation = z.object({
  split: z
    .enum(SPLIT_NAMES)
    .default('test')
    .meta({ flag: '--split <name>', help: 'which pictures' }),
  distort: z.enum(distortions).optional().meta({
    flag: '--distort <kind>',
    help: 'what happens to the pictures (default: as in training)',
  }),
  seed: z
    .int()
    .min(0)
    .optional()
    .meta({ flag: '--seed <number>', help: 'of the distortions (default: as in training)' }),
  batchSize: count
    .default(256)
    .meta({ flag: '--batch-size <pictures>', help: 'pictures at a time' }),
  skipBad,
});

type Opened = OpenedModel<
  ClassifierConfig,
  { classes: string[] },
  ClassifierParameters,
  ClassifierModel
>;

export const classifier = taskEntry({
  ...classifierKind,
  summary: 'says which class a picture is of',
  datasets: 'idx:<folder>, npz:<file>, cifar10:<folder>, folder:<folder>; see docs/classifiers.md',
  configFlags: choices,
  recipe: classifierRecipeSchema,
  options,
  evaluation,
  classification,
  choicesOf: ({ network, transformers, ...config }) => {
    const [first] = transformers;
    return {
      ...config,
      ...first,
      model: `${first ? 'st-' : ''}${network}`,
      window: first?.window[0],
      transformers: transformers.length,
    };
  },

  async open({ dataset, config, options: { skipBad }, note, resume }) {
    const { arrangement, transformers, model } = choices.parse(config);
    const several = model.startsWith('st-') && transformers > 1;
    // A run that goes on has its arrangement: `transformers` is then what flags say again, or a default.
    if (!resume && config.arrangement !== undefined && !several) {
      throw new UsageError(`--arrangement ${arrangement} needs --transformers 2 or more`);
    }
    return told(
      await openLabelledDataset(dataset, { onBadPhoto: skipBad ? 'skip' : 'stop' }),
      note,
    );
  },

  async prepare(request, model) {
    const { recipe, data: dataset } = request;
    const config =
      model?.opened.config ?? configFor(choices.parse(request.config), recipe.distort, dataset);
    if (model && !model.resume && config.transformers.length === 0 && recipe.transformerRate < 1) {
      throw new UsageError(
        `--transformer-rate: the model in ${model.opened.source} has no transformers: leave it out`,
      );
    }
    const plan = planClassifier(config);
    const shapes = classifierShapes(plan);
    const parameters =
      model?.opened.parameters ??
      initialise<ClassifierParameters>(shapes, randomAt(recipe.seed, 'weights'));
    if (request.options.weights !== undefined) {
      if (model) {
        throw new UsageError(
          `${model.resume ? '--resume' : '--from'} with --weights ${request.options.weights}: the model has its weights: leave --weights out`,
        );
      }
      using _file = scope();
      const { tensors } = await readSafetensors(request.options.weights);
      withFeatures(parameters.network, squeezenetParameters(tensors, request.options.weights));
    }
    const classes = [...dataset.classes];
    if (model) requireSameClasses(model.opened, dataset);
    const task = new ClassifierTask({ plan, parameters, classes }, recipe, dataset);
    const { splits, name } = dataset;
    const { report, watch } = request.options;
    const page = watchedPage(report, request.folder);
    return {
      parts: () => ({ config, extras: { classes }, parameters, state: {}, attached: new Map() }),
      task,
      recipe,
      dataset: { name, fingerprint: labelledFingerprint(splits.train) },
      headline:
        `${name}: ${splits.train.labels.length} train and ${splits.dev.labels.length} dev pictures, ${classes.length} classes; ` +
        `${describeClassifier(config)}, ${shapesCount(shapes).toLocaleString('en')} parameters`,
      ...(page !== undefined && {
        watch: (run) =>
          TrainingWatch.open(run, task, {
            page,
            count: watch,
            dataset: name,
            recipe,
            command: request.command,
            note: request.note,
          }),
      }),
    };
  },

  async evaluate([opened, second], request) {
    if (!opened || second) throw new UsageError('classifiers are evaluated one at a time');
    return evaluate(opened, request);
  },

  describe: ({ loss = Number.NaN, error = Number.NaN, overlap }) =>
    `${loss.toFixed(4)} (error ${percent(error, 2)})${overlap === undefined ? '' : `  window on digit ${overlap.toFixed(3)}`}`,
});

/** The classifier that is asked for, for the pictures of a dataset. */
function configFor(
  { model, window: side, transformers, ...asked }: z.infer<typeof choices>,
  distort: (typeof distortions)[number],
  { splits, classes }: LabelledDataset,
): ClassifierConfig {
  const [channels, height, width] = shapeOf(splits.train);
  const network = networks.find((name) => model.endsWith(name)) ?? 'cnn';
  const isSpatial = model.startsWith('st-');
  const { transform, points, padding, localisation = network === 'fcn' ? 'fc' : 'conv' } = asked;
  const window: [number, number] = side === undefined ? [height, width] : [side, side];
  const transformer = { transform, localisation, window, points, padding };
  return fullClassifier({
    network,
    picture: [channels, ...distortedExtent(distort, [height, width])],
    classes: classes.length,
    dropout: asked.dropout,
    arrangement: asked.arrangement,
    transformers: isSpatial ? Array.from({ length: transformers }, () => transformer) : [],
    ...(network === 'squeezenet' ? { size: 1 } : asked.size !== undefined && { size: asked.size }),
  });
}

async function evaluate(
  { model, training, source }: Opened,
  { dataset: specification, options, note }: EvaluateRequest<z.infer<typeof evaluation>>,
): Promise<Answer> {
  const { split, batchSize, skipBad, ...asked } = options;
  const onBadPhoto = skipBad ? 'skip' : 'stop';
  const dataset = told(await openLabelledDataset(specification, { onBadPhoto }), note);
  const recipe = classifierRecipeSchema.parse(training?.recipe ?? {});
  const distort = asked.distort ?? recipe.distort;
  if (asked.seed !== undefined && distort === 'none') {
    throw new UsageError(
      '--seed is that of distortions, but the pictures are not distorted: add --distort, or leave --seed out',
    );
  }
  const seed = distortionSeed(split, asked.seed ?? recipe.seed);
  const pictures = new DistortedPictures(dataset.splits[split], distort, seed);
  if (pictures.size === 0) throw new UsageError(`${specification} has no ${split} pictures`);
  const { picture } = model.plan.config;
  if (`${pictures.shape}` !== `${picture}`) {
    throw new UsageError(
      `${source} takes pictures (${picture.join(', ')}), those of ${specification} with --distort ${distort} are (${pictures.shape.join(', ')})`,
    );
  }
  requireSameClasses({ model, source }, dataset);
  const report = evaluateClassifier(model.plan, model.parameters, pictures, { batchSize });
  const { overlap, pictures: images, ...measured } = report;
  const { classes } = model;
  return {
    value: { dataset: dataset.name, split, distort, model: source, classes, images, ...measured },
    lines: [
      `${dataset.name}, ${split}, distortion ${distort}: ${report.pictures} pictures`,
      `error ${percent(report.error, 2)} (${report.mistakes} mistakes), loss ${report.loss.toFixed(4)} nats`,
      ...(overlap === undefined
        ? []
        : [`window on the digit: mean intersection over union ${overlap.toFixed(3)}`]),
    ],
  };
}

function requireSameClasses(
  { model, source }: Pick<Opened, 'model' | 'source'>,
  { classes, name }: LabelledDataset,
): void {
  if (`${classes}` === `${model.classes}`) return;
  throw new UsageError(
    `${source} knows the classes ${model.classes.join(', ')}, ${name} has ${classes.join(', ')}`,
  );
}
