/** Training a classifier of clips: the views of each step, the loss, and what is measured on dev. */
import { valueAndGradients } from '../../autograd/tape.js';
import { UsageError } from '../../errors.js';
import { dropout } from '../../layers/elementwise/dropout.js';
import { softmaxLoss } from '../../layers/losses/softmax.js';
import type { ClipMode } from '../../models/video/network.js';
import { randomAt } from '../../random.js';
import { argmaxRows } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import {
  type Measures,
  type ParameterGroup,
  type Step,
  shuffledBatches,
  type Task,
} from '../../training/task.js';
import { type ClipReport, judgeClips } from './evaluation.js';
import type { ClipInputs } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';
import type { VideoClassifierRecipe } from './recipe.js';

/** So many clips of train are measured on where there are none of dev: all windows of many would cost more than learning. */
export const MEASURED = 8;

/** A classifier of clips, its data and its recipe as a task. */
export class VideoClassifierTask implements Task {
  readonly groups: readonly ParameterGroup[];
  readonly batchesPerEpoch: number;
  readonly unit = 'clips';
  #judged: ClipReport | undefined;
  readonly #model: VideoClassifierModel;
  readonly #recipe: VideoClassifierRecipe;
  readonly #train: ClipInputs;
  readonly #dev: ClipInputs;

  /**
   * @param data.dev without clips: measured is then on clips of train, as they are judged.
   * @throws UsageError when there are no clips to train on
   */
  constructor(
    model: VideoClassifierModel,
    recipe: VideoClassifierRecipe,
    { train, dev }: { readonly train: ClipInputs; readonly dev: ClipInputs },
  ) {
    if (train.size === 0) throw new UsageError('there are no train clips');
    this.#model = model;
    this.#recipe = recipe;
    [this.#train, this.#dev] = [train, dev.size > 0 ? dev : train.some(MEASURED)];
    this.groups = [{ name: 'network', parameters: model.parameters, share: 1 }];
    this.batchesPerEpoch = Math.ceil(train.size / recipe.batchSize);
  }

  *steps(epoch: number, from: number): Generator<Step> {
    const batches = [...shuffledBatches(this.#train.size, this.#recipe, epoch, from)];
    for (const [place, { batch, indices }] of batches.entries()) {
      const next = batches[place + 1]?.indices ?? [];
      yield () => this.#step(indices, epoch, batch, next);
    }
  }

  async *#step(
    indices: Int32Array,
    epoch: number,
    batch: number,
    next: ArrayLike<number>,
  ): ReturnType<Step> {
    const { network, config, parameters, state } = this.#model;
    const { seed, labelSmoothing } = this.#recipe;
    const clips = await this.#train.training(indices, epoch, this.#recipe);
    this.#train.expect(next);
    const labels = this.#train.labels(indices);
    const targets = tensor(labels, { dtype: 'i32' });
    const random = randomAt(seed, 'dropout', epoch, batch);
    const mode: ClipMode = {
      training: true,
      drop: (x) =>
        config.dropout > 0 ? dropout(x, { rate: config.dropout, seed: random.uint32() }) : x,
    };
    let predicted: ArrayLike<number> = [];
    const { value, gradients } = valueAndGradients((p) => {
      const { scores } = network.scores(p, state, clips, mode);
      predicted = argmaxRows(scores).dataSync();
      return softmaxLoss(scores, targets, { labelSmoothing });
    }, parameters);
    const loss = value.item();
    yield { network: gradients };
    const count = labels.length;
    const mistakes = labels.filter((label, n) => label !== predicted[n]).length;
    return { loss: { total: loss * count, count }, error: { total: mistakes, count } };
  }

  async measure(): Promise<Measures> {
    const { batchSize } = this.#recipe;
    this.#judged = await judgeClips(this.#model, this.#dev, { batchSize });
    const { loss, error } = this.#judged;
    return { loss, error };
  }

  /** How the dev clips were judged last; undefined before that. */
  get judged(): ClipReport | undefined {
    return this.#judged;
  }

  /** Fewer mistakes are better; of as many, a lower loss. */
  worth({ error = 1, loss = 0 }: Measures): number {
    return -Math.round(error * this.#dev.size) - loss / (1 + loss);
  }
}
