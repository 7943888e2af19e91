// Kernels and whole training steps on several threads against one: the same work in turns, on two
// engines of one process, and first whether both compute the same to the bit.
//
//   node bench/threads.mjs [--threads 2] [--repeats 20]
//
// GLIMPSE_BLAS=off takes the products from the SIMD kernel, which is shared, too.
import { availableParallelism } from 'node:os';
import { captions, normal, sizes } from './captioner-inputs.mjs';
import {
  Captioner,
  classify,
  Engine,
  engine,
  fullClassifier,
  openThreads,
  planClassifier,
  Random,
  randomNormal,
  scope,
  softmaxLoss,
  tensor,
  useEngine,
  valueAndGradients,
} from './glimpse.mjs';
import { inScope, machine, median, numberOption, publish, table } from './tools.mjs';

const threads = numberOption('threads', availableParallelism());
const repeats = numberOption('repeats', 20);
const { blas, blasAbsent } = engine();
const options = blas ? { blas } : { absent: blasAbsent };
const alone = new Engine(options);
const shared = new Engine({ ...options, threads: openThreads(threads) });
if (!shared.pool) {
  console.log(`  skipped: ${shared.threadsAbsent}`);
  process.exit(0);
}
shared.pool.start();
while (shared.pool.ready < threads - 1) await new Promise((later) => setTimeout(later, 10));

const { H, V } = sizes;
const N = 128;
/** The 3 x 3 layer of 64 maps of 28 x 28 that some kernels are measured on. */
const [C, S] = [64, 28];
const window = [1, S, S, 1, 3, 3, 1, 1, 1, 0, 1, 1, 1, 1, 1, S, 0, 1, 0, S];
const pool = [1024, 28, 28, 2, 2, 2, 2, 0, 0, 14, 14];
/** Kernel, elements of its arrays in order, and the arguments as they follow or stand between them. */
const kernels = [
  ['tanh', [2 ** 18, 2 ** 18], (x, y) => [x, y, 2 ** 18]],
  ['tanh', [2 ** 14, 2 ** 14], (x, y) => [x, y, 2 ** 14]],
  ['gelu', [2 ** 18, 2 ** 18], (x, y) => [x, y, 2 ** 18]],
  ['relu', [2 ** 22, 2 ** 22], (x, y) => [x, y, 2 ** 22]],
  ['add', [2 ** 22, 2 ** 22, 2 ** 22], (x, y, z) => [x, y, z, 2 ** 22]],
  ['lstmCell', [N * 4 * H, 4 * H, N * H, N * H, N * H, N * H], (...on) => [...on, N, H]],
  ['gruCell', [N * 3 * H, N * 3 * H, 3 * H, H, N * H, N * H, N * H], (...on) => [...on, N, H]],
  ['softmaxRows', [N * V, N * V], (s, w) => [s, w, N, V]],
  ['scaledLayerNorm', [N * H, H, H, N * H, N * H, N], (...on) => [...on, N, H, 1e-5]],
  ['im2col', [C * S * S, C * 9 * S * S], (x, y) => [x, y, 1, 0, C, ...window]],
  ['col2im', [C * S * S, C * 9 * S * S], (x, y) => [x, y, 1, 0, C, ...window]],
  ['addBias', [C * S * S, C], (y, b) => [y, b, C, S * S, S * S, 0]],
  ['maxPool', [1024 * 784, 1024 * 196, 64], (x, y, row) => [x, y, row, ...pool]],
  ['maxPoolBackward', [1024 * 784, 1024 * 196, 1024 * 784], (...on) => [...on, ...pool]],
  [
    'bilinearSample',
    [N * 42 * 42, N * 28 * 28 * 2, N * 28 * 28],
    (...on) => [...on, N, 1, 42, 42, 784, 0, 0, 0],
  ],
  ['product', [N * H, H * 4 * H, N * 4 * H], (...on) => product(N, 4 * H, H, ...on)],
  ['product', [2048 * H, H * V, 2048 * V], (...on) => product(2048, V, H, ...on)],
];
const figures = { machine: machine(), threads, blas: blas?.name ?? null, kernels: [], steps: [] };

const rows = [];
for (const [name, lengths, args] of kernels) {
  const [one, several] = [alone, shared].map((on) => kernelCall(on, name, lengths, args));
  const calls = Math.max(1, Math.round(5 / timed(one.call)));
  several.call();
  const figure = { name, elements: lengths[0], ...inTurns(one.call, several.call, calls) };
  rows.push(row(`${name} (${lengths[0]})`, figure, one.values(), several.values()));
  figures.kernels.push(figure);
  one.free();
  several.free();
}
report('Kernels, f32 (products by the SIMD kernel)', rows);

