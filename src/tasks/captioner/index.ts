/** The captioner as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import type { CaptionDataset } from '../../data/captions/captioned-images.js';
import { openDataset } from '../../data/captions/dataset.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import { encoderUseSchema, refuseEncoderUse } from '../../features/given-encoder.js';
import { Captioner } from '../../models/captioner.js';
import { captionerSchema, type FullConfig, fullConfig } from '../../models/captioner-config.js';
import { type CnnConfig, cnnFeatureSize, cnnMapSize, cnnSchema } from '../../models/cnn.js';
import { randomAt } from '../../random.js';
import { refuseCiderOfOne } from '../captions/data.js';
import { describeMeasures } from '../captions/measures.js';
import { refuseIdleObjectives } from '../captions/recipe.js';
import { trainingWords } from '../captions/words.js';
import { type OpenRequest, skipBad, type TrainRequest, taskEntry, told } from '../kind.js';
import { captioning } from './captioning.js';
import { captionerEvaluation, evaluateCaptioners } from './evaluate.js';
import { type CaptionerModel, captionerKind, captionerParts } from './kind.js';
import type { InputPipeline } from './pipelines.js';
import { type PreparedData, prepareWithNotes } from './prepare.js';
import { refuseIdleSkip } from './readable-images.js';
import { type CaptionerRecipe, captionerRecipeSchema } from './recipe.js';
import { reporter } from './report.js';
import {
  type PipelineRequest,
  pipelineToResume,
  pipelineToStart,
  withGivenEncoder,
} from './requested-pipeline.js';
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
  ...encoderUseSchema.shape,
  skipBad,
});
type Options = z.infer<typeof options>;
type Request = TrainRequest<CaptionerRecipe, Options, CaptionDataset>;

/** A model, the recipe as the data complete it, and the data. */
interface Ready {
  readonly model: CaptionerModel;
  readonly recipe: CaptionerRecipe;
  readonly prepared: PreparedData;
}

export const captioner = taskEntry({
  ...captionerKind,
  summary: 'says what photos show, in sentences',
  datasets: 'a folder or file of captions, scenes:<count>, ...; see docs/datasets.md',
  configFlags: captionerSchema,
  recipe: captionerRecipeSchema,
  options,
  evaluation: captionerEvaluation,
  captioning,
  reporter,

  async open(request) {
    if (!request.resume) refuseContradictions(request);
    const dataset = told(await openDataset(request.dataset), request.note);
    refuseIdleSkip(dataset, request.options);
    if (!request.resume) refuseCiderOfOne(dataset, request.recipe);
    return dataset;
  },

  async prepare(request, from) {
    const { model, recipe, prepared } = from
      ? await modelToGoOn(request, from.opened.model, from.resume ? undefined : from.opened.source)
      : await newModel(request);
    const { data, dataset } = prepared;
    return {
      parts: () => captionerParts(model),
      task: new CaptionerTask(model.captioner, recipe, data),
      recipe,
      dataset,
      headline: `${dataset.name}: ${data.inputs.size} train and ${data.dev.inputs.size} dev images, ${model.vocabulary.size} words`,
    };
  },

  evaluate: (models, request) => evaluateCaptioners(models, request),

  describe: describeMeasures,
});

async function newModel(request: Request): Promise<Ready> {
  const { data: dataset, config: asked, note } = request;
  const { vocabulary, recipe } = wordsToLearn(request);
  const cnn = cnnSchema.parse(asked.cnn ?? {});
  const grid = record(asked.attention).kind !== undefined;
  const pipeline = await pipelineToStart(dataset, pipelineRequest(request), {
    grid,
    pictureSize: cnn.size,
  });
  const { skipBad } = request.options;
  const prepared = await prepareWithNotes(
    dataset,
    pipeline,
    { ...recipe, vocabulary, skipBad },
    note,
  );
  const captioner = new Captioner(configFor(asked, pipeline, vocabulary.size, cnn), {
    random: randomAt(recipe.seed, 'weights'),
    tail: pipeline.tail,
  });
  const { preprocessing, encoder } = pipeline;
  return { model: { captioner, vocabulary, preprocessing, encoder }, recipe, prepared };
}

/**
 * The model of a run that goes on, or a new run's that begins with the weights of another.
 * @param from the file of that other model.
 */
