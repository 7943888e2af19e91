/** What people see of training: a bar while an epoch lasts, on a terminal, and a line when it is over. */
import type { StepsReport } from '../training/log.js';
import type { EpochReport } from '../training/progress.js';
import type { Measures } from '../training/task.js';
import type { StepReport } from '../training/trainer.js';
import { duration, note, type ProgressLine, progressLine } from './terminal.js';

export class TrainingDisplay {
  readonly #describe: (measures: Measures) => string;
  #line: ProgressLine | undefined;

  /** @param describe measures in the words of the kind of model. */
  constructor(describe: (measures: Measures) => string) {
    this.#describe = describe;
  }

  readonly events = {
    onStep: ({ epoch, batch, batches }: StepReport): void => {
      this.#line ??= progressLine(`epoch ${epoch}`, batches, batch - 1);
    },
    onSteps: ({ batch, train, perSecond }: StepsReport): void => {
      this.#line?.update(batch, `${this.#describe(train)} | ${perSecond.toFixed(0)} a second`);
    },
    onEpoch: ({ epoch, train, dev, rate, seconds }: EpochReport): void => {
      this.stop();
      note(
        `train ${this.#describe(train)}  dev ${this.#describe(dev)}  rate ${rate.toPrecision(3)}  ${duration(seconds)}`,
        { title: `epoch ${epoch}` },
      );
    },
  };

  /** Ends the bar, if one is shown. */
  stop(): void {
    this.#line?.stop();
    this.#line = undefined;
  }
}
