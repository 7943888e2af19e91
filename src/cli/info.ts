/** `glimpse info`: shows the engine in use, its threads and its measured speed. */
import { Command } from 'commander';
import { type Engine, engine, scope } from '../engine/engine.js';
import { Random } from '../random.js';
import { matmul } from '../tensor/arithmetic.js';
import { randomUniform } from '../tensor/create.js';
import { packageVersion } from '../version.js';
import { answer } from './terminal.js';

/** `glimpse info`: which engine multiplies matrices, with how many threads, how fast. */
export function infoCommand(): Command {
  return new Command('info')
    .description('show the engine in use, its threads and its measured speed')
    .option('--json', 'print one JSON document; errors are JSON, too')
    .action(({ json }: { json?: boolean }) => {
      const current = engine();
      const threads = current.blas ? current.blas.threads() : current.threads;
      const gflops = measure(current);
      const facts = {
        version: packageVersion,
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        engine: current.productEngine,
        blas: current.blas ? { name: current.blas.name, path: current.blas.path } : null,
        threads,
        kernelThreads: current.threads,
        gflops,
      };
      answer(json, facts, [
        `glimpse ${facts.version} on Node ${facts.node} (${facts.platform})`,
        current.blas
          ? `matrix products: ${current.blas.name}, from ${current.blas.path}`
          : `matrix products: own SIMD kernel (${current.blasAbsent})`,
        `threads: ${threads || 'unknown'}`,
        `threads of other kernels: ${current.threads}${current.threadsAbsent && ` (${current.threadsAbsent})`}`,
        `speed: ${gflops.toFixed(1)} GFLOP/s (1024 x 1024 x 1024, f32, best of 10)`,
      ]);
    });
}

function measure(current: Engine): number {
  using _work = scope();
  const n = 1024;
  const random = new Random(1);
  const a = randomUniform(random, [n, n], -1, 1);
  const b = randomUniform(random, [n, n], -1, 1);
  const c = matmul(a, b);
  const times = Array.from({ length: 10 }, () => {
    const { products } = current.profileProducts(() => matmul(a, b, { into: c }));
    return products.flops / products.milliseconds / 1e6;
  });
  return Math.max(...times);
}
