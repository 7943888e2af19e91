/** Reads many clips in turn, several at the same time, and goes on after those that cannot be read. */
import { isFaultOfFile } from '../formats/notes.js';
import type { Clip, ClipSource } from './clip.js';
import { type ClipRequest, readClip } from './read-clip.js';

/** How many clips are read. */
export interface ClipsRequest extends ClipRequest {
  /**
   * Whether clips that cannot be read are left out (default: the first of them ends the reading). What is
   * not the fault of a file, such as that ffmpeg is missing, ends it in any case.
   */
  readonly skip?: boolean | undefined;
  /** Gets each clip that is left out, and why. */
  readonly onSkip?: ((place: number, reason: Error) => void) | undefined;
}

/** A clip, and the place of its source in the list. */
export interface PlacedClip {
  readonly place: number;
  readonly clip: Clip;
}

/** Clips that are there, or on the way, before they are asked for. */
const AHEAD = 4;

/**
 * Reads the clips of a list in their order; few of them are in memory at the same time.
 * @throws as `readClip`
 */
export async function* readClips(
  sources: readonly ClipSource[],
  { skip = false, onSkip, ...request }: ClipsRequest = {},
): AsyncGenerator<PlacedClip, void> {
  type Outcome = { readonly clip: Clip } | { readonly reason: unknown };
  const begin = (source: ClipSource): Promise<Outcome> =>
    readClip(source, request).then(
      (clip) => ({ clip }),
      (reason: unknown) => ({ reason }),
    );
  const waiting: Promise<Outcome>[] = [];
  for (let place = 0; place < sources.length; place++) {
    const ahead = sources.slice(place + waiting.length, place + AHEAD);
    waiting.push(...ahead.map(begin));
    const outcome = await waiting.shift();
    if (!outcome) return;
    if ('clip' in outcome) {
      yield { place, clip: outcome.clip };
    } else {
      const { reason } = outcome;
      if (!skip || !isFaultOfFile(reason)) throw reason;
      onSkip?.(place, reason);
    }
  }
}
