/** The command line and runs of a kind of model, in the process of a test. */
import { join } from 'node:path';
import { vi } from 'vitest';
import { runProgram } from '@/cli/program.js';
import { readSafetensors } from '@/data/formats/safetensors-files.js';
import { scope } from '@/engine/engine.js';
import type { OpenRequest, TaskEntry } from '@/tasks/kind.js';
import type { StepReport } from '@/training/trainer.js';

/** What a command gave. */
export interface Ran {
  readonly code: number;
  readonly answer: string;
  /** What it told people. */
  readonly said: string;
}

/** Runs command lines that know some kinds alone. Undo the exit code after each test. */
export function commandLineOf(...kinds: readonly TaskEntry[]): (...args: string[]) => Promise<Ran> {
  return async (...args) => {
    const written = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[stream], 'write').mockImplementation((text) => {
        written[stream] += String(text);
        return true;
      });
    }
    using _work = scope();
    const code = await runProgram(args, kinds);
    vi.restoreAllMocks();
    return { code, answer: written.stdout, said: written.stderr };
  };
}

/** What is asked of a run: as flags ask it, by the names of fields. */
type Asked = Pick<OpenRequest<object, object>, 'dataset'> &
  Partial<
    Pick<OpenRequest<Readonly<Record<string, unknown>>, object>, 'config' | 'recipe' | 'from'>
  >;

/** A run of a kind as a program starts it, ended by what `onStep` does. */
export async function runUntil(
  kind: TaskEntry,
  { dataset, config = {}, recipe = {}, from }: Asked,
  folder: string,
  onStep: (step: StepReport, end: AbortController) => void,
) {
  using _work = scope();
  const request = { dataset, resume: false, config, recipe, options: {}, from, note: () => {} };
  const data = await kind.open(request);
  const progress = () => ({ update: () => {}, stop: () => {} });
  const { run } = await data.start({ folder, command: 'test', progress });
  const end = new AbortController();
  return await run.run({ onStep: (step) => onStep(step, end) }, { signal: end.signal });
}

/** What the last file of a run holds, without its times. */
export async function stateIn(folder: string) {
  const { tensors, metadata } = await readSafetensors(join(folder, 'last.safetensors'));
  const { training = '{}', ...rest } = metadata;
  const timeless = (name: string, value: unknown) => (name === 'seconds' ? undefined : value);
  return { tensors, rest, training: JSON.parse(training, timeless) };
}
