/** The variational autoencoder as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import { openPictureSet } from '../../data/labels/labelled-dataset.js';
import {
  type LabelledDataset,
  labelledFingerprint,
  shapeOf,
} from '../../data/labels/labelled-pictures.js';
import { SPLIT_NAMES } from '../../data/splits.js';
import { UsageError } from '../../errors.js';
import { describeCoder } from '../../models/generative/coder.js';
import {
  fullVae,
  planVae,
  type VaeConfig,
  type VaeParameters,
  vaeSchema,
  vaeShapes,
} from '../../models/generative/vae.js';
import { initialise, shapesCount } from '../../models/parameters.js';
import { randomAt } from '../../random.js';
import type { OpenedModel } from '../../training/model-file.js';
import { type Answer, type EvaluateRequest, skipBad, taskEntry, told } from '../kind.js';
import { fitting, picturesOf } from '../picture-task.js';
import { generation, reconstruction } from './drawing.js';
import { measureBound, measureLikelihood } from './evaluation.js';
import { type VaeModel, vaeKind } from './kind.js';
import { vaeRecipeSchema } from './recipe.js';
import { VaeTask } from './task.js';

const { network, filters, hidden, activation, latent, pixels, binarise } = vaeSchema.shape;

/** The given part of a VAE's configuration; the data add their size and their classes. */
const choices = z.object({
  network,
  filters,
  hidden,
  activation,
  latent,
  pixels,
  binarise: binarise.optional().meta({ ...binarise.meta() }),
  conditional: z
    .boolean()
    .default(false)
    .meta({ flag: '--conditional', help: 'tell encoder and decoder the class of each picture' }),
});

const count = z.int().positive();

const evaluation = z.object({
  split: z
    .enum(SPLIT_NAMES)
    .default('test')
    .meta({ flag: '--split <name>', help: 'which pictures' }),
  pictures: count
    .optional()
    .meta({ flag: '--pictures <count>', help: 'only the first so many (default: all)' }),
  samples: count.max(1_000_000).default(100).meta({
    flag: '--samples <count>',
    help: 'of each picture, for its log-likelihood; published figures take 5,000',
  }),
  seed: z.int().min(0).default(1).meta({ flag: '--seed <number>', help: 'of all samples' }),
  skipBad,
});

type Opened = OpenedModel<VaeConfig, { classes: string[] }, VaeParameters, VaeModel>;

export const vae = taskEntry({
  ...vaeKind,
  summary: 'draws pictures like those that it saw (variational autoencoder)',
  datasets:
    'idx:<folder>, npz:<file>, cifar10:<folder>, folder:<folder>, photos:<folder>; see docs/classifiers.md',
  configFlags: choices,
  recipe: vaeRecipeSchema,
  options: z.object({ skipBad }),
  evaluation,
  generation,
  reconstruction,
  choicesOf: ({ classes, ...config }) => ({ ...config, conditional: classes > 0 }),

  async open({ dataset, options: { skipBad }, note }) {
    return told(await openPictureSet(dataset, { onBadPhoto: skipBad ? 'skip' : 'stop' }), note);
  },

  async prepare({ recipe, data, config: asked }, model) {
    const config = model?.opened.config ?? configFor(choices.parse(asked), data);
    const plan = planVae(config);
    const shapes = vaeShapes(plan);
    const parameters =
      model?.opened.parameters ??
      initialise<VaeParameters>(shapes, randomAt(recipe.seed, 'weights'));
    const classes = config.classes > 0 ? [...data.classes] : [];
    if (model) requireSameClasses(model.opened, data);
    const task = new VaeTask({ plan, parameters, classes }, recipe, data);
    const { splits, name } = data;
    return {
      parts: () => ({ config, extras: { classes }, parameters, state: {}, attached: new Map() }),
      task,
      recipe,
      dataset: { name, fingerprint: labelledFingerprint(splits.train) },
      headline:
        `${name}: ${splits.train.labels.length} train and ${splits.dev.labels.length} dev pictures, ${config.pixels} pixels, binarised: ${config.binarise}; ` +
        `${describeCoder(config)}, ${shapesCount(shapes).toLocaleString('en')} parameters`,
    };
  },

  async evaluate([opened, second], request) {
    if (!opened || second) throw new UsageError('VAEs are evaluated one at a time');
    return evaluate(opened, request);
  },

  describe: ({ loss = Number.NaN, reconstruction, kl, activeUnits }) => {
    const parts = reconstruction !== undefined && kl !== undefined;
    const units = activeUnits === undefined ? '' : `, ${activeUnits} active units`;
    return `${loss.toFixed(2)} nats${parts ? ` (reconstruction ${reconstruction.toFixed(2)}, KL ${kl.toFixed(2)}${units})` : ''}`;
  },
});

