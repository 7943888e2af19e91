/** Where a run stands: with the parameters, the optimisers and the task's state, all of it. */
import { z } from 'zod';
import { FormatError } from '../errors.js';

const measures = z.record(z.string(), z.number());
const sums = z.record(z.string(), z.object({ total: z.number(), count: z.number() }));

const epochSchema = z.object({
  /** From 1 on. */
  epoch: z.int().positive(),
  /** Means over the epoch's batches, as they were trained on: dropout and smoothing included. */
  train: measures,
  /** Measured after it, without any of that. */
  dev: measures,
  /** Learning rate of the epoch's last step. */
  rate: z.number(),
  /** Seconds of training, all epochs so far, interruptions not counted. */
  seconds: z.number(),
});

export const progressSchema = z.object({
  /** Epochs done, and batches done of the next one. */
  epoch: z.int().min(0),
  batch: z.int().min(0),
  /** What those batches measured. */
  sums,
  seconds: z.number(),
  /** The best epoch so far, and what it measured on dev. */
  best: z.object({ epoch: z.int().positive(), dev: measures }).optional(),
  history: z.array(epochSchema),
});

/** How an epoch went. */
export type EpochReport = z.infer<typeof epochSchema>;
export type Progress = z.infer<typeof progressSchema>;

/** Fresh progress. */
export function noProgress(): Progress {
  return { epoch: 0, batch: 0, sums: {}, seconds: 0, best: undefined, history: [] };
}

/**
 * Progress out of a file must agree with itself, or a run goes on from where it never was.
 * @param steps that the optimiser has taken: at least one for each epoch, none before the first batch.
 * @throws FormatError naming the two that disagree.
 */
export function requireConsistent(
  { epoch, batch, best, history }: Progress,
  steps: number,
  source: string,
): void {
  const refuse = (what: string) => {
    throw new FormatError(source, `metadata entry training: ${what}. The file is damaged`);
  };
  if (history.length !== epoch) {
    refuse(`${epoch} epochs are done, but there are reports of ${history.length}`);
  }
  const other = history.findIndex((report, index) => report.epoch !== index + 1);
  if (other >= 0) refuse(`the report of epoch ${other + 1} is of epoch ${history[other]?.epoch}`);
  if (best && JSON.stringify(history[best.epoch - 1]?.dev) !== JSON.stringify(best.dev)) {
    const reported = history[best.epoch - 1]?.dev ?? 'no report';
    refuse(
      `the best epoch is ${best.epoch} with ${JSON.stringify(best.dev)} on dev, but its own is ${JSON.stringify(reported)}`,
    );
  }
  if (steps < epoch + batch || (steps > 0 && epoch + batch === 0)) {
    refuse(`the optimiser took ${steps} steps in ${epoch} epochs and ${batch} batches`);
  }
}
