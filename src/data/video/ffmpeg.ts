/** Runs the programs ffmpeg and ffprobe on files that are not trusted, and hands on what they write. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { ClipError, MissingDependencyError } from '../../errors.js';

/** Seconds without a sign of life after which a program hangs. */
const PATIENCE = 60;

/** Lines of complaint that are kept for a message. */
const KEPT_LINES = 8;
const LONGEST_LINE = 300;

/**
 * Most pixels of a frame, and most across and down: what the highest level (6.2) of H.265 and AV1 allows,
 * 8192 x 4352. A decoder keeps dozens of frames in memory.
 */
export const LARGEST_FRAME = 8192 * 4352;
export const LONGEST_FRAME_SIDE = 16_888;

/**
 * The formats that are read, by ffmpeg's names. Not among them: playlists and scripts, which open other files
 * or the network (HLS, DASH, concat, AviSynth, SDP), numbered pictures, and text that is drawn.
 */
const FORMATS = [
  ...['mov', 'matroska', 'webm', 'avi', 'mpegts', 'mpeg', 'mpegvideo', 'flv', 'live_flv', 'asf'],
  ...['ogg', 'h264', 'hevc', 'vvc', 'm4v', 'obu', 'av1', 'ivf', 'mxf', 'nut', 'rm', 'dv', 'vc1'],
  ...['wtv', 'mjpeg', 'mpjpeg', 'h261', 'h263', 'yuv4mpegpipe', 'gxf', 'swf', 'cavsvideo', 'nuv'],
  ...['y4m', 'mp4', 'mp3', 'aac', 'flac', 'wav', 'aiff', 'amr'],
];

/** What ffmpeg and ffprobe are told of the file that they open: only itself, and no frame beyond the limit. */
export function inputArguments(path: string): string[] {
  return [
    ...['-protocol_whitelist', 'file', '-format_whitelist', FORMATS.join(',')],
    ...['-max_pixels', String(LARGEST_FRAME)],
    // The prefix keeps a name that begins with "-", "concat:" or "http:" a name.
    ...['-i', `file:${resolve(path)}`],
  ];
}

/** How a program ended. */
export interface Ending {
  /** Whether it says that all went well. */
  readonly isGood: boolean;
  /** The last lines in which it complained. */
  readonly complaints: readonly string[];
}

export interface ProgramOptions {
  /** Gets each line that it writes beside its output, in order, without the line's end. */
  readonly onLine?: (line: string) => void;
  /** Seconds (default: 60) without a sign of life after which it is ended. */
  readonly patience?: number;
}

/**
 * Runs `ffmpeg` or `ffprobe` and hands on the bytes of its output. It waits while they are not taken, and is
 * ended when nobody takes more.
 * @param path the file, for errors.
 * @returns how it ended.
 * @throws MissingDependencyError when it is not installed; ClipError when it hangs.
 */
export async function* programOutput(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  path: string,
  { onLine, patience = PATIENCE }: ProgramOptions = {},
): AsyncGenerator<Uint8Array, Ending> {
  const { FFREPORT: _, ...environment } = process.env;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
    windowsHide: true,
  });
  const ended = endOf(child);
  let isHanging = false;
  const wait = () =>
    setTimeout(() => {
      isHanging = true;
      child.kill('SIGKILL');
    }, patience * 1000);
  let timer = wait();
  const complaints: string[] = [];
  readLines(child.stderr, (line) => {
    timer.refresh();
    if (COMPLAINT.test(line)) {
      complaints.push(line.replace(MARKS, '').slice(0, LONGEST_LINE));
      if (complaints.length > KEPT_LINES) complaints.shift();
    }
    onLine?.(line);
  });
  try {
    for await (const chunk of child.stdout) {
      clearTimeout(timer);
      yield chunk;
      timer = wait();
    }
    const code = await ended;
    if (!isHanging) return { isGood: code === 0, complaints };
    throw new ClipError(
      path,
      `${program} did nothing for ${patience} seconds and was ended: is the disk that the file lies on reachable?`,
    );
  } catch (error) {
    throw asMissing(program, error);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
  }
}

/** All that a program writes, as text. @throws as `programOutput` */
export async function programText(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  path: string,
  onText: (text: string) => void,
): Promise<Ending> {
  const decoder = new TextDecoder();
  const output = programOutput(program, args, path);
  for (;;) {
    const { done, value } = await output.next();
    if (done) return value;
    onText(decoder.decode(value, { stream: true }));
  }
}

/** Lines of this level are complaints; the level stands in brackets (`-loglevel level+info`). */
const COMPLAINT = /\[(?:warning|error|fatal|panic)\] /;
/** Who says something, where in memory it is, and how bad it is. */
const MARKS = /^(?:\[[^\]]*\] )+/;

/** Its exit code, when it has ended and all that it wrote was read; -1 when it was ended. */
function endOf(child: ChildProcess): Promise<number> {
  const ended = new Promise<number>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle(code ?? -1));
  });
  // It may fail before anybody waits for it.
  ended.catch(() => undefined);
  return ended;
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

function asMissing(program: string, error: unknown): unknown {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (!isMissing) return error;
  return new MissingDependencyError(
    `Videos are decoded by the program "${program}", which is not installed: apt-get install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS) or winget install ffmpeg (Windows)`,
    { cause: error },
  );
}
