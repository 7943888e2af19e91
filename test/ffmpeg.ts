/** The system's ffmpeg, for tests that need it and make small videos with it. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe } from 'vitest';

export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

/** A `describe` block that needs ffmpeg: skipped, saying so, where there is none. */
export function describeWithFfmpeg(name: string, body: () => void): void {
  if (hasFfmpeg) {
    describe(name, body);
    return;
  }
  const reason = 'skipped: no ffmpeg (apt-get install ffmpeg)';
  console.warn(`${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, body);
}

/** Runs ffmpeg, or ffprobe, and gives what it writes. */
export async function ffmpeg(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', ...args]);
  return stdout;
}

export async function ffprobe(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', ...args]);
  return stdout;
}

/**
 * The input for ffmpeg of a film in which frame n is of one colour, 5 n red: it says of each pixel which frame
 * it is of. At most 51 frames.
 */
export function countingFilm(frames: number, { width = 16, height = 12 } = {}): string[] {
  const source = `color=black:s=${width}x${height}:r=25:d=${frames / 25}`;
  return ['-f', 'lavfi', '-i', `${source},format=gbrp,geq=r='N*5':g=0:b=99`];
}

/** A codec without loss, in colours as they are. */
export const LOSSLESS = ['-c:v', 'ffv1', '-pix_fmt', 'bgr0'];
