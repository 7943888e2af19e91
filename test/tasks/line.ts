/** A toy kind of model, to show what a kind costs: a straight line through points, by least squares. */
import { z } from 'zod';
import { valueAndGradients } from '@/autograd/tape.js';
import { affine } from '@/layers/dense.js';
import { meanSquaredError } from '@/layers/losses/pointwise.js';
import type { ModelParts } from '@/models/kind.js';
import { constant, initialise, normal } from '@/models/parameters.js';
import { randomAt } from '@/random.js';
import { taskEntry } from '@/tasks/kind.js';
import { tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { type Recipe, recipeSchema } from '@/training/recipe.js';
import { type Step, shuffledBatches, type Task } from '@/training/task.js';

type Line = { readonly W: Tensor; readonly b: Tensor };

const deviation = z.number().positive().default(1);
const config = z.object({
  deviation: deviation.meta({ flag: '--deviation <number>', help: 'of the first slope' }),
});
type Config = z.infer<typeof config>;
const shapes = ({ deviation }: Config) => ({ W: normal([1, 1], deviation), b: constant([1]) });

/** `points:<count>` of y = 3 x - 1. */
function points(name: string) {
  const count = Number(name.replace('points:', ''));
  const batch = (indices: Iterable<number>) => ({
    x: tensor(Array.from(indices, (i) => [i / count])),
    y: tensor(Array.from(indices, (i) => [(3 * i) / count - 1])),
  });
  return { name, count, batch, all: () => batch([...Array(count).keys()]) };
}

const lossOf = ({ W, b }: Line, { x, y }: { x: Tensor; y: Tensor }) =>
  meanSquaredError(affine(x, W, b), y);

function lineTask(line: Line, data: ReturnType<typeof points>, recipe: Recipe): Task {
  async function* step(indices: Int32Array): ReturnType<Step> {
    const { value, gradients } = valueAndGradients((p) => lossOf(p, data.batch(indices)), line);
    yield { line: gradients };
    return { loss: { total: value.item() * indices.length, count: indices.length } };
  }
  return {
    groups: [{ name: 'line', parameters: line, share: 1 }],
    batchesPerEpoch: Math.ceil(data.count / recipe.batchSize),
    unit: 'points',
    *steps(epoch, from) {
      for (const { indices } of shuffledBatches(data.count, recipe, epoch, from)) {
        yield () => step(indices);
      }
    },
    measure: async () => ({ loss: lossOf(line, data.all()).item() }),
    worth: ({ loss = 0 }) => -loss,
  };
}

export const line = taskEntry({
  ...{ kind: 'line', version: 1, summary: 'a straight line', datasets: 'points:<count>' },
  ...{ config, configFlags: config, extras: z.object({}), recipe: recipeSchema },
  ...{ options: z.object({}), evaluation: z.object({}), shapes },
  build: ({ parameters }: ModelParts<Config, object, Line>) => parameters,
  open: async ({ dataset }) => points(dataset),
  async prepare({ data, recipe, ...asked }, from) {
    const own = from?.opened.config ?? config.parse(asked.config);
    const line = from?.opened.model ?? initialise<Line>(shapes(own), randomAt(recipe.seed, 'line'));
    return {
      parts: () => ({ config: own, extras: {}, parameters: line, state: {}, attached: new Map() }),
      ...{ task: lineTask(line, data, recipe), recipe, headline: data.name },
      dataset: { name: data.name, fingerprint: data.name },
    };
  },
  async evaluate([first], { dataset }) {
    const loss = first && lossOf(first.model, points(dataset).all()).item();
    return { value: { loss }, lines: [`loss ${loss}`] };
  },
});
