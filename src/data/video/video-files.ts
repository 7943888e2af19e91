/** Videos: what their files say, and their frames, by the system's ffmpeg. */
import { z } from 'zod';
import { ClipError } from '../../errors.js';
import { otherKindOf } from '../formats/files.js';
import type { PictureSize } from '../pictures/photos.js';
import type { Pixels } from '../pictures/pixels.js';
import type { ClipFile } from './clip.js';
import { type Ending, inputArguments, programOutput, programText } from './ffmpeg.js';
import { type DecodedFrame, frameFilter, ShowinfoLines, WRITTEN_RATE } from './frame-filter.js';
import { evenPlaces, type Sampling } from './sampling.js';

/** What a video's header says; it may be wrong about what can be decoded. */
export interface VideoHeader {
  /** Pixels as a player shows them: turned, if the file says so. */
  readonly width: number;
  readonly height: number;
  /** Frames a second, on average; undefined where it is not said. */
  readonly rate: number | undefined;
  /** Seconds. */
  readonly duration: number | undefined;
  readonly frames: number | undefined;
  /** `h264`, `vp9`, `gif`, ... */
  readonly codec: string;
}

const number = z.coerce.number().optional().catch(undefined);
const headerSchema = z.object({
  streams: z.array(
    z.object({
      codec_name: z.string().default('unknown'),
      width: z.int().default(0),
      height: z.int().default(0),
      avg_frame_rate: z.string().default('0/0'),
      duration: number,
      nb_frames: number,
      side_data_list: z.array(z.object({ rotation: number })).default([]),
    }),
  ),
  format: z.object({ duration: number }).default({ duration: undefined }),
});

/** What the header of a video says. @throws ClipError; MissingDependencyError */
export async function probeVideo(path: string): Promise<VideoHeader> {
  let text = '';
  const args = ['-v', 'level+warning', '-select_streams', 'V:0', '-show_streams', '-show_format'];
  const ending = await programText(
    'ffprobe',
    [...args, '-of', 'json', ...inputArguments(path)],
    path,
    (part) => {
      text += part;
    },
  );
  if (!ending.isGood) throw await unreadable(path, ending);
  const { streams, format } = headerSchema.parse(JSON.parse(text));
  const [stream] = streams;
  if (!stream) throw new ClipError(path, 'has no video in it, only sound or other data');
  const [frames = 0, seconds = 0] = stream.avg_frame_rate.split('/').map(Number);
  const turns = stream.side_data_list.some(({ rotation = 0 }) => Math.round(rotation / 90) % 2);
  return {
    width: turns ? stream.height : stream.width,
    height: turns ? stream.width : stream.height,
    rate: frames > 0 && seconds > 0 ? frames / seconds : undefined,
    duration: stream.duration ?? format.duration,
    frames: stream.nb_frames,
    codec: stream.codec_name,
  };
}

/** The error for a file that ffmpeg cannot read. */
async function unreadable(path: string, { complaints }: Ending): Promise<ClipError> {
  const other = await otherKindOf(path);
  const said = complaints.at(-1) ?? 'it does not say why';
  return new ClipError(
    path,
    other === undefined || other.includes('film')
      ? `is no video that can be decoded: ffmpeg says "${said}"`
      : `is no video that can be decoded: it ${other}`,
  );
}

/** A frame of a video, as RGB. */
export interface VideoFrame {
  readonly frame: Pixels;
  /** Seconds from the begin of the part that is read. */
  readonly time: number;
}

/**
 * The frames of a video, one after the other, taken and resized by ffmpeg.
 * @param size undefined: as the frames are.
 * @throws ClipError; MissingDependencyError
 */
export async function* videoFrames(
  file: ClipFile,
  size: PictureSize | undefined,
  sampling: Sampling,
): AsyncGenerator<VideoFrame, void> {
  if (sampling.frames === undefined) {
    yield* decoded(file, size, sampling, 0);
    return;
  }
  const T = sampling.frames;
  // What the packets promise is nearly always true; where it is not, the video is read once more.
  let promised = await countPackets(file);
  for (;;) {
    const found: VideoFrame[] = [];
    const decoding = decoded(file, size, sampling, promised);
    let next = await decoding.next();
    for (; !next.done; next = await decoding.next()) found.push(next.value);
    const N = next.value;
    if (N === promised) {
      const places = [...new Set(evenPlaces(N, T))];
      for (const place of evenPlaces(N, T)) {
        const frame = found[places.indexOf(place)];
        if (frame) yield frame;
      }
      return;
    }
    promised = N;
  }
}

