/** What is wrong with a video, by what ffmpeg says of it. */
import { ClipError, MissingDependencyError } from '../../errors.js';
import { readPlainStart } from '../formats/files.js';
import { recognisePhoto } from '../pictures/photo-kinds.js';
import { frameTooLarge, noVideo } from './clip-faults.js';
import type { Ending } from './ffmpeg.js';

/** Who says something, where in memory it is, and how bad it is: `[avi @ 0x5581] [error] `. */
const MARKS = /^(?:\[[^\]]*\] )+/;

/** Whether a file ends before the video does, as far as its format tells. */
const CUT = /partial file|ended prematurely|moov atom not found|^\[(?:avi|flv)\b.*Packet corrupt/;

/** Why a video cannot be decoded. @param ending of the program that gave no frame of it. */
export async function faultOf(
  path: string,
  { complaints }: Ending,
): Promise<ClipError | MissingDependencyError> {
  const found = (pattern: RegExp) => {
    for (const line of complaints) {
      const match = pattern.exec(line);
      if (match) return match;
    }
    return undefined;
  };
  if (found(/Option '?checksum'? not found/)) {
    return new MissingDependencyError(
      'Videos are decoded by the program "ffmpeg", which is older than 4.4 here: install a newer one',
    );
  }
  const [, width, height] = found(/Picture size (\d+)x(\d+) (?:is invalid|exceeds)/) ?? [];
  if (width !== undefined && height !== undefined) {
    return frameTooLarge(path, width, height);
  }
  const [, format] = found(/^\[(\S+) @ .*Format not on whitelist/) ?? [];
  if (format !== undefined) {
    return new ClipError(
      path,
      PLAYLISTS.has(format)
        ? `is a list of other files or addresses (${format}), which is not followed: name the video itself`
        : `is of a format that is not read (${format}): convert it, ffmpeg -i <file> clip.mp4`,
    );
  }
  if (found(/Cannot determine format of input stream/)) {
    return new ClipError(
      path,
      'has no frames that can be decoded, whatever its header says: copy or download it again',
    );
  }
  if (found(/matches no streams|does not contain any stream/)) return noVideo(path);
  const { other = '' } = recognisePhoto(await readPlainStart(path, 4096));
  if (!other.includes('film') && found(/^\[error\] .*Invalid data found|only with low score/)) {
    return new ClipError(path, `is no video that can be decoded: it is ${other}`);
  }
  if (!found(CUT) && found(/error reading header/)) {
    return new ClipError(
      path,
      'is no video that can be decoded: its header is damaged; copy or download it again',
    );
  }
  return new ClipError(
    path,
    found(CUT)
      ? 'is no video that can be decoded: it is cut short, and what stands at its end is needed; copy or download it again'
      : `is no video that can be decoded: ffmpeg says "${(complaints.at(-1) ?? 'nothing').replace(MARKS, '')}"`,
  );
}

const PLAYLISTS: ReadonlySet<string> = new Set([
  ...['hls', 'applehttp', 'dash', 'concat', 'sdp', 'rtsp', 'avisynth', 'vapoursynth', 'imf'],
  'webm_dash_manifest',
]);

/**
 * What was wrong with a video of which frames were decoded.
 * @throws ClipError when it is cut short or damaged beyond use.
 * @returns a sentence on damage that the decoder covered up; undefined where there was none.
 */
export function damageOf(path: string, ending: Ending, frames: number): string | undefined {
  const { isGood, complaints } = ending;
  const errors = complaints.filter((line) => line.includes('[error] '));
  if (complaints.some((line) => CUT.test(line))) {
    throw new ClipError(
      path,
      `is cut short: only ${frames} frames of it can be decoded; copy or download it again`,
    );
  }
  const said = (errors[0] ?? complaints.at(-1) ?? 'nothing').replace(MARKS, '');
  if (!isGood) {
    throw new ClipError(path, `is damaged after ${frames} frames: ffmpeg says "${said}"`);
  }
  if (errors.length === 0) return undefined;
  return `${path}: is damaged, which may show in some of its ${frames} frames: ffmpeg says "${said}"`;
}
