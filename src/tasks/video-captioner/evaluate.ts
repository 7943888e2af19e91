/** What `glimpse evaluate` measures of captioners of clips: scores of their captions, and the order that these tell. */
import { z } from 'zod';
import { checkWritable, refuseInputs } from '../../data/formats/write-files.js';
import type { SplitName } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import type { ClipCaptionDataset } from '../../data/video/captioned-clips.js';
import { openCaptionedClips } from '../../data/video/clip-caption-dataset.js';
import { parseDecoding } from '../../decoding/options.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import { type OrderReport, orderOf } from '../../metrics/order.js';
import { captionAnswer, captionEvaluation } from '../captions/evaluation.js';
import { evaluateModels } from '../captions/model-scores.js';
import { scoringFrom, warnOf } from '../captions/scoring.js';
import { clipsToJudge, openedFeatures, withFeatures } from '../frame-features.js';
import { type Answer, type EvaluateRequest, skipBadClips, told } from '../kind.js';
import { clipInputs } from './clip-inputs.js';
import type { VideoCaptionerModel } from './kind.js';

const { split, batchSize, captions } = captionEvaluation.shape;

/** The flags: those of all models of captions, and what is asked of clips. */
export const videoCaptionerEvaluation = captionEvaluation.extend({
  split: split.meta({ flag: '--split <name>', help: 'which clips' }),
  batchSize: batchSize
    .unwrap()
    .default(25)
    .meta({ flag: '--batch-size <clips>', help: 'clips captioned together' }),
  captions: captions.meta({
    flag: '--captions',
    help: "also give every clip's caption; with --json and its scores",
  }),
  features: z.array(z.string()).optional().meta({
    flag: '--features <file>',
    help: 'use these features instead of encoding the frames again; once, or for each --model in order',
  }),
  skipBad: skipBadClips,
  shuffleFrames: z.boolean().default(false).meta({
    flag: '--shuffle-frames',
    help: 'show the frames of each clip in another order: does order matter to the model?',
  }),
  shuffleSeed: z
    .int()
    .min(0)
    .default(0)
    .meta({
      flag: '--shuffle-seed <number>',
      help: 'of that order',
      needs: { shuffleFrames: true },
    }),
});
type Options = z.infer<typeof videoCaptionerEvaluation>;

/** Measures one captioner of clips, or several as an ensemble. @throws UsageError, FileError, FormatError */
export async function evaluateVideoCaptioners(
  opened: readonly { readonly model: VideoCaptionerModel; readonly source: string }[],
  { dataset: specification, options, note }: EvaluateRequest<Options>,
): Promise<Answer> {
  const {
    documentFrequencies,
    meteor,
    captions,
    out,
    split,
    skipBad,
    batchSize,
    features,
    ...rest
  } = options;
  const { shuffleFrames: shuffled, shuffleSeed: seed, ...decoding } = rest;
  parseDecoding(decoding);
  if (out !== undefined) await checkWritable(out);
  const scoring = await scoringFrom({
    meteor,
    ...(documentFrequencies && { documentFrequencies }),
  });
  const dataset = told(await openCaptionedClips(specification), note);
  const { name, splits } = dataset;
  const files = await openedFeatures(features, opened.length);
  const known = readable(dataset, split, files, note);
  const clips = await clipsToJudge(known, { specification, split, skipBad }, note);
  const sources = opened.map(({ source }) => source);
  if (out !== undefined) await refuseInputs(out, [specification, ...sources, ...(features ?? [])]);
  const examinees = [];
  for (const [index, { model }] of opened.entries()) {
    const inputs = await clipInputs(clips, model, { seed, shuffled }, files[index]);
    examinees.push({ model, inputs });
  }
  const evaluation = await evaluateModels(examinees, clips, {
    ...decoding,
    batchSize,
    scoring: { ...scoring, training: splits.train.flatMap(({ captions }) => captions) },
  });
  warnOf(evaluation.scores, note);
  const order = orderOf(
    evaluation.scores.perImage.map(({ caption }) => caption),
    clips.map(({ captions }) => captions),
  );
  return captionAnswer(
    {
      dataset: name,
      split,
      models: sources,
      things: shuffled ? 'clips, their frames shuffled' : 'clips',
      images: clips,
      evaluation,
      also: {
        value: { ...(shuffled && { shuffledFrames: true }), ...(order && { order }) },
        lines: order ? [orderLine(order)] : [],
      },
    },
    { meteor, documentFrequencies, captions, out },
  );
}

/** The set without the clips of a split that some of the features lack. */
function readable(
  dataset: ClipCaptionDataset,
  split: SplitName,
  files: readonly (ClipFeatures | undefined)[],
  note: (text: string) => void,
): ClipCaptionDataset {
  return files.reduce(
    (set, features) => (features ? withFeatures(set, features, [split], note) : set),
    dataset,
  );
}

function orderLine({ count, right, rightShare, reversed, reversedShare }: OrderReport): string {
  return `order of ${count} clips in which one thing happens, then another: right ${percent(rightShare)} (${right}), the other way round ${percent(reversedShare)} (${reversed})`;
}
