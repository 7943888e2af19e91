import { FormatError } from '../errors.js';

/** What the best epoch can be chosen by: dev's loss, or a score of the captions said of dev. */
export const selections = ['loss', 'cider', 'bleu4'] as const;
export type Selection = (typeof selections)[number];

/** How good a captioner is on dev. */
export interface DevMeasures {
  /** Mean loss of a word, without dropout or smoothing, in nats. */
  readonly devLoss: number;
  /** CIDEr of greedy captions as coco-caption prints it, 0 to 10; measured when it selects. */
  readonly devCider?: number | undefined;
  /** BLEU-4 of the same captions, 0 to 1. */
  readonly devBleu4?: number | undefined;
}

/** How an epoch went. */
export interface EpochReport extends DevMeasures {
  /** From 1 on. */
  readonly epoch: number;
  /**
   * Mean cross-entropy of a word over the epoch's batches, dropout and smoothing included, in nats;
   * what an attention is trained by besides (penalty, reward of hard choices) is not in it. Of
   * self-critical training: the mean of -log p of a sampled word, that is how undecided the model is.
   */
  readonly trainLoss: number;
  /** Of self-critical training: mean reward of the samples. */
  readonly trainReward?: number | undefined;
  /** Learning rate of the epoch's last step. */
  readonly rate: number;
  /** Seconds of training, all epochs so far, interruptions not counted. */
  readonly seconds: number;
}

/** Where a run stands: with the parameters, the optimiser and the random state, all of it. */
export interface Progress {
  /** Epochs done. */
  epoch: number;
  /** Batches done of the next one. */
  batch: number;
  /** Loss and words of those batches. */
  epochLoss: number;
  epochWords: number;
  /** Sum of the rewards of those batches, and how many: of self-critical training. */
  epochReward: number;
  epochSamples: number;
  seconds: number;
  best: ({ epoch: number } & DevMeasures) | undefined;
  history: EpochReport[];
}

/** Fresh progress. */
export function noProgress(): Progress {
  return {
    epoch: 0,
    batch: 0,
    epochLoss: 0,
    epochWords: 0,
    epochReward: 0,
    epochSamples: 0,
    seconds: 0,
    best: undefined,
    history: [],
  };
}

/** Whether dev is better than it was before; nothing before is always beaten. */
export function isBetter(
  now: DevMeasures,
  before: DevMeasures | undefined,
  selection: Selection,
): boolean {
  return before === undefined || worth(now, selection) > worth(before, selection);
}

/** After how many epochs dev was no better than ever before. */
export function epochsInVain(history: readonly DevMeasures[], selection: Selection): number {
  let best: DevMeasures | undefined;
  let inVain = 0;
  for (const epoch of history) {
    if (isBetter(epoch, best, selection)) best = epoch;
    else inVain++;
  }
  return inVain;
}

function worth({ devLoss, devCider, devBleu4 }: DevMeasures, selection: Selection): number {
  const measured = { loss: -devLoss, cider: devCider, bleu4: devBleu4 };
  return measured[selection] ?? Number.NEGATIVE_INFINITY;
}

/** Where a run stands, whatever it trains. */
interface Standing {
  readonly epoch: number;
  readonly batch: number;
  readonly best?: ({ readonly epoch: number } & Measured) | undefined;
  readonly history: readonly ({ readonly epoch: number } & Measured)[];
}
type Measured = { readonly devLoss: number };

/**
 * Progress out of a file must agree with itself, or a run goes on from where it never was.
 * @param steps that the optimiser has taken: at least one for each epoch, none before the first batch.
 * @throws FormatError naming the two that disagree.
 */
export function requireConsistent(
  { epoch, batch, best, history }: Standing,
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
  if (best && history[best.epoch - 1]?.devLoss !== best.devLoss) {
    const told = history[best.epoch - 1]?.devLoss ?? 'no report';
    refuse(
      `the best epoch is ${best.epoch} with a dev loss of ${best.devLoss}, but its own is ${told}`,
    );
  }
  if (steps < epoch + batch || (steps > 0 && epoch + batch === 0)) {
    refuse(`the optimiser took ${steps} steps in ${epoch} epochs and ${batch} batches`);
  }
}
