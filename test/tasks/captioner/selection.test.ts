import { afterEach, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { UsageError } from '@/errors.js';
import { scoreCaptions } from '@/metrics/score-captions.js';
import { refuseCiderOfOne } from '@/tasks/captions/data.js';
import { DevScorer, sampleAll } from '@/tasks/captions/measures.js';
import type { Selection } from '@/tasks/captions/recipe.js';
import {
  CaptionTrainer,
  checkpointFrom,
  checkpointOf,
  fileOf,
  recipe,
  resumed,
  stateOf,
  tinyCaptioner,
  tinyTask,
} from './tiny-task.js';

let open: Scope | undefined;
afterEach(() => {
  open?.[Symbol.dispose]();
  open = undefined;
});

test('scores are those of scoreCaptions, time after time', () => {
  const references = [
    ['A dog runs.', 'the dog, running', 'a brown dog runs on grass'],
    ['two people sit on a bench', 'A couple sits on a bench in the park'],
    ['a red ball'],
  ];
  const scorer = new DevScorer(references);
  for (const captions of [
    ['a dog runs on grass', 'people on a bench', 'a red ball'],
    ['a red ball', '', 'a red ball'],
  ]) {
    const expected = scoreCaptions(
      Object.fromEntries(captions.entries()),
      Object.fromEntries(references.entries()),
    );
    const { cider, bleu4 } = scorer.score(captions);
    expect(cider).toBeCloseTo(expected.cider, 12);
    expect(bleu4).toBeCloseTo(expected.bleu4, 12);
  }
});

test.each<[Selection, number[]]>([
  ['loss', [0, 1, 4]],
  ['cider', [0, 2]],
  ['bleu4', [0, 1, 3]],
])('the best by %s', (select, best) => {
  open = scope();
  const task = tinyTask();
  const trainer = new CaptionTrainer(tinyCaptioner(task), recipe({ select }), task.data);
  const history = [
    { loss: 3, cider: 0.5, bleu4: 0.1 },
    { loss: 2, cider: 0.5, bleu4: 0.2 },
    { loss: 4, cider: 0.9, bleu4: 0.2 },
    { loss: 2, cider: 0.8, bleu4: 0.3 },
    { loss: 1, cider: 0.1, bleu4: 0 },
  ].map((dev) => trainer.task.worth(dev));
  const bests = history.flatMap((now, i) =>
    history.slice(0, i).every((before) => now > before) ? [i] : [],
  );
  expect(bests).toEqual(best);
});

test.each(['cider', 'bleu4'] as const)('selecting by %s, bit for bit resumed', async (select) => {
  open = scope();
  const task = tinyTask();
  const options = recipe({ epochs: 12, rate: 0.02, patience: 4, select });
  const trainer = new CaptionTrainer(tinyCaptioner(task), options, task.data);
  const saves: number[] = [];
  const outcome = await trainer.run({
    save: async (which) => void (which === 'best' && saves.push(trainer.progress.epoch)),
  });
  const { history, best } = trainer.progress;
  const scores = history.map(({ dev }) => dev);
  const values = scores.map((score) => score[select] ?? Number.NaN);
  expect(best?.epoch).toBe(values.indexOf(Math.max(...values)) + 1);
  expect(best?.dev).toMatchObject({ cider: expect.any(Number), bleu4: expect.any(Number) });
  expect(saves.at(-1)).toBe(best?.epoch);
  expect(values.at(-1)).toBeGreaterThan(values[0] ?? 0);
  const since = history.length - (best?.epoch ?? 0);
  expect(outcome).toBe(since >= 4 ? 'stopped-early' : 'finished');

  const { inputs, references = [] } = task.data.dev;
  const said = await sampleAll(trainer.captioner, task.vocabulary, inputs);
  expect(history.at(-1)?.dev).toMatchObject(new DevScorer(references).score(said));

  const first = new CaptionTrainer(tinyCaptioner(task), options, task.data);
  const controller = new AbortController();
  await first.run(
    { onEpoch: ({ epoch }) => void (epoch === 2 && controller.abort()) },
    { signal: controller.signal },
  );
  const second = resumed(task, checkpointFrom(fileOf(checkpointOf(task, first))));
  await second.run();
  expect(stateOf(checkpointOf(task, second))).toEqual(stateOf(checkpointOf(task, trainer)));
});

test('a score cannot select without references', () => {
  open = scope();
  const task = tinyTask();
  const { references: _, ...dev } = task.data.dev;
  const captioner = tinyCaptioner(task);
  const make = () =>
    new CaptionTrainer(captioner, recipe({ select: 'cider' }), { ...task.data, dev });
  expect(make).toThrow(UsageError);
  expect(make).toThrow(/to select by cider, dev needs the references/);
});

test('CIDEr of one image neither selects nor rewards', () => {
  const image = { id: 'a', image: { path: 'a.jpg' }, captions: ['a dog'] };
  const set = (train: number, dev: number) => ({
    name: 'mine',
    format: 'captions',
    splits: { train: Array(train).fill(image), dev: Array(dev).fill(image), test: [] },
  });
  const byCider = { select: 'cider', selfCritical: false } as const;
  const rewarded = { select: 'loss', selfCritical: true } as const;
  expect(() => refuseCiderOfOne(set(9, 1), byCider)).toThrow(UsageError);
  expect(() => refuseCiderOfOne(set(9, 1), byCider)).toThrow(
    /^--select cider, but mine has one dev image.*is 0 by definition.*--select loss$/,
  );
  expect(() => refuseCiderOfOne(set(1, 9), rewarded)).toThrow(
    /^--self-critical, .*one train image/,
  );
  refuseCiderOfOne(set(9, 2), byCider);
  refuseCiderOfOne(set(2, 1), rewarded);
  refuseCiderOfOne(set(1, 1), { select: 'bleu4', selfCritical: false });
});
