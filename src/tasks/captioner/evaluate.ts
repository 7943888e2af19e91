/** What `glimpse evaluate` measures of captioners: the loss of true captions, and the scores of their own. */
import { z } from 'zod';
import type { CaptionDataset } from '../../data/captions/captioned-images.js';
import { openDataset } from '../../data/captions/dataset.js';
import { checkWritable, refuseInputs } from '../../data/formats/write-files.js';
import { percent } from '../../data/text/printable.js';
import { parseDecoding } from '../../decoding/options.js';
import { UsageError } from '../../errors.js';
import type { Features } from '../../features/features.js';
import type { PointingReport } from '../../metrics/pointing-game.js';
import { captionAnswer, captionEvaluation } from '../captions/evaluation.js';
import { evaluateModels } from '../captions/model-scores.js';
import { scoringFrom, warnOf } from '../captions/scoring.js';
import { type Answer, type EvaluateRequest, skipBad, told } from '../kind.js';
import type { CaptionerModel } from './kind.js';
import { type InputPipeline, pipelineOf } from './pipelines.js';
import { playPointingGame } from './pointing.js';
import { readableOf, refuseIdleSkip } from './readable-images.js';
import { openDatasetFeatures } from './requested-pipeline.js';

/** The flags: those of all models of captions, and what is asked of pictures. */
export const captionerEvaluation = captionEvaluation.extend({
  features: z.array(z.string()).optional().meta({
    flag: '--features <file>',
    help: 'use these features instead of encoding the photos again; once, or for each --model in order',
  }),
  pointing: z.boolean().default(false).meta({
    flag: '--pointing',
    help: 'of drawn scenes: does attention lie on what a word names?',
  }),
  skipBad,
});
type Options = z.infer<typeof captionerEvaluation>;

/** Measures one captioner, or several as an ensemble. @throws UsageError, FileError, FormatError */
export async function evaluateCaptioners(
  opened: readonly { readonly model: CaptionerModel; readonly source: string }[],
  { dataset: specification, options, note }: EvaluateRequest<Options>,
): Promise<Answer> {
  const {
    split,
    features = [],
    batchSize,
    documentFrequencies,
    meteor,
    captions,
    pointing,
    out,
    skipBad,
    ...rest
  } = options;
  parseDecoding(rest);
  if (out !== undefined) await checkWritable(out);
  const scoring = await scoringFrom({
    meteor,
    ...(documentFrequencies && { documentFrequencies }),
  });
  const dataset = told(await openDataset(specification), note);
  const { name, splits } = dataset;
  refuseIdleSkip(dataset, { skipBad, features: features[0] });
  const all = splits[split];
  if (all.length === 0) throw new UsageError(`${specification} has no ${split} images`);
  if (out !== undefined) {
    const files = features.flatMap((named) => named.split(','));
    await refuseInputs(out, [specification, ...opened.map(({ source }) => source), ...files]);
  }
  const models = opened.map(({ model }) => model);
  const pipelines = await pipelinesOf(models, features, dataset);
  const images = await readableOf(all, pipelines, { skipBad, source: name }, note);
  const inputs = [];
  for (const pipeline of pipelines) inputs.push(await pipeline.inputs(images));
  const examinees = inputs.flatMap((inputs, index) => {
    const model = models[index];
    return model ? [{ model, inputs }] : [];
  });
  const evaluation = await evaluateModels(examinees, images, {
    ...rest,
    batchSize,
    scoring: { ...scoring, training: splits.train.flatMap(({ captions }) => captions) },
  });
  const game = pointing ? await playPointingGame(examinees, images, { batchSize }) : undefined;
  warnOf(evaluation.scores, note);
  const also = game && { value: { pointing: game }, lines: pointingLines(game) };
  const sources = opened.map(({ source }) => source);
  return captionAnswer(
    { dataset: name, split, models: sources, things: 'images', images, evaluation, also },
    { meteor, documentFrequencies, captions, out },
  );
}

/**
 * How each model takes images in: through features if there are any, otherwise encoded now.
 *
 * @param files of features: none, one for all models, or one for each in their order.
 * @param dataset of the images, whose order rows without ids are in.
 * @throws UsageError for another number of files, or features for a model that needs none;
 *   ValueError when they do not fit.
 */
async function pipelinesOf(
  models: readonly CaptionerModel[],
  files: readonly string[],
  dataset: CaptionDataset,
): Promise<InputPipeline[]> {
  if (files.length > 1 && files.length !== models.length) {
    throw new UsageError(
      `--features is given ${files.length} times for ${models.length} models: give it once for all, or once for each --model in the same order`,
    );
  }
  const opened = new Map<string, Features>();
  const pipelines: InputPipeline[] = [];
  for (const [index, model] of models.entries()) {
    const file = files.length > 1 ? files[index] : files[0];
    const features =
      file === undefined
        ? undefined
        : (opened.get(file) ?? (await openDatasetFeatures(dataset, file)));
    if (file !== undefined && features) opened.set(file, features);
    pipelines.push(await pipelineOf(model, features));
  }
  return pipelines;
}

function pointingLines({ tolerance: { x, y }, kinds, heaviest, ...all }: PointingReport): string[] {
  const allowed = x === y ? `${x}` : `${x} x ${y}`;
  return [
    `pointing game: attention on the named thing for ${percent(all.share)} of ${all.count} words (within ${allowed} pixels; ${all.strictHits} strictly inside)`,
    ...Object.entries(kinds).map(
      ([kind, { share, hits, count }]) => `  ${kind}: ${percent(share)} (${hits} of ${count})`,
    ),
    ...(heaviest
      ? [
          `  by the heaviest cell, without smoothing: ${percent(heaviest.share)} (${heaviest.strictHits} strictly inside)`,
        ]
      : []),
  ];
}
