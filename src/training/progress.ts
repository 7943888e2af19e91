/** Where a run stands: with the parameters, the optimisers and the task's state, all of it. */
import { z } from 'zod';

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
