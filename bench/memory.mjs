// 10,000 training steps of a small captioner: memory stays where it is after the first.
//
//   node --expose-gc bench/memory.mjs [--steps 10000]
import { Adam, Captioner, engine, Random, randomNormal, scope, tensor } from './glimpse.mjs';
import { inScope, machine, numberOption, publish, table } from './tools.mjs';

/**
 * What the process may grow by after step 1,000. Until then Node compiles and sets its heap's size;
 * later it still moves by a few MiB as the garbage collector and malloc keep or return pages.
 * Losing one tensor of the smallest kind a step, 64 bytes on the heap, adds 0.5 MiB over 9,000
 * steps and shows in the heap, which has to stay exactly as it is; losing a JavaScript object of
 * 1 KiB a step adds 9 MiB and shows here.
 */
const allowedGrowth = 8 * 2 ** 20;

const steps = numberOption('steps', 10_000);
const marks = [0.01, 0.1, 0.5, 1].map((share) => Math.round(share * steps));
const [N, T] = [4, 6];
const config = {
  featureSize: 16,
  embeddingSize: 16,
  hiddenSize: 24,
  vocabularySize: 40,
  dropout: 0,
};

const random = new Random(0);
const model = new Captioner({ cell: 'lstm', ...config }, { random });
const features = randomNormal(random, [N, config.featureSize]);
const words = Int32Array.from({ length: N * (T + 1) }, () => 3 + (random.uint32() % 37));
const captions = tensor(words, { shape: [N, T + 1], dtype: 'i32' });
const optimiser = new Adam(model.parameters);

const readings = [];
for (let step = 1; step <= steps; step++) {
  const loss = inScope(scope, () => {
    const { loss, gradients } = model.loss(features, captions);
    optimiser.step(model.parameters, gradients, { rate: 1e-3 });
    return loss.item();
  });
  if (!marks.includes(step)) continue;
  globalThis.gc?.();
  const { usedBytes, reservedBytes } = engine().heap;
  readings.push({ step, loss, usedBytes, reservedBytes, rss: process.memoryUsage.rss() });
}

const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(2);
console.log(`\nMemory over ${steps} steps of a small captioner (loss and Adam in a scope), MiB`);
console.log(
  table(
    ['after step', 'loss', 'heap used', 'heap reserved', 'process'],
    readings.map(({ step, loss, usedBytes, reservedBytes, rss }) => [
      step,
      loss.toFixed(3),
      mebibytes(usedBytes),
      mebibytes(reservedBytes),
      mebibytes(rss),
    ]),
  ),
);
const [first, second, , last] = readings;
const complaints = [];
for (const name of ['usedBytes', 'reservedBytes']) {
  const grown = last[name] - first[name];
  if (grown > 0) complaints.push(`the engine's heap grew by ${grown} bytes (${name})`);
}
const grown = last.rss - second.rss;
if (grown > allowedGrowth) {
  complaints.push(
    `the process grew by ${mebibytes(grown)} MiB, more than ${mebibytes(allowedGrowth)}`,
  );
}
if (!(last.loss < first.loss)) {
  complaints.push(`the loss did not fall: ${first.loss} to ${last.loss}`);
}
console.log(
  complaints.length > 0
    ? `  FAILED: ${complaints.join('; ')}`
    : `  The heap did not grow after step ${first.step}; the process by ${mebibytes(Math.max(0, grown))} MiB after step ${second.step} (allowed: ${mebibytes(allowedGrowth)}).`,
);
if (complaints.length > 0) process.exitCode = 1;
publish({ machine: machine(), readings, complaints });
