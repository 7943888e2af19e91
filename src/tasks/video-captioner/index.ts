/** The captioner of clips as an entry of the list of kinds: its flags, its data, and how it is judged. */
import type { z } from 'zod';
import { PREPROCESSING, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import type { ClipCaptionDataset } from '../../data/video/captioned-clips.js';
import {
  CAPTIONED_CLIP_FORMATS,
  openCaptionedClips,
} from '../../data/video/clip-caption-dataset.js';
import { UsageError } from '../../errors.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import { shapesCount } from '../../models/parameters.js';
import { VideoCaptioner, videoCaptionerShapes } from '../../models/video-captioner.js';
import { seesGrids, videoCaptionerFields } from '../../models/video-captioner-config.js';
import { randomAt } from '../../random.js';
import { captionDataOf, refuseCiderOfOne } from '../captions/data.js';
import { describeMeasures } from '../captions/measures.js';
import { refuseIdleObjectives } from '../captions/recipe.js';
import { CaptionTask } from '../captions/task.js';
import { fingerprint, trainingWords } from '../captions/words.js';
import { preprocessingOf, samplingOf } from '../frame-encoder.js';
import {
  type EncodedFrames,
  frameFeatureFlags,
  framesToGoOn,
  framesToStart,
  readableToTrainOn,
  withFeatures,
} from '../frame-features.js';
import { storedFrames } from '../frame-readers.js';
import { type TrainRequest, taskEntry, told } from '../kind.js';
import { captioning } from './captioning.js';
import {
  asksForGrids,
  choicesOf,
  configFor,
  describeVideoCaptioner,
  videoCaptionerChoices,
} from './choices.js';
import { clipInputs } from './clip-inputs.js';
import { evaluateVideoCaptioners, videoCaptionerEvaluation } from './evaluate.js';
import { type VideoCaptionerModel, videoCaptionerKind, videoCaptionerParts } from './kind.js';
import { type VideoCaptionerRecipe, videoCaptionerRecipeSchema } from './recipe.js';
import { reporter } from './report.js';

const options = frameFeatureFlags;
type Request = TrainRequest<VideoCaptionerRecipe, z.infer<typeof options>, ClipCaptionDataset>;

export const videoCaptioner = taskEntry({
  ...videoCaptionerKind,
  summary: 'says what happens in clips, in sentences',
  datasets: CAPTIONED_CLIP_FORMATS.map((line) => line.split(/\[| {2}\(/)[0]).join(', '),
  configFlags: videoCaptionerChoices,
  recipe: videoCaptionerRecipeSchema,
  options,
  evaluation: videoCaptionerEvaluation,
  choicesOf,

  async open({ dataset: specification, resume, recipe, config, options, from, note }) {
    if (!resume) {
      refuseIdleObjectives(recipe);
      refuseFramesBesideFeatures(config, recipe, options);
      if (from !== undefined && recipe.minimumCount !== undefined) {
        throw new UsageError(
          `--minimum-count makes a new model, but --from ${from} brings one: leave one out`,
        );
      }
    }
    const dataset = told(await openCaptionedClips(specification), note);
    if (!resume) refuseCiderOfOne({ ...dataset, things: 'clips' }, recipe);
    return readableToTrainOn(dataset, options, note);
  },

  async prepare(request, from) {
    const { note } = request;
    const known = from?.opened.model;
    const resumed = from?.resume ?? false;
    const made = known ? undefined : await featuresToStart(request);
    const features = known ? await featuresToGoOn(request, known, from) : made?.features;
    const dataset = features
      ? withFeatures(request.data, features, ['train', 'dev'], note)
      : request.data;
    const words = trainingWords({ ...dataset, things: 'clips' }, request.recipe, known?.vocabulary);
    if (!resumed) for (const sentence of words.notes) note(`${dataset.name}: ${sentence}`);
    const recipe = resumed
      ? request.recipe
      : { ...request.recipe, minimumCount: words.minimumCount };
    const model = known ?? freshModel(request, words.vocabulary, made);
    const { captioner, vocabulary } = model;
    const { augment, augmentShift, augmentColours, augmentFlip, seed } = recipe;
    const changes = { shift: augmentShift, colours: augmentColours, flip: augmentFlip };
    const { train, dev } = dataset.splits;
    const augmentation = augment ? changes : undefined;
    const data = captionDataOf(dataset, vocabulary, recipe, {
      train: await clipInputs(train, model, { seed, augmentation }, features),
      dev: await clipInputs(dev, model, { seed }, features),
    });
    return {
      parts: () => videoCaptionerParts(model),
      task: new CaptionTask(captioner, recipe, { ...data, costly: true }),
      recipe,
      dataset: { name: dataset.name, fingerprint: fingerprint(data.train) },
      headline:
        `${dataset.name}: ${train.length} train and ${dev.length} dev clips, ${vocabulary.size} words; ` +
        `${describeVideoCaptioner(captioner.config)}, ${shapesCount(videoCaptionerShapes(captioner.config)).toLocaleString('en')} parameters`,
    };
  },

  captioning,

  reporter,

  evaluate: evaluateVideoCaptioners,

  describe: describeMeasures,
});

/** The features of a new run, where it learns from such. */
async function featuresToStart(request: Request): Promise<EncodedFrames | undefined> {
  const {
    config: asked,
    data,
    options: { features },
  } = request;
  const { frames } = videoCaptionerFields.shape;
  return framesToStart(
    data,
    { ...request, ...request.options },
    {
      rate: videoCaptionerFields.shape.frameRate.parse(asked.frameRate),
      // Of a file as many as it has, unless it is said.
      frames:
        asked.frames === undefined && features !== undefined
          ? undefined
          : frames.parse(asked.frames),
      grid: asksForGrids(asked),
    },
  );
}

/** The features with which the training of a model goes on, where it takes such. */
function featuresToGoOn(
  request: Request,
  { encoder, captioner: { config } }: VideoCaptionerModel,
  from: { readonly opened: { readonly source: string }; readonly resume: boolean } | undefined,
): Promise<ClipFeatures | undefined> {
  return framesToGoOn(
    request.data,
    { ...request, ...request.options },
    {
      encoder,
      sampling: samplingOf(encoder, config.frameRate),
      grid: seesGrids(config),
      from: from?.resume ? request.folder : (from?.opened.source ?? request.folder),
    },
  );
}

/** A model for a set of clips, with fresh weights. @throws UsageError for what does not go together */
function freshModel(
  { config: asked, recipe }: Request,
  vocabulary: VideoCaptionerModel['vocabulary'],
  made: EncodedFrames | undefined,
): VideoCaptionerModel {
  const random = randomAt(recipe.seed, 'weights');
  if (made) {
    const { features, encoder } = made;
    const { frames, rate } = features.sampling;
    const config = configFor(
      { frames, ...asked, frameRate: rate },
      vocabulary.size,
      storedFrames(features, asksForGrids(asked)),
    );
    const preprocessing = preprocessingOf(encoder, features.path);
    return {
      captioner: new VideoCaptioner(config, { random }),
      vocabulary,
      preprocessing,
      encoder,
    };
  }
  const config = configFor(asked, vocabulary.size);
  const size = config.cnn?.size ?? 0;
  const preprocessing = parsePreprocessing(
    { ...PREPROCESSING.imagenet, width: size, height: size },
    'frame size',
  );
  return { captioner: new VideoCaptioner(config, { random }), vocabulary, preprocessing };
}

/** @throws UsageError for flags about frames that a model of features does not see */
function refuseFramesBesideFeatures(
  { cnn }: Request['config'],
  { augment }: VideoCaptionerRecipe,
  { features, encoder }: Request['options'],
): void {
  const encoded = features !== undefined ? '--features' : '--encoder';
  if (features === undefined && encoder === undefined) return;
  const asked = typeof cnn === 'object' && cnn !== null ? Object.keys(cnn)[0] : undefined;
  if (asked !== undefined) {
    throw new UsageError(
      `${asked === 'size' ? '--size' : '--filters'} is for a model that sees frames itself, but ${encoded} gives it features: leave one out`,
    );
  }
  if (augment) {
    throw new UsageError(
      `--augment changes frames in every epoch, but the features of ${encoded} are made once: leave one out`,
    );
  }
}
