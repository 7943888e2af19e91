/** The captioner of clips as an entry of the list of kinds: its flags, its data, and how it is judged. */
import { z } from 'zod';
import { PREPROCESSING, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import type { ClipCaptionDataset } from '../../data/video/captioned-clips.js';
import {
  CAPTIONED_CLIP_FORMATS,
  openCaptionedClips,
} from '../../data/video/clip-caption-dataset.js';
import { readableClips } from '../../data/video/readable-clips.js';
import { UsageError } from '../../errors.js';
import { shapesCount } from '../../models/parameters.js';
import { VideoCaptioner, videoCaptionerShapes } from '../../models/video-captioner.js';
import { randomAt } from '../../random.js';
import { captionDataOf, refuseCiderOfOne } from '../captions/data.js';
import { describeMeasures } from '../captions/measures.js';
import { refuseIdleObjectives } from '../captions/recipe.js';
import { CaptionTask } from '../captions/task.js';
import { fingerprint, trainingWords } from '../captions/words.js';
import { skipBadClips, type TrainRequest, taskEntry, told } from '../kind.js';
import {
  choicesOf,
  configForFrames,
  describeVideoCaptioner,
  videoCaptionerChoices,
} from './choices.js';
import { frameInputs } from './clip-inputs.js';
import { evaluateVideoCaptioners, videoCaptionerEvaluation } from './evaluate.js';
import { type VideoCaptionerModel, videoCaptionerKind, videoCaptionerParts } from './kind.js';
import { type VideoCaptionerRecipe, videoCaptionerRecipeSchema } from './recipe.js';
import { reporter } from './report.js';

const options = z.object({ skipBad: skipBadClips });
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

  async open({ dataset: specification, resume, recipe, from, options: { skipBad }, note }) {
    if (!resume) {
      refuseIdleObjectives(recipe);
      if (from !== undefined && recipe.minimumCount !== undefined) {
        throw new UsageError(
          `--minimum-count makes a new model, but --from ${from} brings one: leave one out`,
        );
      }
    }
    const dataset = told(await openCaptionedClips(specification), note);
    if (!resume) refuseCiderOfOne({ ...dataset, things: 'clips' }, recipe);
    if (!skipBad) return dataset;
    const { train, dev, test } = dataset.splits;
    const readable = await readableClips({ train, dev }, dataset.name, note);
    return { ...dataset, splits: { ...readable, test } };
  },

  async prepare(request, from) {
    const { data: dataset, note } = request;
    const known = from?.opened.model;
    const resumed = from?.resume ?? false;
    const words = trainingWords({ ...dataset, things: 'clips' }, request.recipe, known?.vocabulary);
    if (!resumed) for (const sentence of words.notes) note(`${dataset.name}: ${sentence}`);
    const recipe = resumed
      ? request.recipe
      : { ...request.recipe, minimumCount: words.minimumCount };
    const model = known ?? freshModel(request, words.vocabulary);
    const { captioner, vocabulary, preprocessing } = model;
    const { augment, augmentShift, augmentColours, augmentFlip, seed } = recipe;
    const changes = { shift: augmentShift, colours: augmentColours, flip: augmentFlip };
    const { train, dev } = dataset.splits;
    const data = captionDataOf(dataset, vocabulary, recipe, {
      train: frameInputs(train, preprocessing, captioner.config, {
        seed,
        ...(augment && { augmentation: changes }),
      }),
      dev: frameInputs(dev, preprocessing, captioner.config, { seed }),
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

  reporter,

  evaluate: evaluateVideoCaptioners,

  describe: describeMeasures,
});

/** A model for a set of clips, with fresh weights. @throws UsageError for what does not go together */
function freshModel(
  { config: asked, recipe }: Request,
  vocabulary: VideoCaptionerModel['vocabulary'],
): VideoCaptionerModel {
  const config = configForFrames(asked, vocabulary.size);
  const size = config.cnn?.size ?? 0;
  const preprocessing = parsePreprocessing(
    { ...PREPROCESSING.imagenet, width: size, height: size },
    'frame size',
  );
  const captioner = new VideoCaptioner(config, { random: randomAt(recipe.seed, 'weights') });
  return { captioner, vocabulary, preprocessing };
}
