/** The autoencoder as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import { openPictureSet } from '../../data/labels/labelled-dataset.js';
import { labelledFingerprint, shapeOf } from '../../data/labels/labelled-pictures.js';
import { SPLIT_NAMES } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import { UsageError } from '../../errors.js';
import {
  type AutoencoderParameters,
  autoencoderSchema,
  autoencoderShapes,
  fullAutoencoder,
  planAutoencoder,
} from '../../models/generative/autoencoder.js';
import { describeCoder } from '../../models/generative/coder.js';
import { initialise, shapesCount } from '../../models/parameters.js';
import { randomAt } from '../../random.js';
import { skipBad, taskEntry, told } from '../kind.js';
import { fitting, picturesOf } from '../picture-task.js';
import { autoencoderKind } from './kind.js';
import { autoencoderRecipeSchema } from './recipe.js';
import { reconstruction } from './reconstruction.js';
import { AutoencoderTask, measureReturn } from './task.js';

/** The given part of an autoencoder's configuration; the data add their size. */
const choices = autoencoderSchema.omit({ picture: true });

const { noise, noiseLevel } = autoencoderRecipeSchema.shape;

const evaluation = z.object({
  split: z
    .enum(SPLIT_NAMES)
    .default('test')
    .meta({ flag: '--split <name>', help: 'which pictures' }),
  noise,
  noiseLevel,
  seed: z.int().min(0).default(1).meta({ flag: '--seed <number>', help: 'of the noise' }),
  skipBad,
});

export const autoencoder = taskEntry({
  ...autoencoderKind,
  summary: 'brings pictures back from a few numbers',
  datasets:
    'idx:<folder>, npz:<file>, cifar10:<folder>, folder:<folder>, photos:<folder>; see docs/classifiers.md',
  configFlags: choices,
  recipe: autoencoderRecipeSchema,
  options: z.object({ skipBad }),
  evaluation,
  reconstruction,

  async open({ dataset, options: { skipBad }, note }) {
    return told(await openPictureSet(dataset, { onBadPhoto: skipBad ? 'skip' : 'stop' }), note);
  },

  async prepare({ recipe, data, config: asked }, model) {
    const [channels, height, width] = shapeOf(data.splits.train);
    const picture: [number, number, number] = [channels, height, width];
    const config = model?.opened.config ?? fullAutoencoder({ ...choices.parse(asked), picture });
    const plan = planAutoencoder(config);
    const shapes = autoencoderShapes(plan);
    const parameters =
      model?.opened.parameters ??
      initialise<AutoencoderParameters>(shapes, randomAt(recipe.seed, 'weights'));
    const { splits, name } = data;
    return {
      parts: () => ({ config, extras: {}, parameters, state: {}, attached: new Map() }),
      task: new AutoencoderTask({ plan, parameters }, recipe, data),
      recipe,
      dataset: { name, fingerprint: labelledFingerprint(splits.train) },
      headline:
        `${name}: ${splits.train.labels.length} train and ${splits.dev.labels.length} dev pictures; ` +
        `${describeCoder({ ...config, classes: 0 })}, ${shapesCount(shapes).toLocaleString('en')} parameters`,
    };
  },

  async evaluate([opened, second], { dataset: specification, options, note }) {
    if (!opened || second) throw new UsageError('autoencoders are evaluated one at a time');
    const { split, skipBad } = options;
    const onBadPhoto = skipBad ? 'skip' : 'stop';
    const dataset = told(await openPictureSet(specification, { onBadPhoto }), note);
    const { model, source } = opened;
    const { binarise, picture } = model.plan.config;
    const pictures = fitting(
      picturesOf(dataset, split, binarise),
      picture,
      source,
      `${split} of ${specification}`,
    );
    const { pictures: images, ...report } = measureReturn(model, pictures, options);
    const { noise, noiseLevel } = options;
    return {
      value: { dataset: dataset.name, split, model: source, binarise, noise, images, ...report },
      lines: [
        `${dataset.name}, ${split}, ${noise === 'none' ? 'without noise' : `${noise} noise of ${noiseLevel}`}: ${images} pictures`,
        `squared error ${report.squaredError.toFixed(5)} a pixel value, ${report.error.toFixed(3)} a picture (${model.plan.config.error}); ${percent(report.inactive)} of the codes' values are 0`,
      ],
    };
  },

  describe: ({ loss = Number.NaN, squaredError, inactive }) =>
    `${loss.toFixed(3)}${squaredError === undefined ? '' : ` (squared error ${squaredError.toFixed(5)} a pixel value)`}${inactive === undefined ? '' : `  inactive ${percent(inactive)}`}`,
});
