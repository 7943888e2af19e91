import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { refuseIdleModelFlags } from './model-flags.js';
import { isGiven } from './resume.js';
import type { TrainFlags } from './train-options.js';

/**
 * Flags that mean nothing beside the others are refused: an encoder's features and a vision network
 * of its own exclude each other, and some flags belong to one optimiser, schedule or objective.
 */
export function refuseWhatWouldBeIgnored(options: TrainFlags, command: Command): void {
  const given = (flags: readonly string[]) =>
    command.options.find(
      (option) => flags.includes(option.long ?? '') && isGiven(command, option.attributeName()),
    )?.long;
  const encoded = options.features ? '--features' : options.encoder ? '--encoder' : undefined;
  refuseIdleModelFlags(options, encoded, given);
  const {
    optimiser,
    schedule,
    selfCritical = false,
    scheduledSampling,
    from,
    finetuneEncoder,
  } = options;
  const isEncoded = options.encoder !== undefined;
  const needs: readonly [flag: string, needed: string, is: boolean][] = [
    ['--weight-decay', '--optimiser adamw', optimiser === 'adamw'],
    ['--momentum', '--optimiser sgd', optimiser === 'sgd'],
    ['--decay', '--schedule decay', schedule === 'decay'],
    ['--sampling-growth', '--scheduled-sampling', scheduledSampling > 0],
    ['--sampling-epochs', '--scheduled-sampling', scheduledSampling > 0],
    ...encoderFlags.map((flag): (typeof needs)[number] => [flag, '--encoder', isEncoded]),
    ['--encoder-rate', '--finetune-encoder', finetuneEncoder !== undefined],
    ['--augment-shift', '--augment', options.augment],
    ['--augment-colours', '--augment', options.augment],
    ['--augment-flip', '--augment', options.augment],
    ['--samples', '--self-critical', selfCritical],
    ['--baseline', '--self-critical', selfCritical],
    ['--self-critical', '--from, a model that cross-entropy has taught', from !== undefined],
  ];
  for (const [flag, needed, is] of needs) {
    if (!is && given([flag])) {
      throw new UsageError(`${flag} needs ${needed}: add it, or leave ${flag} out`);
    }
  }
  if (finetuneEncoder) refuseWhatCannotBeTuned(options);
  if (encoded && !finetuneEncoder && given(['--augment'])) {
    throw new UsageError(
      `--augment changes pictures in every epoch, but the features of ${encoded} are made once: leave one out`,
    );
  }
  const taught = selfCritical && given(['--lengths', '--label-smoothing', '--scheduled-sampling']);
  if (taught) {
    throw new UsageError(
      `${taught} is about learning from true captions, but --self-critical learns from the model's own: leave one out`,
    );
  }
}

const encoderFlags = ['--preprocessing', '--pooled-output', '--grid-output', '--register-tokens'];

/** An encoder that learns along needs its weights, and photos to look at. */
function refuseWhatCannotBeTuned({ features, encoder, from }: TrainFlags): void {
  if (features) {
    throw new UsageError(
      `--finetune-encoder looks at the photos anew at every step, but the features of --features ${features} are made once: leave one out`,
    );
  }
  if (encoder?.toLowerCase().endsWith('.onnx')) {
    throw new UsageError(
      `--finetune-encoder trains SqueezeNet only, but --encoder ${encoder} is an ONNX network: leave one out`,
    );
  }
  if (!encoder && !from) {
    throw new UsageError(
      '--finetune-encoder needs the SqueezeNet to begin with: name it (--encoder), or a model that has it (--from)',
    );
  }
}