const stepRows = [];
for (const [name, make] of Object.entries({
  'captioner N=128': (on) => captionerStep(on, N),
  'captioner N=25': (on) => captionerStep(on, 25),
  'cnn N=32': (on) => classifierStep(on, false),
  'st-cnn N=32': (on) => classifierStep(on, true),
})) {
  const [one, several] = [alone, shared].map((on) => make(on));
  for (let warm = 0; warm < 2; warm++) for (const step of [one, several]) step();
  const figure = { name, ...inTurns(one, several, 1) };
  stepRows.push(row(name, figure, one(), several()));
  figures.steps.push(figure);
}
const products = blas ? `${blas.name}, ${blas.threads()} threads` : 'SIMD kernel';
report(`Training steps, forward and backward (products: ${products})`, stepRows);
shared.pool.stop();
publish(figures);

function product(m, n, k, a, b, c) {
  return [false, false, m, n, k, 1, a, k, b, n, 0, c, n];
}

/** A kernel on arrays of its own. Products go to the SIMD kernel. */
function kernelCall(on, name, lengths, args) {
  const random = new Random(1);
  const blocks = lengths.map((length) => on.heap.allocate(4 * length));
  const view = (at) => new Float32Array(on.heap.memory.buffer, blocks[at].pointer, lengths[at]);
  for (const at of blocks.keys()) view(at).set(normal(random, 1, lengths[at]).values);
  const given = args(...blocks);
  let call = () => on.kernels.f32[name](...given);
  if (name === 'product') {
    const [transA, transB, m, n, k, ...rest] = given;
    const scratch = on.heap.allocate(on.kernels.f32.gemmScratchBytes(m, n, k));
    blocks.push(scratch);
    call = () => on.kernels.f32.gemm(Number(transA), Number(transB), m, n, k, ...rest, scratch);
  }
  return {
    call,
    values: () => lengths.map((_, at) => view(at).slice()),
    free: () => {
      for (const block of blocks) on.heap.free(block);
    },
  };
}

function captionerStep(on, batch) {
  useEngine(on);
  const { D, W, T } = sizes;
  const config = { cell: 'lstm', featureSize: D, embeddingSize: W, hiddenSize: H, dropout: 0 };
  const model = new Captioner({ ...config, vocabularySize: V }, { random: new Random(1) });
  const features = randomNormal(new Random(2), [batch, D], 1, 'f32');
  const words = captions(new Random(3), batch, T, V);
  const said = tensor(words, { dtype: 'i32' }).view(batch, T + 1);
  return () => {
    useEngine(on);
    return inScope(scope, () => model.loss(features, said).loss.item());
  };
}

function classifierStep(on, transformer) {
  useEngine(on);
  const localised = { transform: 'affine', localisation: 'conv', window: [28, 28] };
  const plan = planClassifier(
    fullClassifier({
      network: 'cnn',
      picture: [1, 42, 42],
      classes: 10,
      transformers: transformer ? [localised] : [],
    }),
  );
  const parameters = initialise(classifierShapes(plan), new Random(1));
  const x = randomNormal(new Random(2), [32, 1, 42, 42], 1, 'f32');
  const targets = tensor(
    Int32Array.from({ length: 32 }, (_, i) => i % 10),
    { dtype: 'i32' },
  );
  return () => {
    useEngine(on);
    return inScope(scope, () => {
      const loss = (p) => softmaxLoss(classify(plan, p, x).scores, targets);
      return valueAndGradients(loss, parameters).value.item();
    });
  };
}

function timed(work) {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

/** Milliseconds of a call in turns of `calls` each, so that a busy moment hits both alike. */
function inTurns(one, several, calls) {
  const before = shared.pool.computed;
  const times = [[], []];
  for (let turn = 0; turn < repeats; turn++) {
    for (const [which, work] of [one, several].entries()) {
      const begin = performance.now();
      for (let call = 0; call < calls; call++) work();
      times[which].push((performance.now() - begin) / calls);
    }
  }
  const [a, b] = times;
  return {
    alone: { median: median(a), least: Math.min(...a) },
    shared: { median: median(b), least: Math.min(...b) },
    ratio: { median: median(a) / median(b), least: Math.min(...a) / Math.min(...b) },
    computedByWorkers: shared.pool.computed - before,
  };
}

function row(label, figure, one, several) {
  if (JSON.stringify(one) !== JSON.stringify(several)) {
    console.log(`  ${label}: results differ`);
    process.exitCode = 1;
  }
  return [
    label,
    figure.alone.median.toFixed(3),
    figure.shared.median.toFixed(3),
    figure.ratio.median.toFixed(2),
    figure.ratio.least.toFixed(2),
    String(figure.computedByWorkers),
  ];
}

function report(title, body) {
  console.log(`\n${title}: ms on 1 and on ${threads} threads, medians of ${repeats} turns`);
  console.log(table(['', '1', String(threads), 'ratio', 'of least', 'workers’ parts'], body));
}
