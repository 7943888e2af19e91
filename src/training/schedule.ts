/** How the learning rate goes over a run. */
export const schedules = ['constant', 'decay', 'cosine', 'plateau'] as const;
export type Schedule = (typeof schedules)[number];

/** What a schedule is told about a recipe. */
export interface ScheduleOptions {
  readonly schedule: Schedule;
  /** The highest rate. */
  readonly rate: number;
  /** Of `decay`: the factor of an epoch. */
  readonly decay: number;
  /** Steps in which the rate grows from nearly nothing. */
  readonly warmup: number;
  /** Of the whole run. */
  readonly epochs: number;
}

/** Where in a run a step is taken. */
export interface StepPlace {
  /** Steps before this one, and of one epoch. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Epochs so far after which dev was no better than before. */
  readonly epochsInVain: number;
}

/**
 * The learning rate of a step: a pure function of where the run stands, so that a run that is
 * resumed goes on with the very same rates. With s the number of steps before this one and S the
 * steps of the whole run:
 *
 *     warm-up    rate (s + 1) / warmup                                    while s < warmup
 *     constant   rate
 *     decay      rate decay^epoch
 *     cosine     rate (1 + cos(π (s - warmup) / (S - warmup))) / 2
 *     plateau    rate / 2^(epochs after which dev was no better)
 *
 * During warm-up the other schedules' factors count as well, except cosine's, which begins then.
 * Source of cosine: Loshchilov and Hutter 2017, without restarts; of warm-up: Goyal et al. 2017.
 */
export function rateAt(options: ScheduleOptions, place: StepPlace): number {
  const { rate, warmup } = options;
  const grown = place.step < warmup ? (place.step + 1) / warmup : 1;
  return rate * grown * factorAt(options, place);
}

function factorAt(
  { schedule, decay, warmup, epochs }: ScheduleOptions,
  { step, stepsPerEpoch, epochsInVain }: StepPlace,
): number {
  switch (schedule) {
    case 'constant':
      return 1;
    case 'decay':
      return decay ** Math.floor(step / stepsPerEpoch);
    case 'cosine': {
      const total = epochs * stepsPerEpoch - warmup;
      const done = Math.max(0, step - warmup);
      return total > 0 ? (1 + Math.cos(Math.PI * Math.min(1, done / total))) / 2 : 1;
    }
    case 'plateau':
      return 0.5 ** epochsInVain;
  }
}
