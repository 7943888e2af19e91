/** The page of a captioner: what it says about the pictures of a split, and where it looked for each word. */
import { basename } from 'node:path';
import { z } from 'zod';
import { parameterCount } from '../../autograd/tree.js';
import type { CaptionedImage } from '../../data/captions/captioned-images.js';
import { openDataset } from '../../data/captions/dataset.js';
import { refuseInputs } from '../../data/formats/write-files.js';
import { shrinkPicture } from '../../data/pictures/photos.js';
import { PREPROCESSING } from '../../data/pictures/preprocessing.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '../../decoding/options.js';
import { UsageError } from '../../errors.js';
import { locationsOf } from '../../models/encoders/grids.js';
import { chartAssets } from '../../report/assets.js';
import { renderCaptionReport } from '../../report/caption-report.js';
import {
  type AttentionKind,
  evenlyByScore,
  MOST_PICTURES,
  photoSize,
  type ReportPicture,
} from '../../report/report-picture.js';
import { captionEvaluation } from '../captions/evaluation.js';
import { type Evaluation, evaluateModels } from '../captions/model-scores.js';
import {
  aboutShown,
  count,
  figuresOf,
  howDecoded,
  remarksOf,
  scaleNote,
  scoreAnswer,
} from '../captions/report-texts.js';
import { warnOf } from '../captions/scoring.js';
import { skipBad, told } from '../kind.js';
import type { Reporter } from '../report.js';
import type { CaptionerModel } from './kind.js';
import { pipelineOf } from './pipelines.js';
import { readableOf } from './readable-images.js';
import { openDatasetFeatures } from './requested-pipeline.js';

const options = captionEvaluation
  .omit({ documentFrequencies: true, meteor: true, captions: true, out: true })
  .extend({
    features: z.string().optional().meta({
      flag: '--features <file>',
      help: 'use these features instead of encoding the photos again',
    }),
    images: z
      .int()
      .positive()
      .max(MOST_PICTURES)
      .default(200)
      .meta({
        flag: '--images <count>',
        help: `that the page shows, evenly from the best to the worst, at most ${MOST_PICTURES}`,
      }),
    skipBad,
  });

export const reporter: Reporter<CaptionerModel> = {
  summary:
    'All images are captioned and scored; the page shows --images of them, with what was looked at for\neach word. Photos are made small, the smaller the more there are.',
  options,
  async report({ model, training, source }, request, asked) {
    const { dataset: specification, out, command, note } = request;
    const {
      split,
      images: most,
      features: named,
      batchSize,
      skipBad,
      ...decoding
    } = options.parse(asked);
    parseDecoding(decoding);
    await refuseInputs(out, (named ?? '').split(','));
    const dataset = told(await openDataset(specification), note);
    const { name, splits } = dataset;
    const all = splits[split];
    if (all.length === 0) throw new UsageError(`${specification} has no ${split} images`);
    const assets = await chartAssets();
    const features = named === undefined ? undefined : await openDatasetFeatures(dataset, named);
    const pipeline = await pipelineOf(model, features);
    const images = await readableOf(all, [pipeline], { skipBad, source: name }, note);
    const inputs = await pipeline.inputs(images);
    note(`captioning ${images.length} images`);
    const evaluation = await evaluateModels([{ model, inputs }], images, {
      ...decoding,
      batchSize,
    });
    const { scores, found } = evaluation;
    const chosen = evenlyByScore(
      scores.perImage.map(({ cider }) => cider),
      most,
    );
    const about = aboutShown(chosen.length, images.length);
    const page = renderCaptionReport(
      {
        title: `${name}, ${split}`,
        subtitle: describeModel(basename(source), model, decoding, images.length),
        figures: figuresOf(evaluation),
        scales: scaleNote('picture'),
        remarks: remarksOf(scores),
        about,
        pictures: await picturesOf(chosen, images, model, evaluation),
        attention: attentionIn(model, found),
        // Where it is not known how photos became features: as if each was seen whole.
        framing: model.preprocessing ?? PREPROCESSING.imagenet,
        history: training?.progress.history ?? [],
        command,
      },
      assets,
    );
    warnOf(scores, note);
    return {
      page,
      shown: chosen.length,
      about,
      ...scoreAnswer({ name, split, source, things: 'images' }, evaluation),
    };
  },
};

/** The chosen images, made small, with what the model says about them. */
async function picturesOf(
  shown: readonly number[],
  images: readonly CaptionedImage[],
  { vocabulary }: CaptionerModel,
  { scores, found }: Evaluation,
): Promise<ReportPicture[]> {
  const size = photoSize(shown.length);
  const pictures: ReportPicture[] = [];
  for (const index of shown) {
    const [image, score] = [images[index], scores.perImage[index]];
    const { words = [], wordLogProbabilities = [], attention } = found[index]?.[0] ?? {};
    if (!image || !score) continue;
    pictures.push({
      id: image.id,
      photo: await shrinkPicture(image.image, size),
      caption: score.caption,
      words: words.map((word, step) => ({
        word: vocabulary.word(word),
        probability: Math.exp(wordLogProbabilities[step] ?? Number.NaN),
        attention: attention?.[step],
      })),
      references: image.captions,
      scores: score,
    });
  }
  return pictures;
}

/** Which model it is, and how it decodes. */
function describeModel(
  file: string,
  { captioner, encoder }: CaptionerModel,
  options: DecodingOptions,
  images: number,
): string {
  const { cell, hiddenSize, cnn } = captioner.config;
  const grid = locationsOf(captioner.config);
  const inputs = cnn
    ? `${cnn.filters.length} convolution layers of its own`
    : `features of ${encoder?.kind ?? 'an encoder'}`;
  const looks = grid ? `attention over the ${grid.join(' x ')} places of ` : '';
  return (
    `What ${file} says about ${count(images)} pictures: ${cell === 'rnn' ? 'an RNN' : cell === 'lstm' ? 'an LSTM' : 'a GRU'} of ${hiddenSize} units ` +
    `with ${looks}${inputs}, ${count(parameterCount(captioner.parameters))} parameters, ${howDecoded(options)}.`
  );
}

/**
 * How the words' attention is given: a weight for each place of the model's grid, or windows.
 * Undefined for a model that has none.
 */
function attentionIn(
  { captioner }: CaptionerModel,
  found: readonly (readonly Hypothesis[])[],
): AttentionKind | undefined {
  const { attention } = captioner.config;
  // An ensemble tells where it looked only if its models agree on what that is.
  if (!attention || !found.some(([best]) => best?.attention)) return undefined;
  const [rows, columns] = attention.locations;
  return attention.kind === 'spatial-transformer'
    ? { kind: 'window' }
    : { kind: 'grid', rows, columns };
}
