/** What the file of a video says of itself, by ffprobe. */
import { z } from 'zod';
import type { ClipFile } from './clip.js';
import { noVideo } from './clip-faults.js';
import { inputArguments, programLines } from './ffmpeg.js';
import { faultOf } from './video-faults.js';

/** What a clip's file says; it may be wrong about what can be decoded. */
export interface ClipHeader {
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

/** ffprobe writes numbers as texts, and leaves out or calls N/A what it does not know. */
const numeric = z.coerce.number().finite().optional().catch(undefined);
const schema = z.object({
  streams: z
    .array(
      z.object({
        codec_name: z.string().default('unknown'),
        width: z.int().default(0),
        height: z.int().default(0),
        avg_frame_rate: z.string().default('0/0'),
        duration: numeric,
        nb_frames: numeric,
        side_data_list: z.array(z.object({ rotation: numeric })).default([]),
      }),
    )
    .default([]),
  format: z.object({ duration: numeric }).default({ duration: undefined }),
});

/**
 * What a video's file says of itself.
 * @throws ClipError when it is no video, or one with frames that are too large; MissingDependencyError.
 */
export async function videoHeader(path: string): Promise<ClipHeader> {
  const lines: string[] = [];
  const ending = await programLines(
    'ffprobe',
    [
      ...['-loglevel', 'repeat+level+warning', '-of', 'json'],
      ...['-select_streams', 'V:0', '-show_streams', '-show_format', ...inputArguments(path)],
    ],
    path,
    (line) => lines.push(line),
  );
  if (!ending.isGood) throw await faultOf(path, ending);
  const { streams, format } = schema.parse(JSON.parse(lines.join('\n')));
  const [stream] = streams;
  if (!stream) throw noVideo(path);
  const { width, height, avg_frame_rate, duration, nb_frames, side_data_list } = stream;
  if (width === 0 || height === 0) throw await faultOf(path, ending);
  const [frames = 0, seconds = 0] = avg_frame_rate.split('/').map(Number);
  const isTurned = side_data_list.some(({ rotation = 0 }) => Math.round(rotation / 90) % 2 !== 0);
  return {
    width: isTurned ? height : width,
    height: isTurned ? width : height,
    rate: frames > 0 && seconds > 0 ? frames / seconds : undefined,
    duration: duration ?? format.duration,
    frames: nb_frames,
    codec: stream.codec_name,
  };
}

/** How many frames the packets of a video promise in the part that is read, without decoding them. */
export async function countPackets({
  path,
  from = 0,
  to = Number.POSITIVE_INFINITY,
}: ClipFile): Promise<number> {
  let start = 0;
  const times: number[] = [];
  await programLines(
    'ffprobe',
    [
      ...['-loglevel', 'level+error', '-select_streams', 'V:0', '-of', 'csv'],
      ...['-show_entries', 'packet=pts_time,flags:format=start_time', ...inputArguments(path)],
    ],
    path,
    (line) => {
      const [kind, time, flags = ''] = line.split(',');
      if (kind === 'format') start = Number(time) || 0;
      // D: to be decoded, but not to be shown.
      if (kind === 'packet' && !flags.includes('D')) times.push(Number(time));
    },
  );
  // Those without a time count, too.
  return times.filter((time) => !(time - start < from || time - start >= to)).length;
}
