import type { Command } from 'commander';
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { UsageError } from '../errors.js';
import { Captioner } from '../models/captioner.js';
import type { Recipe } from '../training/recipe.js';
import { TrainingRun } from '../training/run.js';
import { refuseEncoderFlags } from './encoder-flags.js';
import { modelFlags, parseFilters } from './model-flags.js';
import { prepare, sightToResume } from './sight.js';
import type { TrainOptions } from './train-options.js';

/** Flags that may differ when a run is resumed: they change when it ends, not what it computes. */
const changeable = ['epochs', 'patience'] as const;

/**
 * The run that stopped in `--out`, ready to go on.
 * @throws UsageError when a flag or the dataset is not what the run was started with.
 */
export async function resume(
  dataset: CaptionDataset,
  options: TrainOptions,
  command: Command,
): Promise<TrainingRun> {
  const checkpoint = await TrainingRun.readLast(options.out);
  const saved = checkpoint.training?.recipe;
  if (!saved) throw new UsageError(`${options.out} holds no training state to resume`);
  if (options.from !== undefined) {
    throw new UsageError('--from begins a new run and --resume continues one: leave one out');
  }
  refuseEncoderFlags(options, `the run in ${options.out} goes on with its encoder as it is`);
  const selfCritical = saved.objective === 'self-critical';
  requireSameFlags(
    {
      finetuneEncoder: undefined,
      minimumCount: undefined,
      ...saved,
      selfCritical,
      ...modelFlags(checkpoint.captioner.config),
    },
    options,
    command,
  );
  const sight = await sightToResume(checkpoint, dataset, options, saved.finetuneEncoder);
  const { vocabulary } = checkpoint;
  const prepared = await prepare(dataset, sight, {
    ...saved,
    vocabulary,
    skipBad: options.skipBad,
  });
  const recipe: Recipe = { ...saved };
  for (const name of changeable) {
    if (isGiven(command, name)) recipe[name] = options[name];
  }
  if (saved.schedule === 'cosine' && recipe.epochs !== saved.epochs) {
    throw new UsageError(
      `--resume with --epochs ${recipe.epochs}: with --schedule cosine the rate depends on the number of epochs, which was ${saved.epochs}; to train on from this model, start a new run`,
    );
  }
  const { config, parameters, random, baseline } = checkpoint.captioner;
  const captioner = new Captioner(config, { parameters, random, baseline, tail: sight.tail });
  const model = { ...checkpoint, captioner };
  return TrainingRun.resume(options.out, model, recipe, prepared.data, prepared.dataset);
}

/** Who names a flag again means it: a value that the run was not started with is refused. */
function requireSameFlags(
  before: Readonly<Record<string, unknown>>,
  options: TrainOptions,
  command: Command,
): void {
  const now: Readonly<Record<string, unknown>> = {
    ...options,
    filters: parseFilters(options.filters).join(','),
  };
  for (const option of command.options) {
    const name = option.attributeName();
    if (!(name in before) || !isGiven(command, name)) continue;
    if (now[name] === before[name] || changeable.some((other) => other === name)) continue;
    const isSwitch = option.negate || option.isBoolean();
    const given = isSwitch ? option.long : `${option.long} ${now[name]}`;
    const was = isSwitch || before[name] === undefined ? 'without it' : `with ${before[name]}`;
    throw new UsageError(
      `--resume with ${given}: the run in ${options.out} was started ${was}; only --epochs and --patience may change`,
    );
  }
}

/** Whether a flag stood on the command line, rather than having its default. */
export function isGiven(command: Command, name: string): boolean {
  return command.getOptionValueSource(name) === 'cli';
}
