import { valueAndGradients } from '@/autograd/tape.js';
import { leaves } from '@/autograd/tree.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { Engine, engine, scope, useEngine } from '@/engine/engine.js';
import { openThreads } from '@/engine/threads.js';
import { lstm } from '@/layers/recurrent/lstm.js';
import { Random } from '@/random.js';
import { randomUniform } from '@/tensor/create.js';

/** What a page has to show for itself. */
export interface LstmRun {
  /** What computed the products, and why not a BLAS. */
  engine: string;
  absent: string;
  /** The value and every gradient of one LSTM pass, by name. */
  results: Record<string, number[]>;
}

/** One LSTM forward and backward in float32, the same wherever it runs. */
export function runLstm(): LstmRun {
  using _work = scope();
  const random = new Random(31);
  const [N, T, D, H] = [3, 4, 5, 7];
  const uniform = (...shape: number[]) => randomUniform(random, shape, -1, 1);
  const parameters = {
    x: uniform(N, T, D),
    h0: uniform(N, H),
    c0: uniform(N, H),
    Wx: uniform(D, 4 * H),
    Wh: uniform(H, 4 * H),
    b: uniform(4 * H),
  };
  const { value, gradients } = valueAndGradients(({ x, h0, c0, Wx, Wh, b }) => {
    const { h, lastC } = lstm(x, h0, Wx, Wh, b, c0);
    const weights = new Random(32);
    return weightedSum([h, lastC], () => weights.uniform());
  }, parameters);
  const results: Record<string, number[]> = { value: [...value.dataSync()] };
  for (const [name, gradient] of leaves(gradients)) results[name] = [...gradient.dataSync()];
  return { engine: engine().productEngine, absent: engine().blasAbsent, results };
}

/** The same on an engine with threads, and alone. */
export interface ThreadsRun {
  /** Threads of the engine, why not more, and parts of calls that workers computed. */
  threads: number;
  absent: string;
  computed: number;
  shared: LstmRun['results'];
  alone: LstmRun['results'];
}

/** Shares every call that divides between `count` threads, where there may be so many. */
export async function runWithThreads(count: number): Promise<ThreadsRun> {
  const shared = new Engine({ threads: openThreads(count), sharing: { eager: true } });
  const { pool } = shared;
  const before = useEngine(new Engine());
  const alone = runLstm().results;
  useEngine(shared);
  pool?.start();
  while (pool && pool.ready < count - 1) await new Promise((later) => setTimeout(later, 10));
  let { results } = runLstm();
  while (pool && pool.computed === 0) results = runLstm().results;
  const { threads, threadsAbsent: absent } = shared;
  pool?.stop();
  useEngine(before);
  return { threads, absent, computed: pool?.computed ?? 0, shared: results, alone };
}
