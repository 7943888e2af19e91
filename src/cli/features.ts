/** `glimpse features`: every photo, or every frame that is taken of clips, through an encoder, once. */
import { Command } from 'commander';
import { z } from 'zod';
import { refuseInputs } from '../data/formats/write-files.js';
import { SPLIT_NAMES } from '../data/splits.js';
import { openCaptionedClips } from '../data/video/clip-caption-dataset.js';
import { openClips } from '../data/video/clip-dataset.js';
import { describeSampling, samplingSchema } from '../data/video/sampling.js';
import { UsageError } from '../errors.js';
import { type EncoderUse, encoderUseSchema, openGivenEncoder } from '../features/given-encoder.js';
import type { Encoder } from '../models/encoders/encoder.js';
import type { AnyClip } from '../tasks/frame-encoder.js';
import { filmed } from '../tasks/frame-readers.js';
import { skipBad, told } from '../tasks/kind.js';
import { extractClips, extractPhotos } from '../tasks/shown-extraction.js';
import { addFlags, parseFlags, positiveInteger, refuseIdleFlags } from './flags.js';
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

/** Sets of clips, by the kind of model that learns from them. */
const clipSets = { 'video-captioner': openCaptionedClips, 'video-classifier': openClips } as const;

const { frames, rate } = samplingSchema.shape;
const needs = { for: Object.keys(clipSets) };

/** Which set it is, and what of it is encoded. */
const setSchema = z.object({
  for: z.enum(['captioner', 'video-captioner', 'video-classifier']).default('captioner').meta({
    flag: '--for <kind>',
    help: 'the kind of model that will learn from them: the dataset is one of its',
  }),
  frames: frames.meta({ ...frames.meta(), needs }),
  frameRate: rate.meta({ ...rate.meta(), needs }),
  skipBad: skipBad.meta({
    ...skipBad.meta(),
    help: 'leave out photos, or clips, that cannot be read instead of stopping',
  }),
});

/** `glimpse features <dataset> --encoder <file> --out <file>`: every photo through an encoder, once. */
export function featuresCommand(): Command {
  const command = new Command('features')
    .description(
      'encode the photos of a dataset, or frames of its clips, once, for training; continues where it was stopped',
    )
    .argument(
      '<dataset>',
      'a folder or file of captions, see docs/datasets.md; with --for, clips, see docs/video-data.md',
    )
    .requiredOption(
      '--encoder <file>',
      'SqueezeNet weights (.safetensors) or a vision model (.onnx)',
    )
    .option(
      '--out <file>',
      'feature file to write (default: features/<dataset>-<encoder>.safetensors)',
    )
    .option('--grid', 'also keep the grid of features, for attention (large)')
    .option(
      '--batch-size <photos>',
      'photos, or frames of a clip, encoded together',
      positiveInteger,
      16,
    )
    .option('--restart', 'begin anew instead of continuing earlier work');
  return addFlags(command, encoderUseSchema, setSchema)
    .option('--json', 'print one JSON document at the end; errors are JSON, too')
    .action(async (specification: string, options: Options, called: Command) => {
      refuseIdleFlags(called, [setSchema]);
      const use: EncoderUse = parseFlags(called, encoderUseSchema);
      const asked = parseFlags(called, setSchema);
      const set = await setToEncode(specification, asked);
      const out = options.out ?? (await defaultFeatureFile(set.name, options.encoder, options));
      if (options.out === undefined)
        note(`the features are kept in ${out} (--out names another file)`);
      await refuseInputs(out, [
        options.encoder,
        specification.slice(specification.indexOf(':') + 1),
      ]);
      await checkOutputs(out);
      const encoder = await openGivenEncoder(options.encoder, use, note);
      const { value, line, skipped } = await set.extract(encoder, {
        out,
        grid: options.grid ?? false,
        batchSize: options.batchSize,
        skipBad: asked.skipBad,
        restart: options.restart ?? false,
      });
      const { preprocessing } = encoder;
      const leftOut = skipped.map(({ id, reason }) => ({ [set.key]: id, reason }));
      answer(options.json, { ...value, preprocessing, skipped: leftOut, out }, [
        `${out}: ${line}`,
        ...skipped.map(({ id, reason }) => `skipped ${id}: ${reason}`),
      ]);
      encoder.dispose();
    });
}

/** A set whose photos or clips are encoded. */
interface SetToEncode {
  readonly name: string;
  /** What one of them is called in JSON. */
  readonly key: 'image' | 'clip';
  extract(
    encoder: Encoder,
    options: Parameters<typeof extractPhotos>[2],
  ): Promise<{
    /** For programs, and for people. */
    readonly value: object;
    readonly line: string;
    readonly skipped: readonly { readonly id: string; readonly reason: string }[];
  }>;
}

const shown = { note, progress: progressLine };

/** @throws UsageError for an empty set, or frames both evenly and by rate */
async function setToEncode(
  specification: string,
  { for: kind, frames, frameRate: rate }: z.output<typeof setSchema>,
): Promise<SetToEncode> {
  if (kind === 'captioner') return photosToEncode(specification);
  if (frames !== undefined && rate !== undefined) {
    throw new UsageError(
      `--frames ${frames} takes frames evenly and --frame-rate ${rate} by time: leave one out`,
    );
  }
  const { name, splits } = told(await clipSets[kind](specification), note);
  const clips = SPLIT_NAMES.flatMap((split): readonly AnyClip[] => splits[split]).map(filmed);
  if (clips.length === 0) throw new UsageError(`${specification} has no clips`);
  const sampling = { frames, rate };
  return {
    name,
    key: 'clip',
    async extract(encoder, options) {
      const result = await extractClips(
        clips,
        encoder,
        { ...options, sampling, set: `${kind} ${specification}` },
        shown,
      );
      const { skipped, ...value } = result;
      const { seconds, clipsPerSecond } = result;
      return {
        value,
        skipped,
        line: `${result.frames} frames of ${result.clips} clips (${describeSampling(sampling)}) by ${encoder.name} in ${duration(seconds)} (${clipsPerSecond.toFixed(1)} clips/s)`,
      };
    },
  };
}

async function photosToEncode(specification: string): Promise<SetToEncode> {
  const { name, splits } = await captionSet(specification);
  const photos = [...splits.train, ...splits.dev, ...splits.test];
  if (photos.length === 0) throw new UsageError(`${specification} has no photos`);
  return {
    name,
    key: 'image',
    async extract(encoder, options) {
      const {
        photos: images,
        skipped,
        ...rest
      } = await extractPhotos(photos, encoder, options, shown);
      const { seconds, photosPerSecond } = rest;
      return {
        value: { images, ...rest },
        skipped,
        line: `${images} photos by ${encoder.name} in ${duration(seconds)} (${photosPerSecond.toFixed(1)} photos/s)`,
      };
    },
  };
}
