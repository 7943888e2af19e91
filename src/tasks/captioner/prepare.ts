/** What a run learns from and is measured on, made of a dataset and an input pipeline. */
import type { CaptionDataset, CaptionedImage } from '../../data/captions/captioned-images.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import type { SkippedPhoto } from '../../features/feature-file.js';
import { CIDER_OF_ONE } from '../../metrics/cider.js';
import { captionDataOf, refuseCiderOfOne } from '../captions/data.js';
import type { CaptionData } from '../captions/objectives.js';
import { fingerprint, requireTrainAndDev, trainingWords } from '../captions/words.js';
import type { ImageInputs } from './image-inputs.js';
import type { InputPipeline } from './pipelines.js';
import { leftOutPhotos, readableSplits } from './readable-images.js';
import type { CaptionerRecipe } from './recipe.js';

/** What a run learns from, ready for the trainer. */
export interface PreparedData {
  readonly vocabulary: Vocabulary;
  readonly data: CaptionData;
  readonly dataset: { readonly name: string; readonly fingerprint: string };
  /** Photos of train and dev that are left out, since they cannot be read. */
  readonly leftOut: readonly SkippedPhoto[];
}

/**
 * Captions of train and dev as words, and the images' inputs.
 * @param vocabulary of a run that is resumed, or of `trainingWords`, which also has notes on it for people;
 *   otherwise the dataset's own, or made of the training captions.
 * @param options.skipBad leave out photos that cannot be decoded; those that the features lack
 *   always are.
 * @throws UsageError when the dataset has no train or no dev images, when none of its words are known,
 *   when pictures are to be changed but the captioner takes features, or as `refuseCiderOfOne`;
 *   FormatError when more than a third of the photos cannot be read, or all of a split.
 */
export async function prepareData(
  dataset: CaptionDataset,
  pipeline: InputPipeline,
  options: CaptionerRecipe & { vocabulary?: Vocabulary; skipBad?: boolean | undefined },
): Promise<PreparedData> {
  requireTrainAndDev(dataset);
  const { splits, leftOut } = await readableSplits(dataset, pipeline, options);
  const { name } = dataset;
  refuseCiderOfOne({ ...dataset, splits }, options);
  const vocabulary =
    options.vocabulary ?? trainingWords({ ...dataset, splits }, options).vocabulary;
  const data = captionDataOf({ splits }, vocabulary, options, {
    train: await trainingInputs(splits.train, pipeline, options),
    dev: await pipeline.inputs(splits.dev),
  });
  return { vocabulary, data, dataset: { name, fingerprint: fingerprint(data.train) }, leftOut };
}

/** Only what is learned from is augmented, never what is measured on. */
function trainingInputs(
  images: readonly CaptionedImage[],
  pipeline: InputPipeline,
  { augment, augmentShift, augmentColours, augmentFlip, seed }: CaptionerRecipe,
): Promise<ImageInputs> {
  if (!augment) return pipeline.inputs(images);
  if (!pipeline.augmented) {
    throw new UsageError(
      'augmentation changes pictures in every epoch, but this model learns from features, which are made once: leave it out',
    );
  }
  const options = { shift: augmentShift, colours: augmentColours, flip: augmentFlip, seed };
  return pipeline.augmented(images, options);
}

/** As `prepareData`; notes which photos were left out, and a dev split that cannot select. */
export async function prepareWithNotes(
  dataset: CaptionDataset,
  pipeline: InputPipeline,
  options: Parameters<typeof prepareData>[2],
  note: (text: string) => void,
): Promise<PreparedData> {
  const prepared = await prepareData(dataset, pipeline, options);
  const { data, leftOut } = prepared;
  for (const sentence of leftOutPhotos(leftOut)) note(`${dataset.name}: ${sentence}`);
  if (options.select !== 'loss' && data.dev.inputs.size === 1) note(`warning: ${CIDER_OF_ONE}`);
  return prepared;
}
