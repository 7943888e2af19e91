// The LSTM captioner's training step, forward and backward, against numpy, PyTorch and
// TensorFlow.js: first that all compute the same, then how long each takes.
//
//   node bench/captioner.mjs [--rounds 3] [--repeats 5]
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sizes, writeInputs } from './captioner-inputs.mjs';
import {
  here,
  machine,
  median,
  numberOption,
  publish,
  python,
  runForJson,
  table,
} from './tools.mjs';

/** The loss agrees to this relative error. */
const lossTolerance = 1e-5;
/** A gradient's sum of squares agrees to this relative error. */
const squaresTolerance = 1e-4;
/** Its first values agree to this share of its root mean square. */
const valueTolerance = 1e-3;

/** What the project set out to reach on N = 128. */
const targets = { numpy: 1.8, torch: 2.5, productShare: 0.85 };

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 5);
/** Repeats of the slow ones. */
const few = Math.max(2, repeats >> 1);
const { cores } = machine();

/**
 * Who takes part. A program reads its threads and how they wait from the environment when it
 * starts, so every variant is a process of its own. An empty OMP_WAIT_POLICY is OpenMP's default.
 */
const competitors = [
  {
    key: 'glimpse',
    label: 'glimpse',
    run: (manifest) => node('captioner-step.mjs', manifest, repeats),
  },
  {
    key: 'simd',
    label: 'glimpse without BLAS',
    run: (manifest) => node('captioner-step.mjs', manifest, few, { GLIMPSE_BLAS: 'off' }),
  },
  { key: 'numpy', label: 'numpy', run: (manifest) => py('numpy', manifest, cores) },
  {
    key: 'torch',
    label: `torch, ${cores} threads, as it comes`,
    run: (manifest) => py('torch', manifest, cores, { OMP_WAIT_POLICY: '' }),
  },
  {
    key: 'torch',
    label: `torch, ${cores} threads, passive waiting`,
    run: (manifest) => py('torch', manifest, cores, { OMP_WAIT_POLICY: 'PASSIVE' }),
  },
  {
    key: 'torch',
    label: 'torch, 1 thread',
    run: (manifest) => py('torch', manifest, 1, { OMP_WAIT_POLICY: 'PASSIVE' }),
  },
  {
    key: 'tfjs',
    label: 'tfjs-wasm',
    run: (manifest) => node('peers/captioner_tfjs.mjs', manifest, few),
  },
];

function node(script, manifest, count, environment) {
  const args = [here(script), manifest, '--warmup', '2', '--repeats', String(count)];
  return runForJson(process.execPath, args, environment);
}

function py(peer, manifest, threads, environment) {
  const script = here(`peers/captioner_${peer}.py`);
  const counts = ['--warmup', '2', '--repeats', String(repeats), '--threads', String(threads)];
  return runForJson(python, [script, manifest, ...counts], environment);
}

const figures = { machine: machine(), sizes, rounds, batches: {} };
let failed = false;
for (const N of [128, 25]) {
  const { text, data, agree } = await batch(N);
  console.log(text);
  figures.batches[N] = data;
  failed ||= !agree;
}
publish(figures);
if (failed) process.exitCode = 1;

