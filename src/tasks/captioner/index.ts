/** The captioner as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import type { CaptionDataset } from '../../data/captioned-images.js';
import { openDataset } from '../../data/dataset.js';
import { UsageError } from '../../errors.js';
import { Captioner } from '../../models/captioner.js';
import {
  type CaptionerConfig,
  captionerSchema,
  type FullConfig,
  fullConfig,
} from '../../models/captioner-config.js';
import {
  type VisionConfig,
  visionFeatureSize,
  visionMapSize,
  visionSchema,
} from '../../models/vision.js';
import { randomAt } from '../../random.js';
import { type TrainRequest, taskEntry } from '../kind.js';
import { captionerEvaluation, evaluateCaptioners } from './evaluate-command.js';
import { type CaptionerModel, captionerKind, captionerParts } from './kind.js';
import { type PreparedData, prepareData, type Sight } from './prepare.js';
import { type CaptionerRecipe, captionerRecipeSchema } from './recipe.js';
import { type SightRequest, sightToResume, sightToStart, withGivenEncoder } from './sight.js';
import { CaptionerTask } from './task.js';

const options = z.object({
  features: z.string().optional().meta({
    flag: '--features <file>',
    help: 'features of glimpse features or other programs; see docs/datasets.md',
  }),
  encoder: z.string().optional().meta({
    flag: '--encoder <file>',
    help: 'encode the photos with this first; with --features: the encoder that made them',
  }),
});
type Request = TrainRequest<CaptionerRecipe, z.infer<typeof options>>;

export const captioner = taskEntry({
  ...captionerKind,
  summary: 'says what photos show, in sentences',
  datasets: 'a folder or file of captions, scenes:<count>, ...; see docs/datasets.md',
  configFlags: captionerSchema,
  recipe: captionerRecipeSchema,
  options,
  evaluation: captionerEvaluation,

  async prepare(request, from) {
    const dataset = await openDataset(request.dataset);
    for (const sentence of dataset.notes ?? []) request.note(`${dataset.name}: ${sentence}`);
    refuseContradictions(request);
    const { model, prepared } = from
      ? await modelToGoOn(
          request,
          dataset,
          from.opened.model,
          from.resume ? undefined : from.opened.source,
        )
      : await newModel(request, dataset);
    const { splits, name } = dataset;
    return {
      parts: () => captionerParts(model),
      task: new CaptionerTask(model.captioner, request.recipe, prepared.data),
      dataset: prepared.dataset,
      headline: `${name}: ${splits.train.length} train and ${splits.dev.length} dev images, ${model.vocabulary.size} words`,
    };
  },

  evaluate: (models, request) => evaluateCaptioners(models, request),

  describe({ loss = Number.NaN, reward, cider, bleu4 }) {
    const learned = reward === undefined ? '' : `  reward ${reward.toFixed(4)}`;
    const scores =
      cider === undefined || bleu4 === undefined
        ? ''
        : `  CIDEr ${cider.toFixed(4)}  BLEU-4 ${bleu4.toFixed(4)}`;
    return `${loss.toFixed(4)} (perplexity ${Math.exp(loss).toFixed(2)})${learned}${scores}`;
  },
});

async function newModel(
  request: Request,
  dataset: CaptionDataset,
): Promise<{ model: CaptionerModel; prepared: PreparedData }> {
  const { recipe } = request;
  const asked = captionerSchema.shape;
  const vision = asked.vision.unwrap().safeParse(record(request.config.vision)).data;
  const grid = record(request.config.attention).kind !== undefined;
  const sight = await sightToStart(dataset, sightRequest(request, vision), { grid });
  const prepared = await prepareData(dataset, sight, recipe);
  const config = configFor(request.config, sight, prepared.vocabulary.size, vision);
  const captioner = new Captioner(config, {
    random: randomAt(recipe.seed, 'weights'),
    tail: sight.tail,
  });
  const { vocabulary } = prepared;
  const { preprocessing, encoder } = sight;
  return { model: { captioner, vocabulary, preprocessing, encoder }, prepared };
}

/**
 * The model of a run that goes on, or a new run's that begins with the weights of another.
 * @param from the file of that other model.
 */
async function modelToGoOn(
  request: Request,
  dataset: CaptionDataset,
  trained: CaptionerModel,
  from: string | undefined,
): Promise<{ model: CaptionerModel; prepared: PreparedData }> {
  const asked = { ...sightRequest(request), from };
  const model = from === undefined ? trained : await withGivenEncoder(trained, dataset, asked);
  const sight = await sightToResume(model, dataset, asked);
  const { vocabulary } = model;
  const prepared = await prepareData(dataset, sight, { ...request.recipe, vocabulary });
  const { config, parameters } = model.captioner;
  const captioner = new Captioner(config, { parameters, tail: sight.tail });
  return { model: { ...model, captioner }, prepared };
}

/** The captioner that is asked for, for images that are seen like this. @throws UsageError */
function configFor(
  asked: Readonly<Record<string, unknown>>,
  { shape, locations }: Sight,
  vocabularySize: number,
  vision: VisionConfig | undefined,
): FullConfig {
  const own = shape.length === 3 ? (vision ?? visionSchema.parse({})) : undefined;
  const attention = record(asked.attention);
  const looks = attention.kind !== undefined;
  const side = own ? visionMapSize(own) : 0;
  const places = own ? ([side, side] as const) : locations;
  if (looks && !places) {
    throw new UsageError(
      `--attention ${String(attention.kind)} looks at grids of features: extract them with glimpse features --grid`,
    );
  }
  const ownSize = own && (looks ? (own.filters.at(-1) ?? 3) : visionFeatureSize(own));
  return fullConfig({
    ...asked,
    featureSize: ownSize ?? shape.at(-1) ?? 0,
    vocabularySize,
    vision: own,
    attention: looks ? { ...attention, locations: places } : undefined,
  } as CaptionerConfig);
}

/** @throws UsageError for options that contradict each other */
function refuseContradictions({ config, options, recipe }: Request): void {
  const encoded = options.features ? '--features' : options.encoder ? '--encoder' : undefined;
  if (encoded && config.vision !== undefined) {
    throw new UsageError(
      `--picture-size and --filters are for a model that sees pictures itself, but ${encoded} gives it features: leave one out`,
    );
  }
  if (!recipe.finetuneEncoder) return;
  if (options.features) {
    throw new UsageError(
      `--finetune-encoder looks at the photos anew at every step, but the features of --features ${options.features} are made once: leave one out`,
    );
  }
  if (options.encoder?.toLowerCase().endsWith('.onnx')) {
    throw new UsageError(
      `--finetune-encoder trains SqueezeNet only, but --encoder ${options.encoder} is an ONNX network: leave one out`,
    );
  }
}

function sightRequest(
  { folder, options, recipe, note, progress }: Request,
  vision?: VisionConfig,
): SightRequest {
  const { finetuneEncoder } = recipe;
  return {
    folder,
    ...options,
    finetuneEncoder,
    note,
    progress,
    ...(vision && { pictureSize: vision.size }),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
