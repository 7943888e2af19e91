import { Command } from 'commander';
import { visionClassifyCommand } from './classify.js';
import { visionEvaluateCommand } from './evaluate.js';
import { visionTrainCommand } from './train.js';

/** `glimpse vision`: classifiers of pictures, with spatial transformers. */
export function visionCommand(): Command {
  return new Command('vision')
    .description('train, evaluate and use classifiers of pictures, with spatial transformers')
    .addCommand(visionTrainCommand())
    .addCommand(visionEvaluateCommand())
    .addCommand(visionClassifyCommand());
}