/** Rounds of everybody in turn, one process at a time, so that noise hits all alike. */
async function batch(N) {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-bench-'));
  const entries = competitors.map((one) => ({ ...one, runs: [], skipped: undefined }));
  try {
    const manifest = writeInputs(folder, N);
    for (let round = 0; round < rounds; round++) {
      for (const entry of entries) {
        if (entry.skipped) continue;
        entry.skipped = entry.label === 'tfjs-wasm' ? withoutTfjs() : undefined;
        if (entry.skipped) continue;
        const result = await entry.run(manifest);
        if (result.skipped) entry.skipped = result.skipped;
        else entry.runs.push(result);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return report(N, entries);
}

function withoutTfjs() {
  if (existsSync(here('node_modules/@tensorflow/tfjs-core'))) return undefined;
  return 'not installed (npm ci in bench/)';
}

function report(N, entries) {
  const { D, W, H, V, T } = sizes;
  const lines = [
    `\nLSTM captioner, one training step: N=${N} D=${D} W=${W} H=${H} V=${V} T=${T}, f32,`,
    `${rounds} rounds of everybody in turn, milliseconds`,
  ];
  const took = entries.filter((entry) => entry.runs.length > 0);
  const own = took.find((entry) => entry.key === 'glimpse');
  if (!own) return { text: `${lines.join(' ')}\n  ${entries[0].skipped}`, data: {}, agree: false };

  const disagreements = took.flatMap((entry) => disagreement(entry, own));
  const agree = disagreements.length === 0;
  for (const entry of took) entry.milliseconds = entry.runs.flatMap((run) => run.milliseconds);
  const ownMedian = median(own.milliseconds);
  const rows = took.map((entry) => [
    entry.label,
    entry.runs[0].threads,
    median(entry.milliseconds).toFixed(1),
    Math.min(...entry.milliseconds).toFixed(1),
    agree ? `${(median(entry.milliseconds) / ownMedian).toFixed(2)}x` : '-',
  ]);
  lines.push(table(['', 'threads', 'median', 'least', 'of glimpse'], rows));
  for (const { label, skipped } of entries)
    if (skipped) lines.push(`  ${label}: skipped, ${skipped}`);
  if (agree) lines.push(...verdicts(N, took, own, ownMedian));
  else lines.push('  No ratios, for the results differ:', ...disagreements.map((d) => `    ${d}`));
  const data = { agree, disagreements, products: productsOf(own), peers: took.map(published) };
  return { text: lines.join('\n'), data, agree };
}

function published({ label, runs, milliseconds }) {
  const { threads, version, blas } = runs[0];
  return { label, threads, version, blas, median: median(milliseconds), milliseconds };
}

/** Where two results differ by more than rounding. */
function disagreement(entry, own) {
  const [a, b] = [entry.runs[0], own.runs[0]];
  const found = [];
  if (!(Math.abs(a.loss - b.loss) <= lossTolerance * Math.abs(b.loss))) {
    found.push(`${entry.label}: the loss is ${a.loss}, ours ${b.loss}`);
  }
  for (const [name, theirs] of Object.entries(a.gradients)) {
    const mine = b.gradients[name];
    const [s, t] = [theirs.sum_of_squares, mine.sum_of_squares];
    if (!(Math.abs(s - t) <= squaresTolerance * t)) {
      found.push(`${entry.label}: the squares of d${name} sum to ${s}, ours to ${t}`);
    }
    const allowed = valueTolerance * Math.sqrt(t / mine.count);
    const far = theirs.first.findIndex((value, i) => !(Math.abs(value - mine.first[i]) <= allowed));
    if (far >= 0) {
      found.push(
        `${entry.label}: d${name}[${far}] is ${theirs.first[far]}, ours ${mine.first[far]}`,
      );
    }
  }
  return found;
}

/** Our matrix products: their share of the step and their speed, medians over all timed steps. */
function productsOf({ runs }) {
  const steps = runs.flatMap((run) =>
    run.products.map((product, i) => ({ ...product, step: run.milliseconds[i] })),
  );
  return {
    share: median(steps.map(({ milliseconds, step }) => milliseconds / step)),
    milliseconds: median(steps.map(({ milliseconds }) => milliseconds)),
    outside: median(steps.map(({ milliseconds, step }) => step - milliseconds)),
    gflops: median(steps.map(({ milliseconds, flops }) => flops / milliseconds / 1e6)),
    calls: steps[0].calls,
  };
}

/** What the figures mean, with the targets beside them where there are any. */
function verdicts(N, took, own, ownMedian) {
  const { share, milliseconds, outside, gflops, calls } = productsOf(own);
  const target = (value, wanted, shown) =>
    N === 128 ? ` (target ${shown}: ${value >= wanted ? 'met' : 'missed'})` : '';
  const best = (key) =>
    took
      .filter((entry) => entry.key === key)
      .sort((x, y) => median(x.milliseconds) - median(y.milliseconds))[0];
  const lines = [
    `  All agree: loss within ${lossTolerance}, squares of every gradient within ${squaresTolerance} (relative),`,
    `  first values within ${valueTolerance} of their root mean square.`,
    `  glimpse: ${own.runs[0].blas ?? 'no BLAS on this machine'}; ${calls} products take ${milliseconds.toFixed(1)} ms at ${gflops.toFixed(0)} GFLOP/s, the rest ${outside.toFixed(1)} ms:`,
    `  ${(100 * share).toFixed(1)} % of the step inside the product${target(share, targets.productShare, '>= 85 %')}`,
  ];
  const against = (peer, key, variant) => {
    const ratio = median(peer.milliseconds) / ownMedian;
    const verdict = target(ratio, targets[key], `>= ${targets[key]}`);
    return `  ${ratio.toFixed(2)} times as fast as ${key} ${peer.runs[0].version}${variant}${verdict}`;
  };
  const [numpy, torch] = [best('numpy'), best('torch')];
  const torchAsItComes = took.find((entry) => entry.key === 'torch');
  if (numpy) lines.push(against(numpy, 'numpy', ''));
  if (torchAsItComes) lines.push(against(torchAsItComes, 'torch', ' as it comes'));
  if (torch) lines.push(against(torch, 'torch', ` at its best (${torch.label})`));
  const [withoutBlas, tfjs] = [best('simd'), best('tfjs')];
  if (withoutBlas && tfjs) {
    const ratio = median(tfjs.milliseconds) / median(withoutBlas.milliseconds);
    lines.push(`  without BLAS, one thread each: ${ratio.toFixed(2)} times as fast as tfjs-wasm`);
  }
  return lines;
}
