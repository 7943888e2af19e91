import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { DivergedError, UsageError } from '@/errors.js';
import type { ModelKind } from '@/models/kind.js';
import { constant } from '@/models/parameters.js';
import { tensor } from '@/tensor/create.js';
import { Tensor } from '@/tensor/tensor.js';
import { decodeModel, encodeModel, restoredOptimisers } from '@/training/model-file.js';
import { fullRecipe, recipeSchema } from '@/training/recipe.js';
import { type Step, shuffledBatches, type Task } from '@/training/task.js';
import { type StepReport, Trainer } from '@/training/trainer.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

/** One number each, moved by plain gradient descent unless said otherwise. */
const sgd = { optimiser: 'sgd', momentum: 0, rate: 0.5, schedule: 'constant', clip: 1e9 } as const;
const recipe = (options: object = {}) =>
  fullRecipe(recipeSchema, { ...sgd, epochs: 2, ...options });

interface Pair {
  readonly [name: string]: { readonly w: Tensor };
  readonly critic: { readonly w: Tensor };
  readonly maker: { readonly w: Tensor };
}

function pair(): Pair {
  return { critic: { w: tensor([1]) }, maker: { w: tensor([2]) } };
}

/** As a GAN's: the critic moves first, and the maker's gradient is the critic's new value. */
function duel({ critic, maker }: Pair, average: Tensor, seen: number[] = []): Task {
  async function* step(): ReturnType<Step> {
    yield { critic: { w: tensor([1]) } };
    const now = critic.w.item();
    seen.push(now);
    yield { maker: { w: tensor([now]) } };
    average.assign([(average.item() + maker.w.item()) / 2]);
    return { loss: { total: 2 * now, count: 2 } };
  }
  return {
    groups: [
      { name: 'critic', parameters: critic, share: 1 },
      { name: 'maker', parameters: maker, share: 0.5 },
    ],
    batchesPerEpoch: 3,
    unit: 'pictures',
    *steps(_, from) {
      for (let n = from; n < 3; n++) yield step;
    },
    measure: async () => ({ loss: maker.w.item() }),
    worth: ({ loss = 0 }) => -loss,
  };
}

test('each update of a step sees what the one before it changed', async () => {
  const parameters = pair();
  const seen: number[] = [];
  const reports: StepReport[] = [];
  const trainer = new Trainer(duel(parameters, tensor([0]), seen), recipe({ epochs: 1 }));
  await trainer.run({ onStep: (report) => reports.push(report) });
  expect(seen).toEqual([0.5, 0, -0.5]);
  // The maker goes at half the rate: 2 - (0.5 + 0 - 0.5) / 4.
  expect([parameters.critic.w.item(), parameters.maker.w.item()]).toEqual([-0.5, 2]);
  expect(
    reports.map(({ train, count, gradientNorm }) => [train.loss, count, gradientNorm]),
  ).toEqual([
    [0.5, 2, 0.5],
    [0, 2, 0],
    [-0.5, 2, 0.5],
  ]);
  // Of one update each: an optimiser counts its own.
  expect(Object.values(trainer.optimisers).map(({ steps }) => steps)).toEqual([3, 3]);
});

test('the updates of a step are clipped one by one', async () => {
  const parameters = pair();
  await new Trainer(duel(parameters, tensor([0])), recipe({ epochs: 1, clip: 0.25 })).run();
  // 1 - 3 x 0.5 x 0.25, and the maker by 0.875, 0.75, 0.625, each clipped to 0.25 at half the rate.
  expect(parameters.critic.w.item()).toBeCloseTo(0.625, 6);
  expect(parameters.maker.w.item()).toBeCloseTo(2 - 3 * 0.25 * 0.25, 6);
});

const kind: ModelKind<object, object, Pair, { parameters: Pair; average: Tensor }> = {
  ...{ kind: 'duel', version: 1, config: z.object({}), extras: z.object({}), recipe: recipeSchema },
  shapes: () => ({ critic: { w: constant([1]) }, maker: { w: constant([1]) } }),
  stateShapes: () => ({ average: constant([1]) }),
  build: ({ parameters, state: { average } }) => {
    if (!(average instanceof Tensor)) throw new UsageError('there is no average');
    return { parameters, average };
  },
};

test('what training changes otherwise than by gradients is saved, and goes on bit for bit', async () => {
  const [parameters, average] = [pair(), tensor([0])];
  const end = new AbortController();
  const trainer = new Trainer(duel(parameters, average), recipe());
  const outcome = await trainer.run(
    { onStep: ({ step }) => step === 4 && end.abort() },
    { signal: end.signal },
  );
  expect(outcome).toBe('interrupted');
  const { optimisers, progress } = trainer;
  const dataset = { name: 'none', fingerprint: '0' };
  const pieces = encodeModel(
    kind,
    { config: {}, extras: {}, parameters, state: { average }, attached: new Map() },
    { recipe: recipe(), optimisers, progress, dataset },
  );
  await trainer.run();
  const { model, training } = decodeModel(kind, parseSafetensors(Buffer.concat(pieces), 'f'), 'f');
  const saved = training ?? expect.fail('it holds no training');
  const task = duel(model.parameters, model.average);
  const from = {
    optimisers: restoredOptimisers(saved, task, recipe(), 'f'),
    progress: saved.progress,
  };
  await new Trainer(task, recipe(), from).run();
  const values = ({ critic, maker }: Pair, mean: Tensor) =>
    [critic.w, maker.w, mean].map((leaf) => leaf.item());
  expect(values(model.parameters, model.average)).toEqual(values(parameters, average));
  expect(model.average.item()).not.toBe(0);
});

test('a group that the task does not have is refused, and a value that is not finite named', async () => {
  const task = duel(pair(), tensor([0]));
  const odd = (update: Record<string, { w: Tensor }>): Task => ({
    ...task,
    *steps() {
      yield async function* () {
        yield update;
        return { loss: { total: 1, count: 1 } };
      };
    },
  });
  await expect(new Trainer(odd({ other: { w: tensor([1]) } }), recipe()).run()).rejects.toThrow(
    /gradients of other, but its groups are critic, maker/,
  );
  const bad = new Trainer(odd({ maker: { w: tensor([Number.NaN]) } }), recipe()).run();
  await expect(bad).rejects.toThrow(DivergedError);
  await expect(bad).rejects.toThrow(/epoch 1, batch 1: .*the gradient of maker\.w/);
});

test('the batches of an epoch hold every example once, in an order of their own', () => {
  const options = { seed: 3, batchSize: 4 };
  const batches = (epoch: number, from = 0) =>
    [...shuffledBatches(10, options, epoch, from)].map(({ batch, indices }) => [batch, ...indices]);
  const first = batches(0);
  expect(first.map(([batch, ...indices]) => [batch, indices.length])).toEqual([
    [0, 4],
    [1, 4],
    [2, 2],
  ]);
  expect(first.flatMap(([, ...indices]) => indices).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10 }, (_, i) => i),
  );
  expect(batches(0)).toEqual(first);
  expect(batches(0, 1)).toEqual(first.slice(1));
  expect(batches(1)).not.toEqual(first);
  expect([...shuffledBatches(0, options, 0)]).toEqual([]);
});
