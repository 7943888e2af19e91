// A video to the frames of a network: 1,189 frames of 1080p as 112 x 112, against ffmpeg alone.
//
//   node bench/video.mjs [--frames 1189] [--rounds 5]
//
// ffmpeg alone decodes the same file through the same filter and throws the pixels away; it says nothing of
// frames' times, which we read from it. Both take turns. What is read has to be what ffmpeg's own checksum
// says, to the byte. Needs ffmpeg with an encoder for H.264.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameFilter } from '../dist/data/video/frame-filter.js';
import { clipFrames, readClip } from '../dist/node.js';
import { machine, median, numberOption, publish, table } from './tools.mjs';

const frames = numberOption('frames', 1189);
const rounds = numberOption('rounds', 5);
const size = { width: 112, height: 112, resize: 'squash' };
/** Times what ffmpeg alone takes. */
const target = 1.15;

const folder = mkdtempSync(join(tmpdir(), 'glimpse-bench-video-'));
const path = join(folder, 'film.mp4');

/** Runs ffmpeg; its output as text. */
function ffmpeg(...args) {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done(text) : fail(new Error(`ffmpeg ended with ${code}`)),
    );
  });
}

/** The filter without what tells of the frames' times. */
const filter = frameFilter(size, {}).replace(/^showinfo[^,]*,/, '');
const alone = (...output) =>
  ffmpeg('-i', path, '-map', '0:V:0', '-vf', filter, '-r', '25', '-pix_fmt', 'rgb24', ...output);

const subjects = {
  'ffmpeg alone': () => alone('-f', 'rawvideo', devNull),
  'all frames, one by one': async () => {
    let count = 0;
    for await (const _ of clipFrames({ path }, { size })) count++;
    return count;
  },
  'all frames as a clip': async () => (await readClip({ path }, { size })).times.length,
  '16 frames, evenly': async () =>
    (await readClip({ path }, { size, sampling: { frames: 16 } })).times.length,
  '2 frames a second': async () =>
    (await readClip({ path }, { size, sampling: { rate: 2 } })).times.length,
};
const counts = {
  'all frames, one by one': frames,
  'all frames as a clip': frames,
  '16 frames, evenly': 16,
  '2 frames a second': Math.ceil((frames / 30) * 2),
};

try {
  const source = `testsrc2=s=1920x1080:r=30:d=${frames / 30}`;
  await ffmpeg(
    ...['-f', 'lavfi', '-i', source, '-frames:v', String(frames)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', path],
  );
  const hash = createHash('md5');
  for await (const { frame } of clipFrames({ path }, { size })) hash.update(frame.data);
  const [, expected] = /MD5=(\w+)/.exec(await alone('-f', 'md5', '-')) ?? [];
  if (hash.digest('hex') !== expected) throw new Error('the pixels are not those of ffmpeg alone');

  const seconds = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(subjects)) {
      const start = performance.now();
      const count = await run();
      seconds[name].push((performance.now() - start) / 1000);
      if (name in counts && count !== counts[name]) {
        throw new Error(`${name}: ${count} frames, not ${counts[name]}`);
      }
    }
  }

  console.log(`\n${frames} frames of 1920 x 1080 (H.264) to 112 x 112, ${rounds} rounds`);
  const middle = (name) => median(seconds[name]);
  const least = (name) => Math.min(...seconds[name]);
  console.log(
    table(
      ['', 'seconds', 'frames/s', 'to ffmpeg alone', 'least times'],
      Object.keys(subjects).map((name) => [
        name,
        middle(name).toFixed(2),
        (frames / middle(name)).toFixed(0),
        (middle(name) / middle('ffmpeg alone')).toFixed(3),
        (least(name) / least('ffmpeg alone')).toFixed(3),
      ]),
    ),
  );
  const ratio = least('all frames, one by one') / least('ffmpeg alone');
  console.log(
    `  ${ratio <= target ? 'reached' : 'MISSED'}: at most ${target} times as long as ffmpeg alone`,
  );
  publish({ machine: machine(), frames, seconds });
} finally {
  rmSync(folder, { recursive: true });
}
