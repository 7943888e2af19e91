/** Reads the chart library uPlot for the reports' pages. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeRequire } from '../engine/require-node.js';
import { MissingDependencyError } from '../errors.js';
import type { ChartAssets } from './page.js';

/**
 * uPlot's program and style sheet from the installed package, for `renderTrainingReport`. The
 * address in the program's banner is replaced by uPlot's licence, which every copy must contain.
 * Node only.
 *
 * @throws MissingDependencyError when the package `uplot` is not there.
 */
export async function chartAssets(): Promise<ChartAssets> {
  try {
    const distribution = dirname(nodeRequire().resolve('uplot'));
    const read = (name: string) => readFile(join(distribution, name), 'utf8');
    const [script, style, licence] = await Promise.all([
      read('uPlot.iife.min.js'),
      read('uPlot.min.css'),
      read('../LICENSE'),
    ]);
    return { script: `/*! uPlot\n${licence}*/${script.replace(/^\/\*!.*?\*\//s, '')}`, style };
  } catch (cause) {
    throw new MissingDependencyError(
      'The curves of a report are drawn by the package "uplot", which could not be read: npm install uplot',
      { cause },
    );
  }
}
