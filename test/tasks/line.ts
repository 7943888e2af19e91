/** A toy kind of model, to show what a kind costs: a straight line through points, by least squares. */
import { z } from 'zod';
import { valueAndGradients } from '../../src/autograd/tape.js';
import { affine } from '../../src/layers/affine.js';
import { meanSquaredError } from '../../src/layers/mean-squared-error.js';
import { constant, initialise, normal } from '../../src/models/parameters.js';
import { randomAt } from '../../src/random.js';
import { tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { ModelParts } from '../../src/models/kind.js';
import { taskEntry } from '../../src/tasks/kind.js';
import { recipeSchema } from '../../src/training/recipe.js';
import type { Step, Task } from '../../src/training/task.js';

type Line = { readonly W: Tensor; readonly b: Tensor };

const config = z.object({
  deviation: z.number().positive().default(1).meta({
    flag: '--deviation <number>',
    help: 'of the first slope',
  }),
});

/** `points:<count>` of y = 3 x - 1. */
function points(specification: string) {
  const count = Number(specification.replace('points:', ''));
  const at = Array.from({ length: count }, (_, i) => i / count);
  return (indices: readonly number[]) => ({
    x: tensor(indices.map((i) => [at[i] ?? 0])),
    y: tensor(indices.map((i) => [3 * (at[i] ?? 0) - 1])),
    count,
  });
}

function error({ W, b }: Line, { x, y }: { x: Tensor; y: Tensor }): Tensor {
  return meanSquaredError(affine(x, W, b), y);
}

function task(line: Line, specification: string, { seed, batchSize }: z.infer<typeof recipeSchema>) {
  const batch = points(specification);
  const all = Array.from({ length: batch([]).count }, (_, i) => i);
  const batchesPerEpoch = Math.ceil(all.length / batchSize);
  async function* step(indices: readonly number[]): ReturnType<Step> {
    const { value, gradients } = valueAndGradients((p) => error(p, batch(indices)), line);
    yield { line: gradients };
    return { loss: { total: value.item() * indices.length, count: indices.length } };
  }
  return {
    groups: [{ name: 'line', parameters: line, share: 1 }],
    batchesPerEpoch,
    unit: 'points',
    *steps(epoch, from) {
      const order = randomAt(seed, 'order', epoch).shuffle([...all]);
      for (let n = from; n < batchesPerEpoch; n++) {
        yield () => step(order.slice(n * batchSize, (n + 1) * batchSize));
      }
    },
    measure: async () => ({ loss: error(line, batch(all)).item() }),
    worth: ({ loss = 0 }) => -loss,
  } satisfies Task;
}

export const line = taskEntry({
  kind: 'line',
  version: 1,
  summary: 'a straight line through points',
  datasets: 'points:<count>',
  config,
  configFlags: config,
  extras: z.object({}),
  recipe: recipeSchema,
  shapes: ({ deviation }) => ({ W: normal([1, 1], deviation), b: constant([1]) }),
  build: ({ parameters }: ModelParts<z.infer<typeof config>, object, Line>) => parameters,
  async prepare({ dataset, config: asked, recipe }, model) {
    const own = model?.opened.config ?? config.parse(asked);
    const parameters: Line =
      model?.opened.parameters ?? initialise<Line>(this.shapes(own), randomAt(recipe.seed, 'weights'));
    return {
      parts: () => ({ config: own, extras: {}, parameters, state: {}, attached: new Map() }),
      task: task(parameters, dataset, recipe),
      dataset: { name: dataset, fingerprint: dataset },
      headline: dataset,
    };
  },
  async evaluate([opened], { dataset }) {
    const { measure } = task(opened?.model ?? { W: tensor([[0]]), b: tensor([0]) }, dataset, recipeSchema.parse({}));
    const measured = await measure();
    return { value: measured, lines: [`loss ${measured.loss.toFixed(6)}`] };
  },
});
