/** The classifier of clips as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { readSafetensors } from '../../data/formats/safetensors-files.js';
import { SPLIT_NAMES } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import { CLIP_FORMATS, openClips } from '../../data/video/clip-dataset.js';
import { type ClipDataset, clipsFingerprint } from '../../data/video/labelled-clips.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { ClipFeatures } from '../../features/clip-features.js';
import { shapesCount } from '../../models/parameters.js';
import { takeTorchvisionWeights } from '../../models/video/torchvision-weights.js';
import { videoResnets } from '../../models/video/video-resnet.js';
import type { OpenedModel } from '../../training/model-file.js';
import { attachedTensors } from '../attached-encoder.js';
import { samplingOf } from '../frame-encoder.js';
import {
  clipsToJudge,
  type EncodedFrames,
  frameFeatureFlags,
  framesToGoOn,
  framesToStart,
  readableToTrainOn,
  withFeatures,
} from '../frame-features.js';
import {
  type Answer,
  type EvaluateRequest,
  skipBadClips,
  type TrainRequest,
  taskEntry,
  told,
} from '../kind.js';
import { watchedPage, watchFlags } from '../watched.js';
import { refuseIdleChanges } from './changes.js';
import {
  type Choices,
  choices,
  choicesOf,
  freshModel,
  refuseFramesBesideFeatures,
} from './choices.js';
import { classification } from './classification.js';
import { describeVideoClassifier, type VideoClassifierConfig } from './config.js';
import { judgeClips, viewFlags } from './evaluation.js';
import { ClipInputs, controls } from './inputs.js';
import {
  type VideoClassifierExtras,
  type VideoClassifierModel,
  videoClassifierKind,
} from './kind.js';
import { prepareClip, withReader } from './prepare-clip.js';
import { type VideoClassifierRecipe, videoClassifierRecipeSchema } from './recipe.js';
import { reporter, requireSameClasses } from './report.js';
import { MEASURED, VideoClassifierTask } from './task.js';
import { ClipWatch } from './watch.js';

const options = z.object({
  weights: z
    .string()
    .optional()
    .meta({
      flag: '--weights <file>',
      help: 'begin with these weights, as torchvision names them; the scores begin anew',
      needs: { model: [...videoResnets] },
    }),
  ...frameFeatureFlags.shape,
  ...watchFlags('a page with dev clips that play, epoch by epoch', 'dev clips'),
});

const evaluation = viewFlags.extend({
  features: z.string().optional().meta({
    flag: '--features <file>',
    help: 'use these features instead of encoding the frames again',
  }),
  skipBad: skipBadClips,
  split: z.enum(SPLIT_NAMES).default('test').meta({ flag: '--split <name>', help: 'which clips' }),
  control: z.enum(controls).optional().meta({
    flag: '--control <kind>',
    help: 'shuffle the frames that are seen, or show one of them again and again: does order matter?',
  }),
  seed: z
    .int()
    .min(0)
    .default(0)
    .meta({ flag: '--seed <number>', help: 'of the shuffling', needs: { control: ['shuffle'] } }),
});

type Opened = OpenedModel<
  VideoClassifierConfig,
  VideoClassifierExtras,
  TensorTree,
  VideoClassifierModel
>;

export const videoClassifier = taskEntry({
  ...videoClassifierKind,
  summary: 'says what happens in a clip',
  datasets: CLIP_FORMATS.map((line) => line.split(/\[| {2}\(/)[0]).join(', '),
  configFlags: choices,
  recipe: videoClassifierRecipeSchema,
  options,
  evaluation,
  classification,
  reporter,
  choicesOf,

  async open({ dataset, resume, from, config, options, note }) {
    const { features, encoder } = options;
    const encoded = features !== undefined ? '--features' : encoder !== undefined && '--encoder';
    if (encoded && !resume && from === undefined) {
      refuseFramesBesideFeatures(config, choices.parse(config), encoded);
    }
    return readableToTrainOn(told(await openClips(dataset), note), options, note);
  },

  async prepare(request, from) {
    const { recipe } = request;
    const { weights, report, watch } = request.options;
    const page = watchedPage(report, request.folder);
    const asked = choices.parse(request.config);
    const start = from ? undefined : await featuresToStart(request, asked);
    const features = from ? await featuresToGoOn(request, from) : start?.features;
    const dataset = features
      ? withFeatures(request.data, features, ['train', 'dev'], request.note)
      : request.data;
    const made =
      from?.opened ??
      freshModel(asked, dataset, recipe.seed, { asKinetics: weights !== undefined, made: start });
    if (from) requireSameClasses(from.opened, dataset.classes, dataset.name);
    const { config, extras } = made;
    refuseIdleChanges(recipe, {
      isSequence: config.step.length === 1,
      points: config.scale?.points,
    });
    const model = await withReader(made.model, features);
    if (weights !== undefined) {
      if (from) {
        throw new UsageError(
          `${from.resume ? '--resume' : '--from'} with --weights ${weights}: the model has its weights: leave --weights out`,
        );
      }
      using _file = scope();
      const { tensors } = await readSafetensors(weights);
      takeTorchvisionWeights(model.parameters, model.state, tensors, weights, { scores: false });
    }
    const inputs = (split: 'train' | 'dev') =>
      new ClipInputs(dataset.splits[split], config, (clip) => prepareClip(clip, model));
    if (dataset.splits.dev.length === 0) {
      request.note(
        `${dataset.name}: there are no dev clips, so what is told of dev is measured on ${Math.min(MEASURED, dataset.splits.train.length)} clips of train, and last.safetensors is the model to judge`,
      );
    }
    const task = new VideoClassifierTask(model, recipe, {
      train: inputs('train'),
      dev: inputs('dev'),
    });
    const { parameters, state, classes, encoder } = model;
    const attached = encoder ? attachedTensors(encoder) : new Map();
    return {
      parts: () => ({ config, extras, parameters, state, attached }),
      task,
      recipe,
      dataset: { name: dataset.name, fingerprint: clipsFingerprint(dataset.splits.train) },
      headline:
        `${dataset.name}: ${dataset.splits.train.length} train and ${dataset.splits.dev.length} dev clips, ${classes.length} classes; ` +
        `${describeVideoClassifier(config)}, ${shapesCount(model.network.shapes).toLocaleString('en')} parameters`,
      ...(page !== undefined && {
        watch: (run) =>
          ClipWatch.open(run, task, {
            page,
            count: watch,
            dataset: dataset.name,
            clips: dataset.splits.dev,
            model,
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

  describe: ({ loss = Number.NaN, error = Number.NaN }) =>
    `${loss.toFixed(4)} (error ${percent(error, 2)})`,
});

type Request = TrainRequest<VideoClassifierRecipe, z.infer<typeof options>, ClipDataset>;

/** The features of a new run, where it learns from such. */
function featuresToStart(
  request: Request,
  { rate, frames }: Choices,
): Promise<EncodedFrames | undefined> {
  const asked = { ...request, ...request.options };
  return framesToStart(request.data, asked, { rate, frames, grid: false });
}