/** Decodes once. @returns how many frames there are, taken or not. */
async function* decoded(
  { path, from = 0, to }: ClipFile,
  size: PictureSize | undefined,
  sampling: Sampling,
  promised: number,
): AsyncGenerator<VideoFrame, number> {
  const infos: DecodedFrame[] = [];
  const showinfo = new ShowinfoLines();
  let onInfo = () => {};
  const output = programOutput(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'repeat+level+info'],
      ...(from > 0 ? ['-ss', String(from)] : []),
      ...(to === undefined ? [] : ['-t', String(to - from)]),
      ...[...inputArguments(path), '-map', '0:V:0', '-an', '-sn', '-dn'],
      ...['-vf', frameFilter(size, sampling, Math.max(promised, 1))],
      ...['-r', String(WRITTEN_RATE), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    path,
    {
      onLine: (line) => {
        const info = showinfo.read(line);
        if (!info) return;
        infos.push(info);
        onInfo();
      },
    },
  );
  const places =
    sampling.frames === undefined ? [] : [...new Set(evenPlaces(promised, sampling.frames))];
  let taken = 0;
  let time = 0;
  let assembler: Assembler | undefined;
  const timeOf = (k: number): number => {
    if (sampling.rate !== undefined) return k / sampling.rate;
    return infos[places[k] ?? k]?.time ?? time;
  };
  const infoOf = async (k: number) => {
    const place = sampling.rate === undefined ? (places[k] ?? k) : 0;
    while (infos.length <= place)
      await new Promise<void>((done) => {
        onInfo = done;
      });
  };
  try {
    for (;;) {
      const { done, value } = await output.next();
      if (done) {
        if (!value.isGood && infos.length === 0) throw await unreadable(path, value);
        if (infos.length === 0) throw new ClipError(path, 'has no frames');
        return infos.length;
      }
      await infoOf(taken);
      const { width = 0, height = 0 } = size ?? infos[0] ?? {};
      assembler ??= new Assembler(width * height * 3);
      for (const data of assembler.add(value)) {
        await infoOf(taken);
        time = Math.max(time, timeOf(taken));
        taken++;
        yield { frame: { width, height, channels: 3, data }, time };
      }
    }
  } finally {
    await output.return({ isGood: true, complaints: [] });
  }
}

/** Cuts a stream of bytes into pieces of one size. */
class Assembler {
  readonly #size: number;
  #piece: Uint8Array;
  #filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#piece = new Uint8Array(size);
  }

  /** The pieces that are complete with these bytes. */
  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let place = 0; place < bytes.length; ) {
      const part = bytes.subarray(place, place + this.#size - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      place += part.length;
      if (this.#filled < this.#size) return;
      yield this.#piece;
      this.#piece = new Uint8Array(this.#size);
      this.#filled = 0;
    }
  }
}

/** How many frames the packets of a video promise, in the part that is read. */
async function countPackets({
  path,
  from = 0,
  to = Number.POSITIVE_INFINITY,
}: ClipFile): Promise<number> {
  let start = 0;
  let count = 0;
  let rest = '';
  const isWhole = from === 0 && to === Number.POSITIVE_INFINITY;
  const onLine = (line: string) => {
    const [kind, ...fields] = line.split('|');
    const field = (name: string) =>
      fields.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
    if (kind !== 'packet') {
      start = Number(field('start_time')) || 0;
      return;
    }
    if (field('flags')?.includes('D')) return;
    times.push(Number(field('pts_time') ?? field('dts_time')));
  };
  const times: number[] = [];
  await programText(
    'ffprobe',
    [
      ...['-v', 'level+error', '-select_streams', 'V:0'],
      ...['-show_entries', 'packet=pts_time,dts_time,flags:format=start_time', '-of', 'compact'],
      ...inputArguments(path),
    ],
    path,
    (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
  );
  for (const time of times) if (isWhole || (time - start >= from && time - start < to)) count++;
  return count;
}
