/** Runs the programs ffmpeg and ffprobe on files that are not trusted, and hands on what they write. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { ClipError, MissingDependencyError } from '../../errors.js';
import { LARGEST_FRAME } from './clip-faults.js';

/** Seconds without a sign of life after which a program is taken to hang. */
const PATIENCE = 60;

/** Complaints that are kept, the last one besides. */
const KEPT_COMPLAINTS = 50;
const LONGEST_COMPLAINT = 300;

/**
 * The formats that are read, by ffmpeg's names. Not among them: playlists and scripts, which open other files
 * or the network (HLS, DASH, concat, AviSynth, SDP), numbered pictures, and text that is drawn.
 */
const FORMATS = [
  ...['mov', 'matroska', 'avi', 'mpegts', 'mpeg', 'mpegvideo', 'flv', 'live_flv', 'asf', 'ogg'],
  ...['h264', 'hevc', 'vvc', 'm4v', 'obu', 'ivf', 'mxf', 'nut', 'rm', 'dv', 'vc1', 'wtv', 'gxf'],
  ...['mjpeg', 'mpjpeg', 'h261', 'h263', 'yuv4mpegpipe', 'swf', 'cavsvideo', 'nuv', '4xm', 'roq'],
  // Those of sound, to say that there is no video in them.
  ...['mp3', 'aac', 'flac', 'wav', 'aiff', 'amr', 'ac3', 'caf'],
];

/** What a program is told of the file that it opens: to open only that, and no frame beyond the limit. */
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
  /** What it complained of: "[avi @ 0x5581] [error] ..." */
  readonly complaints: readonly string[];
}

export interface ProgramOptions {
  /** What the program reads from its standard input; none by default. */
  readonly input?: Uint8Array | undefined;
  /** Gets each line that the program writes beside its output, without the line's end. */
  readonly onLine?: (line: string) => void;
  /** Seconds without a sign of life after which the program is ended (default: 60). */
  readonly patience?: number | undefined;
}

/**
 * Runs a program and hands on the bytes of its output. It waits while they are not taken, and is ended when
 * nobody takes more. The lines that it writes before it ends have been handed on when this ends.
 *
 * @param path the file that it reads, for errors.
 * @throws MissingDependencyError when it is not installed; ClipError when it hangs.
 */
export async function* programOutput(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  path: string,
  { input, onLine, patience = PATIENCE }: ProgramOptions = {},
): AsyncGenerator<Uint8Array, Ending> {
  // FFREPORT would make it write a log into the folder where we are.
  const { FFREPORT: _, ...environment } = process.env;
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { ...environment, LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
    windowsHide: true,
  });
  const ended = endOf(child);
  // A program that ends early reads no more; how it ended says why.
  child.stdin.on('error', () => undefined).end(input);
  let isHanging = false;
  const watch = () =>
    setTimeout(() => {
      isHanging = true;
      child.kill('SIGKILL');
    }, patience * 1000);
  let timer = watch();
  const complaints: string[] = [];
  eachLine(child.stderr, (line) => {
    timer.refresh();
    if (COMPLAINT.test(line)) {
      if (complaints.length > KEPT_COMPLAINTS) complaints.pop();
      complaints.push(line.slice(0, LONGEST_COMPLAINT));
    }
    onLine?.(line);
  });
  try {
    for await (const chunk of child.stdout) {
      clearTimeout(timer);
      yield chunk;
      timer = watch();
    }
    const code = await ended;
    if (!isHanging) return { isGood: code === 0, complaints };
    throw new ClipError(
      path,
      `cannot be read: ${program} did nothing for ${patience} seconds and was ended; is the disk that the file lies on within reach?`,
    );
  } catch (error) {
    throw asMissing(program, error);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
  }
}

/** Runs a program and hands on its output line by line. @throws as `programOutput` */
export async function programLines(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  path: string,
  onLine: (line: string) => void,
): Promise<Ending> {
  const lines = new Lines(onLine);
  const decoder = new TextDecoder();
  const output = programOutput(program, args, path);
  for (;;) {
    const { done, value } = await output.next();
    if (done) {
      lines.end();
      return value;
    }
    lines.add(decoder.decode(value, { stream: true }));
  }
}

/** Lines of these levels are complaints (`-loglevel level+info`). */
const COMPLAINT = /\[(?:warning|error|fatal|panic)\] /;

/** Its exit code when it has ended and all that it wrote was read; -1 when it was ended. */
function endOf(child: ChildProcess): Promise<number> {
  const ended = new Promise<number>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle(code ?? -1));
  });
  // It may fail before anybody waits for it.
  ended.catch(() => undefined);
  return ended;
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const lines = new Lines(onLine);
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => lines.add(text));
  stream.on('end', () => lines.end());
}

/** Cuts a text that comes in pieces into lines. */
class Lines {
  #rest = '';
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }

  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }
}

function asMissing(program: string, error: unknown): unknown {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (!isMissing) return error;
  return new MissingDependencyError(
    `Videos are decoded by the program "${program}", which is not installed: apt-get install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS) or winget install ffmpeg (Windows)`,
    { cause: error },
  );
}
