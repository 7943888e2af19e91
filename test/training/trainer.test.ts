import { expectClose } from '@test/bounds.js';
import {
  CaptionTrainer,
  checkpointFrom,
  checkpointOf,
  fileOf,
  gridTask,
  recipe,
  resumed,
  stateOf,
  type TinyTask,
  tinyCaptioner,
  tinyTask,
} from '@test/tasks/captioner/tiny-task.js';
import { afterEach, describe, expect, test } from 'vitest';
import { engine, scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { DivergedError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { cells } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { evaluateLoss } from '@/tasks/captions/measures.js';
import type { CaptionData } from '@/tasks/captions/objectives.js';
import { full } from '@/tensor/create.js';
import type { EpochReport } from '@/training/progress.js';

// Training is asynchronous, so a test's scope is closed here and not by `using` within it.
let open: Scope | undefined;
afterEach(() => {
  open?.[Symbol.dispose]();
  open = undefined;
});

function prepared(options: Parameters<typeof recipe>[0] = {}, model = {}) {
  open = scope();
  const task = tinyTask();
  return {
    task,
    trainer: new CaptionTrainer(tinyCaptioner(task, model), recipe(options), task.data),
  };
}

describe.each(cells)('with the cell %s', (cell) => {
  test('learns a small task and says what it sees', async () => {
    const { task, trainer } = prepared(
      { epochs: 60, rate: 2e-2, decay: 0.98 },
      { cell, dropout: 0 },
    );
    expect(await trainer.run()).toBe('finished');
    const { history } = trainer.progress;
    expect(history[0]?.dev.loss).toBeGreaterThan(1);
    expect(history.at(-1)?.train.loss).toBeLessThan(0.05);
    expect(history.at(-1)?.dev.loss).toBeLessThan(0.2);
    const all = Array.from(task.truths.keys());
    const said = await trainer.captioner.sample(task.data.inputs.batch(all));
    expect(said.map((words) => task.vocabulary.decode(words))).toEqual(task.truths);
  });

  test.each(['adam', 'sgd'] as const)('resumes bit for bit under %s', async (optimiser) => {
    const { task, trainer } = prepared({ optimiser, rate: 0.01, decay: 0.8 }, { cell });
    expect(await trainer.run()).toBe('finished');
    const straight = stateOf(checkpointOf(task, trainer));

    const first = new CaptionTrainer(
      tinyCaptioner(task, { cell }),
      recipe({ optimiser, rate: 0.01, decay: 0.8 }),
      task.data,
    );
    const files: Uint8Array[] = [];
    const outcome = await interruptedAfter(first, 10, async () => {
      files.push(fileOf(checkpointOf(task, first)));
    });
    expect(outcome).toBe('interrupted');
    // In the middle of an epoch, or this test would prove little.
    expect(first.progress).toMatchObject({ epoch: 1, history: [{ epoch: 1 }] });
    expect(first.progress.batch).toBeGreaterThan(0);
    expect(first.progress.sums.loss?.total).toBeGreaterThan(0);

    const saved = files.at(-1) ?? new Uint8Array();
    expect(stateOf(checkpointFrom(saved))).toEqual(stateOf(checkpointOf(task, first)));
    const second = resumed(task, checkpointFrom(saved));
    expect(await second.run()).toBe('finished');
    expect(stateOf(checkpointOf(task, second))).toEqual(straight);
  });
});

test.each<[string, Parameters<typeof recipe>[0]]>([
  ['batches of any length', { lengths: 'padded' }],
  ['buckets', { lengths: 'bucketed' }],
  ['AdamW and a warmed-up cosine', { optimiser: 'adamw', schedule: 'cosine', warmup: 5 }],
  // At this rate most epochs are in vain.
  ['a plateau', { schedule: 'plateau', rate: 0.3 }],
])('resumes bit for bit with %s, interrupted again and again', async (_name, options) => {
  const { task, trainer } = prepared({ epochs: 3, ...options });
  await trainer.run();
  let file = fileOf(
    checkpointOf(
      task,
      new CaptionTrainer(tinyCaptioner(task), recipe({ epochs: 3, ...options }), task.data),
    ),
  );
  let outcome: string;
  do {
    const next = resumed(task, checkpointFrom(file));
    outcome = await interruptedAfter(next, 4, async () => {});
    file = fileOf(checkpointOf(task, next));
  } while (outcome === 'interrupted');
  expect(stateOf(checkpointFrom(file))).toEqual(stateOf(checkpointOf(task, trainer)));
});

test('a signal that came before the first step changes nothing but saves', async () => {
  const { task, trainer } = prepared();
  const before = stateOf(checkpointOf(task, trainer));
  const saves: string[] = [];
  const save = async (which: string) => void saves.push(which);
  expect(await trainer.run({ save }, { signal: AbortSignal.abort() })).toBe('interrupted');
  expect(saves).toEqual(['last']);
  expect(stateOf(checkpointOf(task, trainer))).toEqual(before);
});

test('reports steps and epochs as they were, and the rate as the recipe says', async () => {
  const { task, trainer } = prepared({ epochs: 3, rate: 0.02, decay: 0.5 }, { dropout: 0 });
  const steps: { epoch: number; batch: number; batches: number; step: number; rate: number }[] = [];
  const reports: EpochReport[] = [];
  let words = 0;
  await trainer.run({
    onStep: (step) => {
      steps.push(step);
      words += step.count;
      expect(step.train.loss).toBeGreaterThan(0);
      expect(step.gradientNorm).toBeGreaterThan(0);
    },
    onEpoch: (report) => void reports.push(report),
  });
  const each = task.data.train.reduce((sum, caption) => sum + caption.words.length - 1, 0);
  expect(words).toBe(3 * each);
  const batches = steps[0]?.batches ?? 0;
  expect(steps.map(({ step }) => step)).toEqual(
    Array.from({ length: 3 * batches }, (_, i) => i + 1),
  );
  expect(steps.map(({ epoch }) => epoch)).toEqual(
    [1, 2, 3].flatMap((epoch) => Array(batches).fill(epoch)),
  );
  expect(steps.slice(batches, 2 * batches).map(({ batch }) => batch)).toEqual(
    Array.from({ length: batches }, (_, i) => i + 1),
  );
  expect(new Set(steps.map(({ rate }) => rate))).toEqual(new Set([0.02, 0.01, 0.005]));
  expect(reports.map(({ rate }) => rate)).toEqual([0.02, 0.01, 0.005]);
  expect(reports).toEqual(trainer.progress.history);
  const { inputs, captions } = task.data.dev;
  expect(reports[2]?.dev.loss).toBe(
    (await evaluateLoss(trainer.captioner, inputs, captions)).lossPerWord,
  );
});

test('the schedule plateau halves the rate after every epoch that is no better', async () => {
  const { trainer } = prepared({ epochs: 8, rate: 0.3, schedule: 'plateau' });
  await trainer.run();
  let [rate, least] = [0.3, Number.POSITIVE_INFINITY];
  const { history } = trainer.progress;
  for (const report of history) {
    expect(report.rate).toBe(rate);
    if ((report.dev.loss ?? Number.NaN) >= least) rate /= 2;
    least = Math.min(least, report.dev.loss ?? Number.NaN);
  }
  expect(rate).toBeLessThan(0.3);
});

test('the rate of a cosine changes at every step and ends near 0', async () => {
  const { trainer } = prepared({ epochs: 2, rate: 0.02, schedule: 'cosine', warmup: 3 });
  const rates: number[] = [];
  await trainer.run({ onStep: ({ rate }) => rates.push(rate) });
  expect(new Set(rates).size).toBe(rates.length - 1); // The last of warm-up is the first of cosine.
  expect(Math.max(...rates)).toBe(0.02);
  expect(rates.at(-1)).toBeLessThan(1e-3);
  expect(trainer.progress.history.at(-1)?.rate).toBe(rates.at(-1));
});

test('the loss of an epoch is that of its words, whatever the sizes of the batches', async () => {
  const { task, trainer } = prepared({ epochs: 1, rate: 1e-30 }, { dropout: 0 });
  await trainer.run();
  const { lossPerWord, words, perplexity } = await evaluateLoss(
    trainer.captioner,
    task.data.inputs,
    task.data.train,
    { batchSize: 5 },
  );
  // Some steps of the cell's products, and the words of an epoch.
  expectClose(trainer.progress.history[0]?.train.loss ?? Number.NaN, lossPerWord, {
    dtype: 'f32',
    terms: 500,
  });
  expect(perplexity).toBe(Math.exp(lossPerWord));
  expect(words).toBe(task.truths.reduce((sum, caption) => sum + caption.split(' ').length + 1, 0));
});

test('label smoothing raises the loss of training, never that of dev', async () => {
  const smoothed = prepared({ epochs: 1, rate: 1e-30, labelSmoothing: 0.3 }, { dropout: 0 });
  await smoothed.trainer.run();
  const [report] = smoothed.trainer.progress.history;
  const { captioner } = smoothed.trainer;
  const { inputs, train, dev } = smoothed.task.data;
  const plain = (await evaluateLoss(captioner, inputs, train)).lossPerWord;
  expect(report?.dev.loss).toBe(
    (await evaluateLoss(captioner, dev.inputs, dev.captions)).lossPerWord,
  );
  // An untrained model is nearly even, so that it hardly matters where the target lies.
  expect(Math.abs((report?.train.loss ?? 0) - plain)).toBeLessThan(0.1);
  expect(report?.train.loss).not.toBeCloseTo(plain, 5);

  const { trainer } = prepared(
    { epochs: 40, rate: 2e-2, decay: 1, labelSmoothing: 0.3 },
    { dropout: 0 },
  );
  await trainer.run();
  // The least that smoothed targets allow is their entropy: much above what dev's plain loss is.
  const V = smoothed.task.vocabulary.size;
  const hit = 0.7 + 0.3 / V;
  const entropy = -hit * Math.log(hit) - (V - 1) * (0.3 / V) * Math.log(0.3 / V);
  const last = trainer.progress.history.at(-1);
  expect(last?.train.loss).toBeGreaterThan(entropy);
  expect(last?.train.loss).toBeLessThan(entropy + 0.1);
  expect(last?.dev.loss).toBeLessThan(0.5);
});

test('clips gradients by their global norm', async () => {
  const { trainer } = prepared({ optimiser: 'sgd', momentum: 0, clip: 1e-3, rate: 1, epochs: 1 });
  const before = values(trainer);
  let steps = 0;
  await trainer.run({
    onStep: ({ gradientNorm }) => {
      steps++;
      expect(gradientNorm).toBeGreaterThan(1e-3);
    },
  });
  const moved = Math.sqrt(
    values(trainer).reduce((sum, v, i) => sum + (v - (before[i] ?? 0)) ** 2, 0),
  );
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThanOrEqual(steps * 1e-3 * 1.001);
});

describe('early stopping', () => {
  test('comes `patience` epochs after the best one, which was saved', async () => {
    // At a rate of 0 nothing gets better after the first epoch.
    const { trainer } = prepared({ epochs: 50, patience: 3, rate: 1e-30 });
    const saves: string[] = [];
    const save = async (which: string) => {
      saves.push(`${which} ${trainer.progress.epoch}`);
    };
    expect(await trainer.run({ save })).toBe('stopped-early');
    expect(trainer.progress).toMatchObject({ epoch: 4, best: { epoch: 1 } });
    expect(saves).toEqual(['best 1', 'last 1', 'last 2', 'last 3', 'last 4']);
    expect(await trainer.run({ save })).toBe('stopped-early');
    expect(trainer.progress.epoch).toBe(4);
  });

  test('does not come while the dev loss falls', async () => {
    const { trainer } = prepared({ epochs: 5, patience: 1, rate: 1e-3 }, { dropout: 0 });
    expect(await trainer.run()).toBe('finished');
    expect(trainer.progress.best?.epoch).toBe(5);
  });
});

describe('values that are not finite', () => {
  const spoilt: [string, (task: TinyTask, trainer: CaptionTrainer) => void, RegExp][] = [
    [
      'a parameter',
      (_, { captioner }) => spoil(captioner.parameters.cell.Wh),
      /parameter captioner\.cell\.Wh/,
    ],
    [
      'an infinite parameter',
      (_, { captioner }) => spoil(captioner.parameters.vocabulary.W, Number.POSITIVE_INFINITY),
      /parameter captioner\.vocabulary\.W/,
    ],
    [
      'the features',
      ({ features }) => void features.fill(Number.NaN),
      /stopped.*the inputs of image \d+ are not finite \(value 0 is NaN\), and so are.*look at/,
    ],
  ];
  test.each(spoilt)('in %s stop training and are named', async (_name, harm, where) => {
    const { task, trainer } = prepared();
    await interruptedAfter(trainer, 2, async () => {});
    harm(task, trainer);
    const before = stateOf(checkpointOf(task, trainer));
    const saves: string[] = [];
    const run = trainer.run({ save: async (which) => void saves.push(which) });
    const error = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DivergedError);
    expect(String(error)).toMatch(/epoch 1, batch 3/);
    expect(String(error)).toMatch(where);
    expect(saves).toEqual([]);
    const { parameters, optimisers, progress } = stateOf(checkpointOf(task, trainer));
    expect({ parameters, optimisers, progress }).toEqual({
      parameters: before.parameters,
      optimisers: before.optimisers,
      progress: before.progress,
    });
  });

  test('in dev are no result: nothing is saved as the best or reported', async () => {
    const { task } = prepared();
    const ids = Array.from({ length: 16 }, (_, n) => `d${n}`);
    const dev = { ...task.data.dev, ids, inputs: { size: 16, batch: nanRows(task) } };
    const trainer = new CaptionTrainer(tinyCaptioner(task), recipe(), { ...task.data, dev });
    const saves: string[] = [];
    const run = trainer.run({ save: async (which) => void saves.push(which) });
    await expect(run).rejects.toThrow(DivergedError);
    await expect(run).rejects.toThrow(/on dev: the inputs of d0 are not finite[^.]*$/);
    expect(saves).toEqual([]);
    expect(trainer.progress).toMatchObject({ epoch: 0, best: undefined, history: [] });
  });
});

test('several hundred steps take no more memory than one', async () => {
  const { trainer } = prepared({ epochs: 60, rate: 1e-3 });
  const { heap, openScopes } = { heap: engine().heap, openScopes: engine().openScopes };
  const used: number[] = [];
  let reserved = 0;
  await trainer.run({
    onEpoch: ({ epoch }) => {
      used.push(heap.usedBytes);
      if (epoch === 1) reserved = heap.reservedBytes;
    },
  });
  expect(trainer.optimisers.captioner?.steps ?? 0).toBeGreaterThan(400);
  expect(new Set(used).size).toBe(1);
  expect(heap.reservedBytes).toBe(reserved);
  expect(engine().openScopes).toBe(openScopes);
});

async function interruptedAfter(trainer: CaptionTrainer, steps: number, save: () => Promise<void>) {
  const controller = new AbortController();
  let done = 0;
  const onStep = () => {
    if (++done === steps) controller.abort();
  };
  return trainer.run({ onStep, save }, { signal: controller.signal });
}

function spoil(
  parameter: { slice(from: number, to: number): { fill(v: number): unknown } },
  value = Number.NaN,
) {
  parameter.slice(0, 1).fill(value);
}

function nanRows({ data }: TinyTask): CaptionData['inputs']['batch'] {
  return (images) => data.dev.inputs.batch(images).fill(Number.NaN);
}

function values({ captioner }: CaptionTrainer): number[] {
  return [
    ...captioner.parameters.cell.Wx.dataSync(),
    ...captioner.parameters.vocabulary.W.dataSync(),
  ];
}

test('the loss that is told of an epoch is that of the words, whatever an attention is trained by', async () => {
  open = scope();
  const task = gridTask();
  // All places of all pictures are alike, so that it does not matter where a hard attention looks.
  const { inputs } = task.data;
  const batch = (images: ArrayLike<number>) => full(inputs.batch(images).shape, 0.5);
  const data = { ...task.data, inputs: { size: inputs.size, batch } };
  const { config } = tinyCaptioner(task, { attention: 'hard', dropout: 0 });
  if (!config.attention) return expect.fail('it has no attention');
  const attention = { ...config.attention, doublyStochastic: 3, entropy: 5 };
  const captioner = new Captioner({ ...config, attention }, { random: new Random(5) });
  const before = (await evaluateLoss(captioner, data.inputs, data.train)).lossPerWord;
  const options = recipe({ epochs: 1, batchSize: 64, lengths: 'padded', rate: 1e-9 });
  const steps: number[] = [];
  const trainer = new CaptionTrainer(captioner, options, data);
  await trainer.run({ onStep: ({ train }) => steps.push(train.loss ?? Number.NaN) });
  expect(steps).toHaveLength(1);
  expect(steps[0]).toBeCloseTo(before, 5);
  expect(trainer.progress.history[0]?.train.loss).toBeCloseTo(before, 5);
});
