import { valueAndGradients } from '../../src/autograd/tape.js';
import { leaves } from '../../src/autograd/tree.js';
import { weightedSum } from '../../src/autograd/weighted-sum.js';
import { engine, scope } from '../../src/engine/engine.js';
import { lstm } from '../../src/layers/lstm.js';
import { Random } from '../../src/random.js';
import { randomUniform } from '../../src/tensor/create.js';

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
