// The LSTM captioner's training step, forward and backward, against numpy, PyTorch and
// TensorFlow.js: first that all compute the same, then how long each takes.
//
//   node bench/captioner.mjs [--rounds 3] [--repeats 5]
import { existsSync } from 'node:fs';
import { sizes, writeInputs } from './captioner-inputs.mjs';
import { here, machine, numberOption, publish } from './tools.mjs';
import { against, inTurns, node, py, report, torchVariants } from './turns.mjs';

/** What the project set out to reach on N = 128. */
const targets = { numpy: 1.8, torch: 2.5, productShare: 0.85 };

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 5);
/** Repeats of the slow ones. */
const few = Math.max(2, repeats >> 1);

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
  {
    key: 'numpy',
    label: 'numpy',
    run: (manifest) => py('captioner_numpy', manifest, repeats, machine().cores),
  },
  ...torchVariants('captioner_torch', repeats),
  {
    key: 'tfjs',
    label: 'tfjs-wasm',
    run: (manifest) => node('peers/captioner_tfjs.mjs', manifest, few),
    absent: () =>
      existsSync(here('node_modules/@tensorflow/tfjs-core'))
        ? undefined
        : 'not installed (npm ci in bench/)',
  },
];

const figures = { machine: machine(), sizes, rounds, batches: {} };
let failed = false;
for (const N of [128, 25]) {
  const entries = await inTurns(competitors, rounds, (folder) => writeInputs(folder, N));
  const { D, W, H, V, T } = sizes;
  const { text, data, agree } = report(
    `\nLSTM captioner, one training step: N=${N} D=${D} W=${W} H=${H} V=${V} T=${T}, f32, ${rounds} rounds of everybody in turn, milliseconds`,
    entries,
    (standings) => verdicts(N, standings),
  );
  console.log(text);
  figures.batches[N] = data;
  failed ||= !agree;
}
publish(figures);
if (failed) process.exitCode = 1;

/** What the figures mean, with the targets beside them where there are any. */
function verdicts(N, { took, own, products: { share }, best }) {
  const target = (key) => (N === 128 ? targets[key] : undefined);
  const wanted = target('productShare');
  const met = wanted && ` (target >= ${100 * wanted} %: ${share >= wanted ? 'met' : 'missed'})`;
  const lines = [`  ${(100 * share).toFixed(1)} % of the step inside the product${met ?? ''}`];
  const [numpy, torch] = [best('numpy'), best('torch')];
  const torchAsItComes = took.find((entry) => entry.key === 'torch');
  if (numpy) lines.push(against(numpy, own, '', target('numpy')));
  if (torchAsItComes) lines.push(against(torchAsItComes, own, ' as it comes', target('torch')));
  if (torch) lines.push(against(torch, own, ` at its best (${torch.label})`, target('torch')));
  const [withoutBlas, tfjs] = [best('simd'), best('tfjs')];
  if (withoutBlas && tfjs) {
    const ratio = tfjs.median / withoutBlas.median;
    lines.push(`  without BLAS, one thread each: ${ratio.toFixed(2)} times as fast as tfjs-wasm`);
  }
  return lines;
}
