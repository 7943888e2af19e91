import { z } from 'zod';

/** How good a classifier is on some pictures. */
const measures = {
  /** Mean cross-entropy in nats. */
  devLoss: z.number(),
  /** Share of the pictures that are taken for another class, 0 to 1. */
  devError: z.number(),
  /** Mean intersection over union of the window with the digit's box, where there is both. */
  devOverlap: z.number().optional(),
};

const epochSchema = z.object({
  epoch: z.int().positive(),
  trainLoss: z.number(),
  trainError: z.number(),
  ...measures,
  rate: z.number(),
  seconds: z.number(),
});

/** Where a run stands: with the parameters and the optimisers' averages, all of it. */
export const classifierProgressSchema = z.object({
  /** Epochs done, and batches done of the next one. */
  epoch: z.int().min(0),
  batch: z.int().min(0),
  /** Of those batches: sum of the losses, pictures that were taken for others, pictures. */
  lossSum: z.number(),
  mistakes: z.int().min(0),
  pictures: z.int().min(0),
  seconds: z.number(),
  best: z.object({ epoch: z.int().positive(), ...measures }).optional(),
  history: z.array(epochSchema),
});

export type ClassifierEpoch = z.infer<typeof epochSchema>;
export type ClassifierProgress = z.infer<typeof classifierProgressSchema>;
export type ClassifierMeasures = Pick<ClassifierEpoch, 'devLoss' | 'devError' | 'devOverlap'>;

/** Fresh progress. */
export function noClassifierProgress(): ClassifierProgress {
  return {
    epoch: 0,
    batch: 0,
    lossSum: 0,
    mistakes: 0,
    pictures: 0,
    seconds: 0,
    best: undefined,
    history: [],
  };
}

/** Fewer mistakes are better; of as many, a lower loss. Nothing before is always beaten. */
export function isBetterClassifier(
  now: ClassifierMeasures,
  before: ClassifierMeasures | undefined,
): boolean {
  if (!before) return true;
  if (now.devError !== before.devError) return now.devError < before.devError;
  return now.devLoss < before.devLoss;
}
