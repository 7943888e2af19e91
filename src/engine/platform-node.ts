/** What Node offers the engine: the system's BLAS through koffi, and worker threads. */
import { availableParallelism } from 'node:os';
import { isMainThread, Worker } from 'node:worker_threads';
import { MissingDependencyError, UsageError } from '../errors.js';
import type { Blas, Platform } from './blas.js';
import type { Threads } from './crew.js';
import { nodeRequire } from './require-node.js';

/** Where each system keeps a BLAS with the CBLAS interface, fastest first. */
const candidates: Record<string, readonly string[]> = {
  linux: [
    'libmkl_rt.so.2',
    'libmkl_rt.so',
    'libopenblas.so.0',
    'libopenblas.so',
    'libopenblasp.so.0',
    'libblis.so.4',
    'libblis.so.3',
    'libblis.so',
  ],
  darwin: [
    '/System/Library/Frameworks/Accelerate.framework/Accelerate',
    '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
    '/usr/local/opt/openblas/lib/libopenblas.dylib',
    'libopenblas.dylib',
  ],
  win32: ['libopenblas.dll', 'openblas.dll', 'mkl_rt.2.dll', 'mkl_rt.dll'],
};

/** Of the CBLAS interface. */
const [ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED] = [101, 111, 112];
const gemmSignatures = [
  ['cblas_sgemm', 'float'],
  ['cblas_dgemm', 'double'],
].map(
  ([name, type]) =>
    `void ${name}(int, int, int, int, int, int, ${type}, ${type}*, int, ${type}*, int, ${type}, ${type}*, int)`,
);

/**
 * Node: `GLIMPSE_BLAS` chooses. `auto` (the default) tries the usual names, `off` uses none, and
 * anything else is the path of a library, which then has to work.
 */
export const platform: Platform = {
  openBlas() {
    const choice = process.env.GLIMPSE_BLAS ?? 'auto';
    if (choice === 'off') return { absent: 'GLIMPSE_BLAS=off' };
    if (choice !== 'auto') return openNamed(choice);
    if (!koffi()) return { absent: 'the package koffi, which opens it, is not installed' };
    const names = candidates[process.platform] ?? [];
    for (const name of names) {
      try {
        return open(name);
      } catch {
        // The next one.
      }
    }
    return {
      absent: `no BLAS found (looked for ${names.join(', ') || 'none on this system'}); on Debian: apt install libopenblas0-pthread`,
    };
  },
  threadsChoice: () => process.env.GLIMPSE_THREADS,
  // A program that has threads of its own wants no more in each of them.
  openThreads: () => ({ count: isMainThread ? availableParallelism() : 1, start: startThread }),
};

/**
 * `products(start, koffi)` of a worker, as text: those of the BLAS that the engine uses, as kernels like
 * those of `oneAfterTheOther`.
 */
const productsProgram = `
function products({ library, memory }, koffi) {
  const { load } = require(koffi);
  return ${JSON.stringify(gemmSignatures)}.map((signature, i) => {
    const gemm = load(library).func(signature);
    const View = [Float32Array, Float64Array][i];
    // A library's first call in a thread takes memory, which is no time to be waited for.
    gemm(${ROW_MAJOR}, ${NOT_TRANSPOSED}, ${NOT_TRANSPOSED}, 64, 64, 64, 1, new View(4096), 64, new View(4096), 64, 0, new View(4096), 64);
    const transposed = (yes) => (yes ? ${TRANSPOSED} : ${NOT_TRANSPOSED});
    return (transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, strideA, strideB, strideC, count) => {
      const { buffer } = memory;
      for (let j = 0; j < count; j++) {
        const [va, vb, vc] = [new View(buffer, a + j * strideA), new View(buffer, b + j * strideB), new View(buffer, c + j * strideC)];
        gemm(${ROW_MAJOR}, transposed(transA), transposed(transB), m, n, k, alpha, va, lda, vb, ldb, beta, vc, ldc);
      }
    };
  });
}
`;

const startThread: Threads['start'] = (program, start, lost) => {
  const products = start.library ? 'products(workerData, workerData.koffi)' : '[]';
  const script = `${productsProgram}${program}
const { workerData } = require('node:worker_threads');
serve(workerData, ${products});`;
  const worker = new Worker(script, {
    eval: true,
    workerData: start.library ? { ...start, koffi: nodeRequire().resolve('koffi') } : start,
    // What this process was told to load is none of its business.
    execArgv: [],
  });
  worker.on('error', lost);
  // A worker that waits for work keeps no program from ending.
  worker.unref();
  return () => void worker.terminate();
};

function openNamed(path: string): Blas {
  if (!koffi()) {
    throw new MissingDependencyError(
      `GLIMPSE_BLAS=${path} needs the package koffi: npm install koffi, or set GLIMPSE_BLAS=off`,
    );
  }
  try {
    return open(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `GLIMPSE_BLAS=${path}: not a library with cblas_sgemm and cblas_dgemm (${reason}). Use off, auto or the path of one.`,
    );
  }
}

function open(path: string): Blas {
  const library = koffi()?.load(path);
  if (!library) throw new MissingDependencyError('koffi is not installed');
  const [sgemm, dgemm] = gemmSignatures.map((signature) => library.func(signature));
  const optional = (declaration: string) => {
    try {
      return library.func(declaration);
    } catch {
      return undefined;
    }
  };
  const config = optional('str openblas_get_config()');
  const getThreads =
    optional('int openblas_get_num_threads()') ?? optional('int mkl_get_max_threads()');
  const setThreads =
    optional('void openblas_set_num_threads(int)') ?? optional('void MKL_Set_Num_Threads(int)');
  if (!sgemm || !dgemm) throw new TypeError('there are two signatures');
  const transpose = (yes: boolean) => (yes ? TRANSPOSED : NOT_TRANSPOSED);
  return {
    name: config ? describeOpenBlas(String(config())) : (path.split('/').at(-1) ?? path),
    path,
    threads: () => (getThreads ? Number(getThreads()) : 0),
    setThreads: (count) => void setThreads?.(count),
    gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
      const product = c instanceof Float32Array ? sgemm : dgemm;
      product(
        ROW_MAJOR,
        transpose(transA),
        transpose(transB),
        m,
        n,
        k,
        alpha,
        a,
        lda,
        b,
        ldb,
        beta,
        c,
        ldc,
      );
    },
  };
}

/** `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ... SkylakeX MAX_THREADS=64` to its telling words. */
function describeOpenBlas(config: string): string {
  const [name, version, ...rest] = config.split(/\s+/);
  const core = rest.filter((word) => !/^[A-Z_]+(=.*)?$/.test(word)).join(' ');
  return core ? `${name} ${version} (${core})` : `${name} ${version}`;
}

function koffi(): typeof import('koffi') | undefined {
  try {
    return nodeRequire()('koffi');
  } catch {
    return undefined;
  }
}