/** The features with which the training of a model goes on, where it takes such. */
function featuresToGoOn(
  request: Request,
  { opened: { model, source }, resume }: { readonly opened: Opened; readonly resume: boolean },
): Promise<ClipFeatures | undefined> {
  const { encoder, rate } = model;
  return framesToGoOn(
    request.data,
    { ...request, ...request.options },
    {
      encoder,
      sampling: samplingOf(encoder, rate),
      grid: false,
      from: resume ? request.folder : source,
    },
  );
}

async function evaluate(
  { model: trained, source }: Opened,
  { dataset: specification, options, note }: EvaluateRequest<z.infer<typeof evaluation>>,
): Promise<Answer> {
  const { split, features: file, skipBad, ...how } = options;
  const features = file === undefined ? undefined : await ClipFeatures.open(file);
  const model = await withReader(trained, features);
  const all = told(await openClips(specification), note);
  const dataset = features ? withFeatures(all, features, [split], note) : all;
  const clips = await clipsToJudge(dataset, { specification, split, skipBad }, note);
  requireSameClasses({ model, source }, dataset.classes, dataset.name);
  const inputs = new ClipInputs(clips, model.config, (clip) => prepareClip(clip, model));
  const { probabilities, ...report } = await judgeClips(model, inputs, how);
  const shown = how.control ? `, control: ${how.control}` : '';
  return {
    value: { dataset: dataset.name, split, model: source, classes: model.classes, ...report },
    lines: [
      `${dataset.name}, ${split}: ${report.clips} clips${shown}`,
      `error ${percent(report.error, 2)} (${report.mistakes} mistakes), loss ${report.loss.toFixed(4)} nats`,
      ...(report.views > report.clips
        ? [
            `of ${report.views} windows ${percent(1 - report.viewMistakes / report.views, 2)} right, each for itself`,
          ]
        : []),
    ],
  };
}
