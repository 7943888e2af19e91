/** What gives models the features of a clip's frames: a file, or an encoder as they are needed. */
import { Semaphore } from '../data/pictures/photo-limits.js';
import { preparedSequence } from '../data/video/prepared-clips.js';
import type { Sampling } from '../data/video/sampling.js';
import type { Decoding } from '../data/video/video-frames.js';
import { UsageError, ValueError } from '../errors.js';
import type { ClipFeatures } from '../features/clip-features.js';
import { faultOfEncoded, frameBatches } from '../features/encode-frames.js';
import type { FilmedClip } from '../features/extract-frames.js';
import { type Encoder, encoderFingerprint, type SavedEncoder } from '../models/encoders/encoder.js';
import { channelsLast } from '../models/encoders/grids.js';
import type { AnyClip, FrameReader } from './frame-encoder.js';

/** @throws ValueError when features are not those that a model takes, naming both */
export async function requireFeatures(
  features: ClipFeatures,
  encoder: SavedEncoder,
  sampling: Sampling,
): Promise<void> {
  features.require({ sha256: await encoderFingerprint(encoder), sampling });
}

/** Features out of a file. @throws ValueError when grids are asked for and there are none */
export function storedFrames(features: ClipFeatures, grid: boolean): FrameReader {
  if (!grid) {
    return {
      shape: [features.D],
      locations: undefined,
      read: async ({ id }) => preparedSequence(features.pooled(id)),
    };
  }
  const [C, H, W] = features.requireGrids();
  return {
    shape: [H * W, C],
    locations: [H, W],
    read: async ({ id }) => preparedSequence(features.grid(id)),
  };
}

/** Frames that go through an encoder together. */
export const TOGETHER = 16;

/**
 * Features that are made when a clip is needed. Clips wait for one another, so that few frames are in memory.
 * @throws ValueError when grids are asked for and the encoder has none
 */
export function encodedFrames(
  encoder: Encoder,
  sampling: Sampling,
  { grid = false, onNote }: { readonly grid?: boolean; readonly onNote?: Decoding['onNote'] } = {},
): FrameReader {
  const { pooled, grid: gridShape } = encoder.outputs;
  if (grid && !gridShape) throw new ValueError(`${encoder.name} has vectors only, no grids`);
  const [C = 0, H = 0, W = 0] = gridShape ?? [];
  const turn = new Semaphore(1);
  const encode = async (one: AnyClip) => {
    const parts: Float32Array[] = [];
    const request = { sampling, size: TOGETHER, onNote };
    for await (const { values, count } of frameBatches(filmed(one).clip, encoder, request)) {
      const encoded = await encoder.encode(values, count, { grid });
      const fault = faultOfEncoded(encoded, encoder);
      if (fault !== undefined) throw new ValueError(`${one.id}: ${fault}: is the encoder damaged?`);
      parts.push(encoded.grid ? channelsLast(encoded.grid, [C, H, W]) : encoded.pooled);
    }
    return preparedSequence({ D: grid ? C * H * W : pooled, values: joined(parts) });
  };
  return {
    shape: grid ? [H * W, C] : [pooled],
    locations: grid ? [H, W] : undefined,
    read: (clip) => turn.run(1, () => encode(clip)),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    values.set(part, offset);
    offset += part.length;
  }
  return values;
}

/** A clip with frames. @throws UsageError for a sequence of numbers */
export function filmed({ id, clip }: AnyClip): FilmedClip {
  if (!('D' in clip)) return { id, clip };
  throw new UsageError(
    `${id} is a sequence of numbers: it has no frames that an encoder could see`,
  );
}
