import { Command } from 'commander';
import { refuseInputs } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';
import { extractFeatures } from '../features/extract.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { captionSet } from './datasets.js';
import { addEncoderFlags, type EncoderFlags, openGivenEncoder } from './encoder-flags.js';
import { positiveInteger } from './options.js';
import { checkOutputs } from './outputs.js';
import { defaultFeatureFile } from './runs.js';
import { skipBadHelp } from './skip-bad.js';
import { answer, duration, note, progressLine } from './terminal.js';

interface Options extends EncoderFlags {
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
    .option('--skip-bad', skipBadHelp)
    .option('--restart', 'begin anew instead of continuing earlier work');
  return addEncoderFlags(command)
    .option('--json', 'print one JSON document at the end; errors are JSON, too')
    .action(async (specification: string, options: Options) => {
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
      const encoder = await openGivenEncoder(options.encoder, options);
      const { preprocessing } = encoder;
      const result = await extract(photos, encoder, { ...options, out });
      const { photos: images, skipped, ...rest } = result;
      const leftOut = skipped.map(({ id, reason }) => ({ image: id, reason }));
      answer(options.json, { images, ...rest, preprocessing, skipped: leftOut, out }, [
        `${out}: ${result.photos} photos by ${encoder.name} in ${duration(result.seconds)} (${result.photosPerSecond.toFixed(1)} photos/s)`,
        ...result.skipped.map(({ id, reason }) => `skipped ${id}: ${reason}`),
      ]);
      encoder.dispose();
    });
}

/** Extracts features under a progress bar and says how fast that was. */
export async function extract(
  photos: Parameters<typeof extractFeatures>[0],
  encoder: Encoder,
  options: Pick<Options, 'grid' | 'batchSize' | 'skipBad' | 'restart'> & { readonly out: string },
) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const bar = progressLine('encoding', photos.length);
  let before: number | undefined;
  try {
    const result = await extractFeatures(photos, encoder, {
      out: options.out,
      grid: options.grid ?? false,
      batchSize: options.batchSize,
      onBadPhoto: options.skipBad ? 'skip' : 'stop',
      restart: options.restart ?? false,
      onProgress: ({ done, skipped }) => {
        before ??= done;
        const facts = `${((done - before) / seconds()).toFixed(1)} photos/s`;
        bar.update(done, skipped > 0 ? `${facts}, ${skipped} skipped` : facts);
      },
    });
    bar.stop();
    if (result.resumed > 0) note(`continued: ${result.resumed} photos were done already`);
    const encoded = result.photos + result.skipped.length - result.resumed;
    return { ...result, seconds: seconds(), photosPerSecond: encoded / seconds() };
  } finally {
    bar.stop();
  }
}
