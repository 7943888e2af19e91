/** Epochs as rows of a table: one number a column, as charts and tables take them. */
import type { EpochReport } from '../training/progress.js';

/** What captioners and classifiers measure, after `train` or `dev` where it was measured. */
export interface EpochRow {
  readonly epoch: number;
  readonly rate: number;
  readonly seconds: number;
  readonly trainLoss: number;
  readonly devLoss: number;
  readonly trainReward?: number | undefined;
  readonly devCider?: number | undefined;
  readonly devBleu4?: number | undefined;
  readonly trainError?: number | undefined;
  readonly devError?: number | undefined;
  readonly devOverlap?: number | undefined;
}

/** A history as rows. */
export function epochRows(history: readonly EpochReport[]): EpochRow[] {
  return history.map(({ epoch, train, dev, rate, seconds }) => {
    const row = {
      trainLoss: train.loss ?? Number.NaN,
      trainReward: train.reward,
      trainError: train.error,
      devLoss: dev.loss ?? Number.NaN,
      devCider: dev.cider,
      devBleu4: dev.bleu4,
      devError: dev.error,
      devOverlap: dev.overlap,
    };
    const measured = Object.entries(row).filter(([, value]) => value !== undefined);
    return { epoch, rate, seconds, ...row, ...Object.fromEntries(measured) };
  });
}