async function modelToGoOn(
  request: Request,
  trained: CaptionerModel,
  from: string | undefined,
): Promise<Ready> {
  const { data: dataset, note, folder } = request;
  const { skipBad, ...use } = request.options;
  const asked = { ...pipelineRequest(request), from };
  if (from === undefined) {
    refuseEncoderUse(use, `the run in ${folder} goes on with its encoder as it is`);
  }
  const { recipe } = from === undefined ? request : wordsToLearn(request, trained.vocabulary);
  const model = from === undefined ? trained : await withGivenEncoder(trained, dataset, asked);
  const pipeline = await pipelineToResume(model, dataset, asked);
  const { vocabulary } = model;
  const prepared = await prepareWithNotes(
    dataset,
    pipeline,
    { ...recipe, vocabulary, skipBad },
    note,
  );
  const { config, parameters } = model.captioner;
  const captioner = new Captioner(config, { parameters, tail: pipeline.tail });
  return { model: { ...model, captioner }, recipe, prepared };
}

/** The words of a run, and its recipe completed by them; notes what will make captions poor. */
function wordsToLearn(
  { data: dataset, recipe, note }: Request,
  known?: Vocabulary,
): { vocabulary: Vocabulary; recipe: CaptionerRecipe } {
  const { vocabulary, minimumCount, notes } = trainingWords(dataset, recipe, known);
  for (const sentence of notes) note(`${dataset.name}: ${sentence}`);
  const lengths = recipe.lengths ?? (recipe.finetuneEncoder ? 'grouped' : 'equal');
  return { vocabulary, recipe: { ...recipe, minimumCount, lengths } };
}

/** The captioner that is asked for, for the inputs of a pipeline. @throws UsageError */
function configFor(
  asked: Readonly<Record<string, unknown>>,
  { shape, locations }: InputPipeline,
  vocabularySize: number,
  cnn: CnnConfig,
): FullConfig {
  const own = shape.length === 3 ? cnn : undefined;
  const attention = record(asked.attention);
  const attends = attention.kind !== undefined;
  const side = own ? cnnMapSize(own) : 0;
  const places = own ? [side, side] : locations;
  if (attends && !places) {
    throw new UsageError(
      `--attention ${String(attention.kind)} looks at grids of features: extract them with glimpse features --grid`,
    );
  }
  const ownSize = own && (attends ? (own.filters.at(-1) ?? 3) : cnnFeatureSize(own));
  return fullConfig({
    ...asked,
    featureSize: ownSize ?? shape.at(-1) ?? 0,
    vocabularySize,
    cnn: own,
    attention: attends ? { ...attention, locations: places } : undefined,
  });
}

/** @throws UsageError for flags that contradict each other, or would mean nothing beside the others */
function refuseContradictions({
  config,
  options,
  recipe,
  from,
}: OpenRequest<CaptionerRecipe, Options>): void {
  const { features, encoder } = options;
  const refuse = (message: string) => {
    throw new UsageError(message);
  };
  const encoded = features ? '--features' : encoder ? '--encoder' : undefined;
  const attention = record(config.attention);
  const cnn = Object.keys(record(config.cnn))[0];
  if (from !== undefined && recipe.minimumCount !== undefined) {
    refuse(`--minimum-count makes a new model, but --from ${from} brings one: leave one out`);
  }
  if (encoded && cnn !== undefined) {
    refuse(
      `${cnn === 'size' ? '--picture-size' : '--filters'} is for a model that sees pictures itself, but ${encoded} gives it features: leave one out`,
    );
  }
  if (config.normaliseFeatures === false && !encoded && attention.kind === undefined) {
    refuse(
      "--no-normalise is about an encoder's features, or the grid of an attention: add --features, --encoder or --attention, or leave it out",
    );
  }
  const { kind, size, centre } = attention;
  if (size !== undefined && kind === 'spatial-transformer' && centre !== 'places') {
    refuse(
      '--attention-size needs an attention with keys: dot, additive, hard, or a window with --centre places: leave --attention-size out',
    );
  }
  if (recipe.augment && encoded && !recipe.finetuneEncoder) {
    refuse(
      `--augment changes pictures in every epoch, but the features of ${encoded} are made once: leave one out`,
    );
  }
  refuseIdleObjectives(recipe);
  if (!recipe.finetuneEncoder) return;
  if (features) {
    refuse(
      `--finetune-encoder looks at the photos anew at every step, but the features of --features ${features} are made once: leave one out`,
    );
  }
  if (encoder?.toLowerCase().endsWith('.onnx')) {
    refuse(
      `--finetune-encoder trains SqueezeNet only, but --encoder ${encoder} is an ONNX network: leave one out`,
    );
  }
  if (!encoder && from === undefined) {
    refuse(
      '--finetune-encoder needs the SqueezeNet to begin with: name it (--encoder), or a model that has it (--from)',
    );
  }
}

function pipelineRequest({ folder, options, recipe, note, progress }: Request): PipelineRequest {
  return { folder, ...options, finetuneEncoder: recipe.finetuneEncoder, note, progress };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
