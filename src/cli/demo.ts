import { Command } from 'commander';

/** `glimpse demo`. */
export function demoCommand(): Command {
  return new Command('demo');
}