/** The VAE that is asked for, for the pictures of a dataset. */
function configFor(
  { conditional, binarise, ...asked }: z.infer<typeof choices>,
  { splits, classes, name }: LabelledDataset,
): VaeConfig {
  if (conditional && classes.length < 2) {
    throw new UsageError(`--conditional: ${name} has ${classes.length} class: leave it out`);
  }
  const [channels, height, width] = shapeOf(splits.train);
  return fullVae({
    ...asked,
    ...(binarise !== undefined && { binarise }),
    picture: [channels, height, width],
    classes: conditional ? classes.length : 0,
  });
}

async function evaluate(
  { model, source }: Opened,
  { dataset: specification, options, note }: EvaluateRequest<z.infer<typeof evaluation>>,
): Promise<Answer> {
  const { split, samples, seed, skipBad } = options;
  const onBadPhoto = skipBad ? 'skip' : 'stop';
  const dataset = told(await openPictureSet(specification, { onBadPhoto }), note);
  const { binarise, latent, picture } = model.plan.config;
  const pictures = fitting(
    picturesOf(dataset, split, binarise),
    picture,
    source,
    `${split} of ${specification}`,
  );
  requireSameClasses({ model, source }, dataset);
  const count = options.pictures ?? pictures.size;
  if (count > pictures.size) {
    throw new UsageError(`--pictures ${count}: ${split} of ${specification} has ${pictures.size}`);
  }
  const bound = measureBound(model, pictures, { seed, count });
  const likelihood = measureLikelihood(model, pictures, { samples, seed, count });
  const dimensions = picture[0] * picture[1] * picture[2];
  const bitsPerDimension = -likelihood.logLikelihood / dimensions / Math.LN2;
  const { elbo, reconstruction, kl, activeUnits } = bound;
  const { logLikelihood, standardError } = likelihood;
  return {
    value: {
      ...{ dataset: dataset.name, split, model: source, binarise, images: count, elbo },
      ...{ reconstruction, kl, activeUnits, logLikelihood, standardError, samples },
      bitsPerDimension,
    },
    lines: [
      `${dataset.name}, ${split}, binarised: ${binarise}: ${count} pictures`,
      `ELBO ${elbo.toFixed(2)} nats a picture: reconstruction ${reconstruction.toFixed(2)}, KL ${kl.toFixed(2)}; ${activeUnits} of ${latent} latent values active`,
      `log-likelihood ${logLikelihood.toFixed(2)} nats by ${samples} samples (a lower bound; standard error over pictures ${standardError.toFixed(2)}), ${bitsPerDimension.toFixed(4)} bits a pixel value`,
    ],
  };
}

/** Of models that are told of classes: these are numbers, and must mean the same. */
function requireSameClasses(
  { model, source }: Pick<Opened, 'model' | 'source'>,
  { classes, name }: LabelledDataset,
): void {
  if (model.classes.length === 0 || `${classes}` === `${model.classes}`) return;
  throw new UsageError(
    `${source} knows the classes ${model.classes.join(', ')}, ${name} has ${classes.join(', ')}`,
  );
}
