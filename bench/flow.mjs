// Optical flow: Farneback's against OpenCV's, first that both are the same to a hundredth of a pixel, then how long
// each takes; then how long Horn and Schunck's and the hardwired layer take.
//
//   node bench/flow.mjs [--rounds 3] [--repeats 5] [--only clips]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases, writePairs } from './flow-inputs.mjs';
import {
  here,
  machine,
  median,
  numberOption,
  publish,
  runForJson,
  table,
  wordOption,
} from './tools.mjs';
import { node, py } from './turns.mjs';

/** Largest difference that both may have, in pixels. */
const tolerance = 1e-2;

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 5);
const { cores } = machine();
const threads = { GLIMPSE_THREADS: 'auto' };
const alone = (method, environment) => (manifest) => {
  const args = [here('flow-step.mjs'), manifest, '--warmup', '2', '--repeats', String(repeats)];
  return runForJson(process.execPath, [...args, '--method', method], environment);
};
const competitors = [
  { label: 'glimpse', run: (manifest) => node('flow-step.mjs', manifest, repeats) },
  {
    label: 'glimpse, threads',
    run: (manifest) => node('flow-step.mjs', manifest, repeats, threads),
  },
  { label: 'OpenCV, 1 thread', run: (manifest) => py('flow_opencv', manifest, repeats, 1) },
  {
    label: `OpenCV, ${cores} threads`,
    run: (manifest) => py('flow_opencv', manifest, repeats, cores),
  },
  { label: 'Horn and Schunck', run: alone('hornSchunck'), other: true },
  { label: 'hardwired layer', run: alone('hardwired'), other: true },
];

const figures = { machine: machine() };
for (const name of wordOption('only', Object.keys(cases))) figures[name] = await compare(name);
publish(figures);

/** Everybody in turn, on the pairs of a case. */
async function compare(name) {
  const { N, H, W, options } = cases[name];
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-flow-'));
  const entries = competitors
    .filter(({ label }) => label !== 'hardwired layer' || N >= 7)
    .map((one) => ({ ...one, milliseconds: [] }));
  try {
    const manifest = writePairs(folder, cases[name]);
    for (let round = 0; round < rounds; round++) {
      for (const entry of entries) {
        if (entry.skipped) continue;
        const { skipped, milliseconds = [], ...said } = await entry.run(manifest);
        Object.assign(entry, said, { skipped });
        entry.milliseconds.push(...milliseconds);
      }
    }
    const { winSize, iterations, window = 'box' } = options;
    console.log(
      `\n${name}: ${N} pairs of ${H} x ${W}, ${window} window of ${winSize}, ${iterations} iterations; milliseconds a pair, ${rounds} rounds of everybody in turn`,
    );
    const off = entries.some(({ label, skipped }) => label.startsWith('OpenCV') && !skipped)
      ? largestDifference(folder)
      : undefined;
    const agree = off === undefined || off <= tolerance;
    if (!agree) process.exitCode = 1;
    print(entries, N, agree);
    if (off !== undefined) {
      console.log(
        `  OpenCV's flow and ours differ by ${off.toExponential(1)} pixels at most${agree ? '' : `, more than ${tolerance}: no ratios`}`,
      );
    }
    return { off, entries: entries.map(({ label, milliseconds }) => ({ label, milliseconds })) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function print(entries, N, agree) {
  const own = entries[0];
  const per = (value) => (value / N).toFixed(3);
  const rows = entries
    .filter(({ milliseconds }) => milliseconds.length > 0)
    .map(({ label, milliseconds, threads: count, other }) => {
      const [middle, least] = [median(milliseconds), Math.min(...milliseconds)];
      const ratio = (value, ours) => (agree && !other ? `${(value / ours).toFixed(2)}x` : '-');
      return [
        label,
        count,
        per(middle),
        per(least),
        ratio(middle, median(own.milliseconds)),
        ratio(least, Math.min(...own.milliseconds)),
      ];
    });
  console.log(table(['', 'threads', 'median', 'least', 'of glimpse', 'by least'], rows));
  for (const { label, skipped } of entries)
    if (skipped) console.log(`  ${label}: skipped, ${skipped}`);
  const layer = entries.find(({ label }) => label === 'hardwired layer');
  if (layer?.milliseconds.length) {
    const clips = Math.floor(N / 7);
    console.log(
      `  hardwired layer: ${((1000 * clips) / median(layer.milliseconds)).toFixed(0)} clips of 7 frames a second`,
    );
  }
}

function largestDifference(folder) {
  const [ours, theirs] = ['glimpse.bin', 'opencv.bin'].map((file) => {
    const { buffer, byteOffset, byteLength } = readFileSync(join(folder, file));
    return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  });
  return theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
}
