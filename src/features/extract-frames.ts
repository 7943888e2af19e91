/** Extracts features of clips: their frames through an encoder, once, into a file. */
import { createHash } from 'node:crypto';
import { isFaultOfFile } from '../data/formats/notes.js';
import { checkWritable, refuseInputs } from '../data/formats/write-files.js';
import type { ClipSource } from '../data/video/clip.js';
import { checkSampling, type Sampling } from '../data/video/sampling.js';
import { ValueError } from '../errors.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { ahead, type FrameBatch, faultOfEncoded, frameBatches } from './encode-frames.js';
import {
  checkExtraction,
  checkIds,
  type ExtractionOptions,
  type ExtractionProgress,
  rowsOf,
} from './extract.js';
import { describeEncoder, type SkippedPhoto } from './feature-file.js';
import { PartialFeatures } from './partial-features.js';

/** A clip whose frames are encoded. */
export interface FilmedClip {
  readonly id: string;
  readonly clip: ClipSource;
}

/** How features of frames are extracted. */
export interface FrameExtractionOptions
  extends Pick<ExtractionOptions, 'out' | 'grid' | 'restart' | 'onProgress'> {
  /** Which frames of each clip; neither a number nor a rate: all. */
  readonly sampling?: Sampling;
  /** Frames of a clip that are encoded together (default 16). */
  readonly batchSize?: number;
  /** Stop at a clip that cannot be read (default), or leave it out and record why. */
  readonly onBadClip?: 'stop' | 'skip';
  /** What the clips are, where not all of them are files: unfinished work of others is not gone on with. */
  readonly set?: string;
}

/** What an extraction did. */
export interface FrameExtractionResult {
  /** Clips in the file, and frames of all of them. */
  readonly clips: number;
  readonly frames: number;
  /** Clips that earlier work had done already. */
  readonly resumed: number;
  readonly skipped: readonly SkippedPhoto[];
}

/** What comes of a clip: some of its frames, or its end, and what was wrong with it. */
type Step = FrameBatch | { readonly end: FilmedClip; readonly fault?: string };

/**
 * Encodes frames of clips and writes their features to one file, which appears when it is complete. Only few
 * frames are in memory, however many there are, and while some are encoded the next are decoded. An
 * interrupted run is continued by the same call, after the last clip that it had done, and makes the same
 * file, byte for byte.
 *
 * @throws ClipError, FileError for a clip that cannot be read (unless `skip`) or a file that cannot be
 *   written; ValueError for an empty or ambiguous list of clips, frames that cannot be meant, or unfinished
 *   work of another kind; UsageError for a grid that the encoder does not have or a bad batch size.
 */
export async function extractFrames(
  clips: readonly FilmedClip[],
  encoder: Encoder,
  options: FrameExtractionOptions,
): Promise<FrameExtractionResult> {
  const { out, grid = false, batchSize = 16, sampling = {}, onBadClip = 'stop' } = options;
  checkExtraction(encoder, { grid, batchSize });
  checkSampling(sampling);
  checkIds(clips, 'clip');
  const files = clips.map(({ clip }) => ('path' in clip ? clip.path : undefined));
  await refuseInputs(out, [encoder.path, ...files]);
  await checkWritable(out);
  const description = await describeEncoder(encoder);
  const job = {
    encoder: description.sha256,
    photos: digest(clips, options.set),
    batchSize,
    rows: rowsOf(encoder, grid),
    sampling,
  };
  const { restart = false } = options;
  const partial = await PartialFeatures.open(`${out}.partial`, job, { restart });
  try {
    const resumed = partial.batches;
    const report = () => options.onProgress?.(progressOf(partial, clips.length));
    if (resumed > 0) report();
    let [written, fault]: [number, string | undefined] = [0, undefined];
    const steps = stepsOf(clips.slice(resumed), encoder, { sampling, batchSize, onBadClip });
    for await (const step of ahead(steps)) {
      if ('values' in step) {
        // The rest of a clip that is left out is read, but nothing is made of it.
        if (fault !== undefined) continue;
        const encoded = await encoder.encode(step.values, step.count, { grid });
        fault = faultOfEncoded(encoded, encoder);
        if (fault === undefined) await partial.write({ ...encoded });
        written += step.count;
        continue;
      }
      const { end, fault: reason = fault } = step;
      if (fault !== undefined && onBadClip === 'stop') {
        throw new ValueError(`${end.id}: ${fault}: is the encoder damaged?`);
      }
      if (reason !== undefined) await partial.rollBack();
      await partial.commit(
        reason === undefined ? written : 0,
        reason === undefined ? [] : [{ id: end.id, reason }],
      );
      [written, fault] = [0, undefined];
      report();
    }
    const { skipped, rows } = partial;
    const left = new Set(skipped.map(({ id }) => id));
    const ids = clips.map(({ id }) => id).filter((id) => !left.has(id));
    if (ids.length === 0) {
      throw new ValueError(
        `none of the ${clips.length} clips could be read: ${skipped[0]?.reason}`,
      );
    }
    await partial.finish(out, description, ids);
    return { clips: ids.length, frames: rows, resumed, skipped };
  } finally {
    await partial.close();
  }
}

function progressOf(
  { batches, rows, skipped }: PartialFeatures,
  total: number,
): ExtractionProgress & { readonly frames: number } {
  return { done: batches, total, skipped: skipped.length, frames: rows };
}

async function* stepsOf(
  clips: readonly FilmedClip[],
  encoder: Encoder,
  {
    sampling,
    batchSize,
    onBadClip,
  }: Required<Pick<FrameExtractionOptions, 'sampling' | 'batchSize' | 'onBadClip'>>,
): AsyncGenerator<Step, void> {
  for (const end of clips) {
    try {
      yield* frameBatches(end.clip, encoder, { sampling, size: batchSize });
      yield { end };
    } catch (error) {
      if (onBadClip === 'stop' || !isFaultOfFile(error)) throw error;
      yield { end, fault: error.message };
    }
  }
}

/** Clips are known by id and file; those in memory count themselves, and drawn ones what their set is called. */
function digest(clips: readonly FilmedClip[], set = ''): string {
  const hash = createHash('sha256').update(set);
  for (const { id, clip } of clips) {
    hash.update(JSON.stringify([id, 'path' in clip ? clip : 'memory']));
    if ('values' in clip) hash.update(clip.values);
  }
  return hash.digest('hex');
}
