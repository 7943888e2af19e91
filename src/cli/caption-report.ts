/** `glimpse report`: what a captioner says about a split, as one HTML page. */
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { CaptionedImage } from '../data/captions/captioned-images.js';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { shrinkPicture } from '../data/pictures/photos.js';
import { PREPROCESSING } from '../data/pictures/preprocessing.js';
import { type DecodingOptions, decodingFields, parseDecoding } from '../decoding/options.js';
import { UsageError } from '../errors.js';
import { chartAssets } from '../report/assets.js';
import { renderCaptionReport } from '../report/caption-report.js';
import {
  evenlyByScore,
  MOST_PICTURES,
  photoSize,
  type ReportPicture,
} from '../report/report-picture.js';
import { type CaptionerModel, captionerKind } from '../tasks/captioner/kind.js';
import { pipelineOf } from '../tasks/captioner/pipelines.js';
import { readableOf } from '../tasks/captioner/readable-images.js';
import { openDatasetFeatures } from '../tasks/captioner/requested-pipeline.js';
import { type Evaluation, evaluateModels } from '../tasks/captions/model-scores.js';
import { scales, warnOf } from '../tasks/captions/scoring.js';
import { skipBad } from '../tasks/kind.js';
import { readModel } from '../training/run.js';
import { addFlags, givenValues, positiveInteger } from './flags.js';
import { captionSet, modelFile, requireKind } from './inputs.js';
import { checkOutputs, writeAndSay } from './outputs.js';
import { aboutPictures, attentionIn, describeModel, figuresOf, scaleNote } from './report-texts.js';
import { answer, commandLine, note } from './terminal.js';

/** One caption for each image: the report has a use for no more. */
const decodingOptions = decodingFields.omit({ nBest: true });

interface Options {
  model: string;
  split: 'train' | 'dev' | 'test';
  features?: string;
  out: string;
  images: number;
  batchSize: number;
  skipBad?: boolean;
  json?: boolean;
}

/** `glimpse report <dataset> --model <file>`: what a model says about a split, as one HTML page. */
export function captionReportCommand(): Command {
  const command = new Command('report')
    .description('show what a model says about a split: one HTML page with photos and attention')
    .argument('<dataset>', 'as for train')
    .requiredOption('--model <file>', "a model that glimpse train wrote, or a run's folder")
    .addOption(
      new Option('--split <name>', 'which images').choices(['train', 'dev', 'test']).default('dev'),
    )
    .option('--features <file>', 'use these features instead of encoding the photos again')
    .option('--out <file>', 'the page; written anew when it is there', 'report.html')
    .option('--images <n>', `photos in the page, at most ${MOST_PICTURES}`, pictures, 200);
  return addFlags(command, decodingOptions, z.object({ skipBad }))
    .option('--batch-size <images>', 'images captioned together', positiveInteger, 100)
    .option('--json', 'print one JSON document; errors are JSON, too')
    .addHelpText(
      'after',
      '\nAll images are captioned and scored; the page shows --images of them, evenly from the best to\nthe worst by CIDEr. Photos are made small, the smaller the more there are.',
    )
    .action(report);
}

async function report(specification: string, options: Options, command: Command): Promise<void> {
  const decoding: DecodingOptions = givenValues(command, decodingOptions);
  parseDecoding(decoding);
  await checkOutputs(options.out);
  const file = await modelFile('--model', options.model);
  await refuseInputs(options.out, [specification, file, ...(options.features ?? '').split(',')]);
  const dataset = await captionSet(specification);
  const { name, splits } = dataset;
  const all = splits[options.split];
  if (all.length === 0) throw new UsageError(`${specification} has no ${options.split} images`);
  await requireKind(file, captionerKind.kind, () => 'glimpse evaluate');
  const { model, training } = await readModel(captionerKind, file);
  const assets = await chartAssets();
  const features = options.features
    ? await openDatasetFeatures(dataset, options.features)
    : undefined;
  const pipeline = await pipelineOf(model, features);
  const images = await readableOf(
    all,
    [pipeline],
    { skipBad: options.skipBad, source: name },
    note,
  );
  const inputs = await pipeline.inputs(images);

  note(`captioning ${images.length} images`);
  const evaluation = await evaluateModels([{ model, inputs }], images, {
    ...decoding,
    batchSize: options.batchSize,
  });
  const { scores, found } = evaluation;
  const shown = evenlyByScore(
    scores.perImage.map(({ cider }) => cider),
    options.images,
  );
  const photos = await picturesOf(shown, images, model, evaluation);
  const page = renderCaptionReport(
    {
      title: `${name}, ${options.split}`,
      subtitle: describeModel(basename(file), model, decoding, images.length),
      figures: figuresOf(evaluation),
      scales: scaleNote,
      remarks: [...(scores.diversity.alarm ? [scores.diversity.alarm] : []), ...scores.remarks],
      about: aboutPictures(shown.length, images.length),
      pictures: photos,
      attention: attentionIn(model, found),
      // Where it is not known how photos became features: as if each was seen whole.
      framing: model.preprocessing ?? PREPROCESSING.imagenet,
      history: training?.progress.history ?? [],
      command: commandLine(),
    },
    assets,
  );

  warnOf(scores, note);
  const { perImage: _, ...overall } = scores;
  const { split, out } = options;
  const bytes = Buffer.byteLength(page);
  const result = { dataset: name, split, model: file, ...overall, scale: scales };
  const written = { out, shown: shown.length, bytes };
  const about = `${out}: ${aboutPictures(shown.length, images.length)}, ${(bytes / 1e6).toFixed(1)} MB`;
  await writeAndSay(
    () => writeFileAtomically(out, page),
    (isWritten) =>
      answer(options.json, { ...result, ...(isWritten && written) }, [
        `${name}, ${split}: ${images.length} images, CIDEr ${scores.cider.toFixed(4)} (0 to 10), BLEU-4 ${scores.bleu4.toFixed(4)} (0 to 1)`,
        ...(isWritten ? [about] : []),
      ]),
  );
}

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

function pictures(text: string): number {
  const number = positiveInteger(text);
  if (number <= MOST_PICTURES) return number;
  throw new InvalidArgumentError(`must be at most ${MOST_PICTURES}`);
}
