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
} from '@test/tasks/captioner/tiny-task.js';
import { afterAll, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { Engine, type EngineOptions, scope, useEngine } from '@/engine/engine.js';
import { openThreads } from '@/engine/threads.js';

const library = platform.openBlas();
const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops) stop();
});

/** An engine with three threads that shares all it can. */
async function threaded(options: EngineOptions): Promise<Engine> {
  const engine = new Engine({ ...options, threads: openThreads(3), sharing: { eager: true } });
  stops.push(() => engine.pool?.stop());
  engine.pool?.start();
  await vi.waitUntil(() => engine.pool?.ready === 2, { timeout: 30_000 });
  return engine;
}

/** Trains on an engine, from a file where there is one, for so many steps or to the end; the file then. */
async function trained(engine: Engine, from?: Uint8Array, steps = Number.POSITIVE_INFINITY) {
  const before = useEngine(engine);
  const open = scope();
  try {
    const task = tinyTask();
    const trainer = from
      ? resumed(task, checkpointFrom(from))
      : new CaptionTrainer(tinyCaptioner(task), recipe({ rate: 0.01 }), task.data);
    const controller = new AbortController();
    let taken = 0;
    const onStep = () => {
      if (++taken >= steps) controller.abort();
    };
    await trainer.run({ onStep }, { signal: controller.signal });
    const file = fileOf(checkpointOf(task, trainer));
    return { file, state: stateOf(checkpointFrom(file)) };
  } finally {
    open[Symbol.dispose]();
    useEngine(before);
  }
}

// A library that divides a product itself adds up otherwise with every number of its threads.
const engines: [string, EngineOptions][] = [['without a BLAS', {}]];
if (!('absent' in library)) engines.push(['with a BLAS on one thread', { blas: library }]);

test.each(engines)('a run goes on bit for bit with other threads, %s', async (_, options) => {
  const threads = options.blas?.threads() ?? 0;
  options.blas?.setThreads(1);
  try {
    const [one, three] = [new Engine(options), await threaded(options)];
    const straight = await trained(one);
    for (const [first, second] of [
      [one, three],
      [three, one],
    ] as const) {
      const { file } = await trained(first, undefined, 10);
      expect((await trained(second, file)).state).toEqual(straight.state);
    }
    expect(three.pool?.computed).toBeGreaterThan(0);
  } finally {
    options.blas?.setThreads(threads);
  }
});
