/** The frames of videos: decoded, taken and resized by the system's ffmpeg, without the whole being in memory. */
import { ClipError } from '../../errors.js';
import { begins, KIND_BYTES, latin1 } from '../formats/file-kinds.js';
import { readPlainStart } from '../formats/files.js';
import type { Pixels } from '../pictures/pixels.js';
import type { PictureSize } from '../pictures/preprocessing.js';
import type { ClipFile, TimedFrame } from './clip.js';
import { noFramesWithin, sizeChanges } from './clip-faults.js';
import { inputArguments, programOutput } from './ffmpeg.js';
import {
  type DecodedFrame,
  frameFilter,
  ShowinfoLines,
  type Taking,
  WRITTEN_RATE,
} from './frame-filter.js';
import { evenPlaces, type Sampling } from './sampling.js';
import { damageOf, faultOf } from './video-faults.js';
import { countPackets, videoHeader } from './video-header.js';

/** How a video is decoded. */
export interface Decoding {
  /** Default: as the frames are. */
  readonly size?: PictureSize | undefined;
  /** Seconds without a sign of life after which ffmpeg is ended (default: 60). */
  readonly patience?: number | undefined;
  /** Gets a sentence about damage that was covered up. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** Bytes of frames that are kept while it is not known how many there are. */
const KEPT = 64 * 2 ** 20;

/**
 * The frames of a video that are asked for, one after the other.
 * @throws ClipError when it is no video that can be decoded, has no frame in the part that is read, or is cut
 *   short (after the frames that there are); MissingDependencyError without ffmpeg.
 */
export function videoFrames(
  file: ClipFile,
  { frames, rate }: Sampling,
  decoding: Decoding,
): AsyncIterable<TimedFrame<3>> {
  return frames === undefined ? decoded(file, { rate }, decoding) : evenly(file, frames, decoding);
}

/** T frames, evenly over those that can be decoded, however many the file promises. */
async function* evenly(
  file: ClipFile,
  T: number,
  decoding: Decoding,
): AsyncGenerator<TimedFrame<3>, void> {
  // Of a short video all frames are kept until it is known which are meant.
  const kept: TimedFrame<3>[] = [];
  let bytes = 0;
  for await (const timed of decoded(file, {}, decoding)) {
    kept.push(timed);
    bytes += timed.frame.data.length;
    if (bytes > KEPT) break;
  }
  if (bytes <= KEPT) {
    yield* chosen(kept, evenPlaces(kept.length, T));
    return;
  }
  kept.length = 0;
  // A long one is read once more as its packets promise, and again where they were wrong.
  let N = await countPackets(file);
  for (let attempt = 0; attempt < 3; attempt++) {
    const found: TimedFrame<3>[] = [];
    const reading = decoded(file, { even: { N: Math.max(N, 1), T } }, decoding);
    let next = await reading.next();
    for (; !next.done; next = await reading.next()) found.push(next.value);
    if (next.value === N) {
      const places = evenPlaces(N, T);
      const different = [...new Set(places)];
      yield* chosen(
        found,
        places.map((place) => different.indexOf(place)),
      );
      return;
    }
    N = next.value;
  }
  throw new ClipError(file.path, 'has another number of frames each time that it is decoded');
}

function* chosen<T>(list: readonly T[], places: readonly number[]): Generator<T> {
  for (const place of places) {
    const item = list[place];
    if (item !== undefined) yield item;
  }
}

/** Decodes a video once. @returns how many frames there are, taken or not. */
async function* decoded(
  file: ClipFile,
  taking: Taking,
  { size, patience, onNote }: Decoding,
): AsyncGenerator<TimedFrame<3>, number> {
  const showinfo = new ShowinfoLines();
  const infos: DecodedFrame[] = [];
  const onLine = (line: string) => {
    const info = showinfo.read(line);
    if (info) infos.push(info);
  };
  const args = await decodingArguments(file, size, taking);
  const output = programOutput('ffmpeg', args, file.path, {
    onLine,
    patience,
  });
  const times = new FrameTimes(infos, taking);
  const pieces = new Pieces();
  try {
    for (;;) {
      const { done, value } = await output.next();
      if (!done) pieces.add(value);
      // What is told of a frame may arrive after its pixels, but before the end.
      for (;;) {
        const time = times.next;
        const { width, height } = size ?? steadySize(file.path, infos);
        const data = time === undefined ? undefined : pieces.take(width * height * 3);
        if (time === undefined || data === undefined) break;
        times.step();
        yield { frame: { width, height, channels: 3, data }, time };
      }
      if (!done) continue;
      if (infos.length === 0)
        throw value.isGood ? await noFrames(file) : await faultOf(file.path, value);
      const note = damageOf(file.path, value, infos.length);
      if (note !== undefined) onNote?.(note);
      return infos.length;
    }
  } finally {
    await output.return({ isGood: true, complaints: [] });
  }
}

async function decodingArguments(
  { path, from = 0, to }: ClipFile,
  size: PictureSize | undefined,
  taking: Taking,
): Promise<string[]> {
  const length = to === undefined ? undefined : to - from;
  const { isIndexed, isTimeless } = await wayOfStoring(path);
  const isSought = from > 0 && isIndexed;
  const skip = isSought ? undefined : from;
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'repeat+level+info'],
    ...(isSought ? ['-ss', from.toFixed(6)] : []),
    ...inputArguments(path),
    // V: no pictures that belong to a piece of music.
    ...['-map', '0:V:0', '-vf', frameFilter(size, { skip, length, ...taking })],
    // The rate alone keeps ffmpeg from repeating frames wherever the file has times.
    ...(isTimeless ? ['-vsync', 'passthrough'] : []),
    ...['-r', String(WRITTEN_RATE), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

/** What the first bytes of a video tell of how its frames are stored. */
async function wayOfStoring(path: string) {
  const start = await readPlainStart(path, KIND_BYTES);
  const isAtom = /^(?:ftyp|moov|mdat|wide|free|skip)$/.test(latin1(start, 4, 8));
  // MP4 and QuickTime, Matroska and WebM. In others ffmpeg, asked to begin at a place, may begin behind it
  // (MPEG-TS), or nowhere (H.264 alone), or half a frame off (AVI): they are decoded from the start.
  const isIndexed = isAtom || begins(start, '\x1a\x45\xdf\xa3');
  // H.264, H.265 and JPEG pictures one after the other, without anything around them.
  const isTimeless = !isIndexed && begins(start, '\0\0\x01', '\0\0\0\x01', '\xff\xd8\xff');
  return { isIndexed, isTimeless };
}

/** When the frames that are taken are shown, one after the other. */
class FrameTimes {
  readonly #infos: readonly DecodedFrame[];
  readonly #rate: number | undefined;
  /** The places of those that are taken; undefined: all. */
  readonly #places: readonly number[] | undefined;
  #k = 0;
  #time = 0;

  constructor(infos: readonly DecodedFrame[], { rate, even }: Taking) {
    this.#infos = infos;
    this.#rate = rate;
    if (even) this.#places = [...new Set(evenPlaces(even.N, even.T))];
  }

  /** The next one's; undefined while it is not known. */
  get next(): number | undefined {
    if (this.#rate !== undefined) return this.#infos.length > 0 ? this.#k / this.#rate : undefined;
    const info = this.#infos[this.#places ? (this.#places[this.#k] ?? this.#k) : this.#k];
    // Times that are missing or go back, as in damaged files, stand still.
    return info && Math.max(this.#time, info.time ?? 0);
  }

  step(): void {
    this.#time = this.next ?? this.#time;
    this.#k++;
  }
}

/** The size that all frames have. @throws ClipError when it changes */
function steadySize(
  path: string,
  infos: readonly DecodedFrame[],
): Pick<Pixels, 'width' | 'height'> {
  const [first] = infos;
  if (!first) return { width: 0, height: 0 };
  const { width, height } = first;
  const other = infos.at(-1);
  if (other && (other.width !== width || other.height !== height)) {
    throw sizeChanges(path, first, other);
  }
  return { width, height };
}

/** Cuts bytes that come in chunks into pieces. */
class Pieces {
  #chunks: Uint8Array[] = [];
  #length = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** So many bytes, if they are there. */
  take(size: number): Uint8Array | undefined {
    if (this.#length < size) return undefined;
    const piece = new Uint8Array(size);
    let filled = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, size - filled);
      piece.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        this.#chunks[used] = chunk.subarray(part.length);
        break;
      }
      used++;
    }
    this.#chunks = this.#chunks.slice(used);
    this.#length -= size;
    return piece;
  }
}

async function noFrames(file: ClipFile): Promise<ClipError> {
  const { path, from, to } = file;
  if (from === undefined && to === undefined) return new ClipError(path, 'has no frames');
  const { duration } = await videoHeader(path);
  return noFramesWithin(file, duration);
}
