/** Extraction of features as people see it: a line of progress, and how fast it was. */
import { type ExtractionProgress, extractFeatures, type Photo } from '../features/extract.js';
import {
  extractFrames,
  type FilmedClip,
  type FrameExtractionOptions,
} from '../features/extract-frames.js';
import type { Encoder } from '../models/encoders/encoder.js';
import type { ProgressLine } from './kind.js';

/** Where people see it. */
export interface Shown {
  note(text: string): void;
  readonly progress: (label: string, total: number) => ProgressLine;
}

/** What all extractions are told, besides their own. */
interface Asked {
  readonly out: string;
  readonly grid: boolean;
  readonly batchSize: number;
  readonly skipBad: boolean;
  readonly restart?: boolean;
}

/** Extracts features of photos, shows the progress, and returns how fast that was. @throws as `extractFeatures` */
export async function extractPhotos(
  photos: readonly Photo[],
  encoder: Encoder,
  { skipBad, ...asked }: Asked,
  shown: Shown,
) {
  const onBadPhoto = skipBad ? 'skip' : 'stop';
  const { speed, ...result } = await shownWork('photos', photos.length, shown, (onProgress) =>
    extractFeatures(photos, encoder, { ...asked, onBadPhoto, onProgress }),
  );
  return { ...result, photosPerSecond: speed };
}

/** The same of clips. @throws as `extractFrames` */
export async function extractClips(
  clips: readonly FilmedClip[],
  encoder: Encoder,
  { skipBad, ...asked }: Asked & Pick<FrameExtractionOptions, 'sampling' | 'set'>,
  shown: Shown,
) {
  const onBadClip = skipBad ? 'skip' : 'stop';
  const { speed, ...result } = await shownWork('clips', clips.length, shown, (onProgress) =>
    extractFrames(clips, encoder, { ...asked, onBadClip, onProgress }),
  );
  return { ...result, clipsPerSecond: speed };
}

/** @param begin the work, which tells how far it is. */
async function shownWork<
  R extends { readonly resumed: number; readonly skipped: readonly unknown[] },
>(
  things: string,
  total: number,
  { note, progress }: Shown,
  begin: (onProgress: (progress: ExtractionProgress) => void) => Promise<R>,
): Promise<R & { readonly seconds: number; readonly speed: number }> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const line = progress('encoding', total);
  let before: number | undefined;
  try {
    const result = await begin(({ done, skipped }) => {
      before ??= done;
      const facts = `${((done - before) / seconds()).toFixed(1)} ${things}/s`;
      line.update(done, skipped > 0 ? `${facts}, ${skipped} skipped` : facts);
    });
    line.stop();
    if (result.resumed > 0) note(`continued: ${result.resumed} ${things} were done already`);
    return { ...result, seconds: seconds(), speed: (total - result.resumed) / seconds() };
  } finally {
    line.stop();
  }
}
