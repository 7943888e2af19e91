/** `glimpse features`: every photo of a dataset through an encoder, once. */
import { Command } from 'commander';
import { z } from 'zod';
import { refuseInputs } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';
import { type EncoderUse, encoderUseSchema, openGivenEncoder } from '../features/given-encoder.js';
import { extract } from '../tasks/captioner/requested-pipeline.js';
import { skipBad } from '../tasks/kind.js';
import { addFlags, parseFlags, positiveInteger } from './flags.js';
import { captionSet } from './inputs.js';
import { checkOutputs } from './outputs.js';
import { defaultFeatureFile } from './runs.js';
import { answer, duration, note, progressLine } from './terminal.js';

interface Options {
  encoder: string;
  out?: string;
  grid?: boolean;
  batchSize: number;
  skipBad?: boolean;
  restart?: boolean;
  json?: boolean;
}

/** `glimpse features <dataset> --encoder <file> --out <file>`: every photo through an encoder, once. */
export function featuresCommand(): Command {
  const command = new Command('features')
    .description(
      'encode the photos of a dataset once, for training; continues where it was stopped',
    )
    .argument('<dataset>', 'a folder or file of captions; see docs/datasets.md')
    .requiredOption(
      '--encoder <file>',
      'SqueezeNet weights (.safetensors) or a vision model (.onnx)',
    )
    .option(
      '--out <file>',
      'feature file to write (default: features/<dataset>-<encoder>.safetensors)',
    )
    .option('--grid', 'also keep the grid of features, for attention (large)')
    .option('--batch-size <photos>', 'photos encoded together', positiveInteger, 16)
    .option('--restart', 'begin anew instead of continuing earlier work');
  return addFlags(command, encoderUseSchema, z.object({ skipBad }))
    .option('--json', 'print one JSON document at the end; errors are JSON, too')
    .action(async (specification: string, options: Options, called: Command) => {
      const use: EncoderUse = parseFlags(called, encoderUseSchema);
      const { name, splits } = await captionSet(specification);
      const photos = [...splits.train, ...splits.dev, ...splits.test];
      if (photos.length === 0) throw new UsageError(`${specification} has no photos`);
      const out = options.out ?? (await defaultFeatureFile(name, options.encoder, options));
      if (options.out === undefined)
        note(`the features are kept in ${out} (--out names another file)`);
      await refuseInputs(out, [
        options.encoder,
        specification.slice(specification.indexOf(':') + 1),
      ]);
      await checkOutputs(out);
      const encoder = await openGivenEncoder(options.encoder, use, note);
      const { preprocessing } = encoder;
      const result = await extract(
        photos,
        encoder,
        {
          out,
          grid: options.grid ?? false,
          batchSize: options.batchSize,
          skipBad: options.skipBad ?? false,
          restart: options.restart ?? false,
        },
        { note, progress: progressLine },
      );
      const { photos: images, skipped, ...rest } = result;
      const leftOut = skipped.map(({ id, reason }) => ({ image: id, reason }));
      answer(options.json, { images, ...rest, preprocessing, skipped: leftOut, out }, [
        `${out}: ${result.photos} photos by ${encoder.name} in ${duration(result.seconds)} (${result.photosPerSecond.toFixed(1)} photos/s)`,
        ...result.skipped.map(({ id, reason }) => `skipped ${id}: ${reason}`),
      ]);
      encoder.dispose();
    });
}
