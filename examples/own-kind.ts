/**
 * A kind of model of your own: a straight line through points, by least squares. It trains, resumes and is
 * evaluated like any other, in a program:
 *
 *     import { runProgram } from 'glimpse/cli';
 *     process.exitCode = await runProgram(process.argv.slice(2), [...kinds, line]);
 */
import { randomAt, type Tensor, tensor, valueAndGradients } from 'glimpse';
import { affine, meanSquaredError } from 'glimpse/layers';
import { constant, initialise, type ModelParts, normal } from 'glimpse/models';
import { taskEntry } from 'glimpse/node';
import { type Recipe, recipeSchema, type Step, shuffledBatches, type Task } from 'glimpse/training';
import { z } from 'zod';

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
