// GFLOP/s of the matrix product: the system's BLAS and the SIMD kernel on every shape that a
// captioner step has, numpy and PyTorch beside them on 1024 x 1024 x 1024.
//
//   node bench/gemm.mjs [--repeats 10]
import { sizes } from './captioner-inputs.mjs';
import {
  Engine,
  engine,
  matmul,
  Random,
  randomNormal,
  scope,
  transposed,
  useEngine,
} from './glimpse.mjs';
import {
  here,
  inScope,
  machine,
  median,
  numberOption,
  publish,
  python,
  runForJson,
  table,
} from './tools.mjs';

const repeats = numberOption('repeats', 10);
const { D, W, H, V, T } = sizes;
const N = 128;

/** Name, m, n, k and which factor is read transposed. */
const shapes = [
  ['square', 1024, 1024, 1024, ''],
  ['projection', N, H, D, ''],
  ['x Wx, all steps', T * N, 4 * H, W, ''],
  ['h Wh, one step', N, 4 * H, H, ''],
  ['scores', T * N, V, H, ''],
  ['dh of the scores', T * N, H, V, 'B'],
  ['dWvocab', H, V, T * N, 'A'],
  ['dh, one step', N, H, 4 * H, 'B'],
  ['dx, all steps', T * N, W, 4 * H, 'B'],
  ['dWx', W, 4 * H, T * N, 'A'],
  ['dWh', H, 4 * H, T * N, 'A'],
];
/** The two engines add up in another order: largest difference, relative to the largest value. */
const tolerance = 1e-5;

const system = engine();
const kernel = new Engine();
const rows = [];
const figures = { machine: machine(), blas: system.blas?.name ?? null, products: [], peers: [] };
for (const [name, m, n, k, flag] of shapes) {
  const simd = measure(kernel, m, n, k, flag);
  const blas = system.blas && measure(system, m, n, k, flag);
  if (blas && !(difference(blas.values, simd.values) <= tolerance)) {
    console.log(`  ${name}: BLAS and the SIMD kernel disagree, so no figures`);
    process.exitCode = 1;
    continue;
  }
  rows.push([
    name,
    `${m} x ${n} x ${k}${flag && ` ${flag}ᵀ`}`,
    blas ? blas.median.toFixed(0) : '-',
    blas ? blas.best.toFixed(0) : '-',
    simd.median.toFixed(0),
    simd.best.toFixed(0),
  ]);
  const { values: _, ...simdFigures } = simd;
  const { values: __, ...blasFigures } = blas ?? {};
  figures.products.push({ name, m, n, k, transposed: flag, blas: blasFigures, simd: simdFigures });
}
const described = system.blas
  ? `${system.blas.name}, ${system.blas.threads()} threads`
  : `no BLAS: ${system.blasAbsent}`;
console.log(`\nMatrix product, GFLOP/s in f32: ${described}; SIMD kernel, one thread`);
console.log(table(['', 'm x n x k', 'BLAS median', 'best', 'SIMD median', 'best'], rows));

const peers = await runForJson(python, [here('peers/gemm_numpy.py'), '--repeats', String(repeats)]);
if (peers.skipped) console.log(`  numpy and torch: skipped, ${peers.skipped}`);
for (const { peer, version, gflops, milliseconds } of peers.results ?? []) {
  const best = (2 * peers.size ** 3) / (Math.min(...milliseconds) * 1e6);
  const label = `${peer} ${version}, ${peers.threads} threads, ${peers.size} cubed`;
  console.log(`  ${label}: ${gflops.toFixed(0)} GFLOP/s, at best ${best.toFixed(0)}`);
  figures.peers.push({ peer, version, threads: peers.threads, size: peers.size, gflops, best });
}
publish(figures);

/** A product on one engine, from the same inputs on every engine. */
function measure(on, m, n, k, flag) {
  const previous = useEngine(on);
  try {
    return inScope(scope, () => {
      const random = new Random(1);
      const a = randomNormal(random, flag === 'A' ? [k, m] : [m, k]);
      const b = randomNormal(random, flag === 'B' ? [n, k] : [k, n]);
      const into = randomNormal(random, [m, n]);
      const product = () =>
        matmul(flag === 'A' ? transposed(a) : a, flag === 'B' ? transposed(b) : b, { into });
      for (let run = 0; run < 2; run++) product();
      const speeds = [];
      for (let run = 0; run < repeats; run++) {
        const begin = performance.now();
        product();
        speeds.push((2 * m * n * k) / ((performance.now() - begin) * 1e6));
      }
      return { median: median(speeds), best: Math.max(...speeds), values: into.dataSync() };
    });
  } finally {
    useEngine(previous);
  }
}

function difference(a, b) {
  let [most, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(a[i]));
  }
  return most / largest;
}
