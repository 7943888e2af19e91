// 3-D convolutions against PyTorch, forward and backward apart, on one thread and on all cores. First that both
// compute the same, then how long each takes.
//
//   node bench/convolution3d.mjs [--rounds 2] [--repeats 3] [--only c3d]
import { layers, writeLayer3d } from './convolution3d-inputs.mjs';
import {
  here,
  machine,
  median,
  numberOption,
  publish,
  python,
  runForJson,
  table,
  wordOption,
} from './tools.mjs';
import { disagreement, inTurns } from './turns.mjs';

/** What the project set out to reach: against the better of PyTorch's two ways, and against `slow_conv3d`. */
const targets = { best: 1, slow: 2 };
const passes = ['forward', 'backward'];

const rounds = numberOption('rounds', 2);
const repeats = numberOption('repeats', 3);
const counts = ['--warmup', '1', '--repeats', String(repeats)];

function ours(name, threads) {
  const environment = { GLIMPSE_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  const script = here('convolution3d-step.mjs');
  const run = (manifest) =>
    runForJson(process.execPath, [script, manifest, '--layer', name, ...counts], environment);
  return { key: 'glimpse', label: 'glimpse', run };
}

function torch({ options, dtype = 'f32' }, threads, policy, slow) {
  const script = here('peers/convolution3d_torch.py');
  const how = ['--options', JSON.stringify(options), '--dtype', dtype, '--threads', threads];
  const all = [...how.map(String), ...(slow ? ['--slow'] : []), ...counts];
  const environment = { OMP_WAIT_POLICY: policy };
  const run = (manifest) => runForJson(python, [script, manifest, ...all], environment);
  return { key: 'torch', label: policy ? 'torch, passive waiting' : 'torch', run };
}

/** Everybody on one layer and so many threads; how PyTorch's threads wait matters where there are several. */
async function compare(name, threads) {
  const layer = layers[name];
  const policies = threads > 1 ? ['', 'PASSIVE'] : ['PASSIVE'];
  const competitors = [
    ours(name, threads),
    ...policies.flatMap((policy) => [
      torch(layer, threads, policy, false),
      torch(layer, threads, policy, true),
    ]),
  ];
  const entries = await inTurns(competitors, rounds, (folder) => writeLayer3d(folder, layer));
  const took = entries.filter((entry) => entry.runs.length > 0);
  const [own, ...peers] = took;
  const { x, W, options, title } = layer;
  console.log(
    `\n${title}: x ${x.join(' x ')}, W ${W.join(' x ')}, ${JSON.stringify(options)}, ${layer.dtype ?? 'f32'}, ${threads} thread${threads > 1 ? 's' : ''}; milliseconds`,
  );
  for (const { label, skipped } of entries) if (skipped) console.log(`  ${label}: ${skipped}`);
  if (own?.key !== 'glimpse') return null;
  const disagreements = peers.flatMap((peer) => disagreement(peer, own));
  if (disagreements.length > 0) {
    console.log(['  No ratios, for the results differ:', ...disagreements].join('\n    '));
    process.exitCode = 1;
    return { disagreements };
  }
  for (const entry of took) {
    entry.path = entry.runs[0].path ?? '';
    for (const pass of passes) entry[pass] = median(entry.runs.flatMap((run) => run[pass]));
  }
  const rows = took.map((entry) => [
    `${entry.label} ${entry.path}`,
    ...passes.flatMap((pass) => [
      entry[pass].toFixed(1),
      `${(entry[pass] / own[pass]).toFixed(2)}x`,
    ]),
  ]);
  console.log(table(['', ...passes.flatMap((pass) => [pass, 'of glimpse'])], rows));
  const ratios = {};
  for (const [which, target] of Object.entries(targets)) {
    const among = which === 'best' ? peers : peers.filter(({ path }) => path.startsWith('Slow'));
    if (among.length === 0) continue;
    const said = passes.map((pass) => {
      const ratio = Math.min(...among.map((peer) => peer[pass])) / own[pass];
      ratios[`${which} ${pass}`] = ratio;
      return `${pass} ${ratio.toFixed(2)} (${ratio >= target ? 'met' : 'missed'})`;
    });
    const whom = which === 'best' ? "PyTorch's best" : 'its slow path';
    console.log(`  times as fast as ${whom}, target ${target}: ${said.join(', ')}`);
  }
  const published = took.map(({ label, path, forward, backward }) => {
    return { label, path, forward, backward };
  });
  return { threads, ratios, peers: published };
}

const { cores } = machine();
const figures = {};
for (const name of wordOption('only', Object.keys(layers))) {
  figures[name] = [];
  for (const threads of cores > 1 ? [1, cores] : [1]) {
    figures[name].push(await compare(name, threads));
  }
}
publish({ machine: machine(), rounds, ...figures });
