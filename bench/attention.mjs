// The training step of an LSTM captioner with additive attention, forward and backward, against
// PyTorch: first that both compute the same, then how long each takes.
//
//   node bench/attention.mjs [--rounds 3] [--repeats 3]
import { sizes, writeInputs } from './attention-inputs.mjs';
import { machine, numberOption, publish } from './tools.mjs';
import { against, inTurns, node, report, torchVariants } from './turns.mjs';

/** What the project set out to reach against PyTorch. */
const target = 1.5;

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 3);

const ours = (key, label, environment) => ({
  key,
  label,
  run: (manifest) => node('attention-step.mjs', manifest, repeats, environment),
});
const competitors = [
  ours('glimpse', 'glimpse'),
  ours('simd', 'glimpse without BLAS', { GLIMPSE_BLAS: 'off' }),
  ...torchVariants('attention_torch', repeats),
];

const { N, L, D, W, H, A, E, V, T } = sizes;
const entries = await inTurns(competitors, rounds, writeInputs);
const { text, data, agree } = report(
  `\nLSTM with additive attention, one training step: N=${N} L=${L} D=${D} E=${E} A=${A} W=${W} H=${H} V=${V} T=${T}, f32, ${rounds} rounds of everybody in turn, milliseconds`,
  entries,
  ({ took, own, products: { share }, best }) => {
    const lines = [`  ${(100 * share).toFixed(1)} % of the step inside the product`];
    const [asItComes, torch] = [took.find(({ key }) => key === 'torch'), best('torch')];
    if (asItComes) lines.push(against(asItComes, own, ' as it comes', target));
    if (torch) lines.push(against(torch, own, ` at its best (${torch.label})`, target));
    return lines;
  },
);
console.log(text);
publish({ machine: machine(), sizes, rounds, ...data });
if (!agree) process.exitCode = 1;
