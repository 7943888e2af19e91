import { type Command, Option } from 'commander';
import { optimiserKinds } from '../training/optimisers.js';
import type { Recipe } from '../training/recipe.js';
import { schedules } from '../training/schedule.js';
import { factor, positiveNumber, share, wholeNumber } from './options.js';

/** The part of a recipe that says how a step is taken, whatever learns. */
type Stepping = Pick<
  Recipe,
  'optimiser' | 'weightDecay' | 'rate' | 'schedule' | 'decay' | 'warmup' | 'momentum' | 'clip'
>;

/** Adds how steps are taken to a command that trains; `recipe` has the defaults. */
export function addOptimiserFlags(command: Command, recipe: Stepping): Command {
  return command
    .addOption(new Option('--optimiser <kind>').choices(optimiserKinds).default(recipe.optimiser))
    .option('--weight-decay <share>', 'of AdamW', share, recipe.weightDecay)
    .option('--rate <number>', 'highest learning rate', positiveNumber, recipe.rate)
    .addOption(
      new Option('--schedule <kind>', 'how the rate goes')
        .choices(schedules)
        .default(recipe.schedule),
    )
    .option('--decay <factor>', 'of the rate, after every epoch', factor, recipe.decay)
    .option('--warmup <steps>', 'in which the rate grows', wholeNumber, recipe.warmup)
    .option('--momentum <number>', 'of SGD', share, recipe.momentum)
    .option('--clip <norm>', 'largest norm of all gradients together', positiveNumber, recipe.clip);
}
