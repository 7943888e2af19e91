/** Training a captioner: an objective, the groups of its parameters, and what is measured on dev. */

import { z } from 'zod';
import { imagesNotFinite } from '../../data/source.js';
import { scope } from '../../engine/engine.js';
import { FormatError, UsageError } from '../../errors.js';
import type { Captioner } from '../../models/captioner.js';
import type { Json, Measures, ParameterGroup, Step, Task } from '../../training/task.js';
import { DevScorer, encodedOnce, evaluateLoss, sampleAll } from './measures.js';
import { type CaptionData, CrossEntropy, type Learned, type Objective } from './objectives.js';
import type { CaptionerRecipe } from './recipe.js';
import { SelfCritical } from './self-critical.js';

const savedSchema = z.object({ baseline: z.number().optional() });

/** A captioner, its captions and its recipe as a task. */
export class CaptionerTask implements Task {
  readonly captioner: Captioner;
  readonly groups: readonly ParameterGroup[];
  readonly unit = 'words';
  readonly #recipe: CaptionerRecipe;
  readonly #data: CaptionData;
  readonly #objective: Objective;
  readonly #devScorer: DevScorer | undefined;
  #last: Pick<Learned, 'images' | 'inputs'> | undefined;

  /**
   * @throws UsageError when a score is to select but dev has no references, or the recipe trains another
   *   end of an encoder than the captioner has.
   */
  constructor(captioner: Captioner, recipe: CaptionerRecipe, data: CaptionData) {
    requireSameTail(captioner, recipe);
    this.captioner = captioner;
    this.#recipe = recipe;
    this.#data = data;
    this.#objective = recipe.selfCritical
      ? new SelfCritical(captioner, recipe, data)
      : new CrossEntropy(captioner, recipe, data);
    this.#devScorer = devScorerOf(recipe, data);
    const { encoder, ...own } = captioner.parameters;
    this.groups = [
      { name: 'captioner', parameters: own, share: 1 },
      ...(encoder ? [{ name: 'encoder', parameters: encoder, share: recipe.encoderRate }] : []),
    ];
  }

  get batchesPerEpoch(): number {
    return this.#objective.batchesPerEpoch;
  }

  *steps(epoch: number, from: number): Generator<Step> {
    for (const learn of this.#objective.batches(epoch, from)) yield () => this.#step(learn);
  }

  async *#step(learn: () => Promise<Learned>): ReturnType<Step> {
    const learned = await learn();
    this.#last = learned;
    const { encoder, ...captioner } = learned.gradients;
    yield { captioner, ...(encoder && { encoder }) };
    return learned.sums;
  }

  async measure(): Promise<Measures> {
    this.#last = undefined;
    const { vocabulary, dev } = this.#data;
    const { captioner, inputs } = encodedOnce(this.captioner, dev.inputs);
    const { lossPerWord: loss } = evaluateLoss(captioner, inputs, dev.captions);
    if (!this.#devScorer || !Number.isFinite(loss)) return { loss };
    const captions = await sampleAll(captioner, vocabulary, inputs);
    return { loss, ...this.#devScorer.score(captions) };
  }

  worth({ loss = Number.POSITIVE_INFINITY, cider, bleu4 }: Measures): number {
    const measured = { loss: -loss, cider, bleu4 };
    return measured[this.#recipe.select] ?? Number.NEGATIVE_INFINITY;
  }

  save(): Json {
    const { baseline } = this.#objective;
    return baseline === undefined ? {} : { baseline };
  }

  restore(saved: unknown): void {
    const parsed = savedSchema.safeParse(saved ?? {});
    if (!parsed.success) throw new FormatError('training state', 'its baseline is no number');
    this.#objective.baseline = parsed.data.baseline;
  }

  badInputs(on: 'train' | 'dev'): string | undefined {
    const { ids, dev } = this.#data;
    if (on === 'train') {
      return this.#last && imagesNotFinite(this.#last.inputs, namesOf(this.#last.images, ids));
    }
    for (let image = 0; image < dev.inputs.size; image++) {
      using _image = scope();
      const bad = imagesNotFinite(dev.inputs.batch([image]), namesOf([image], dev.ids));
      if (bad !== undefined) return bad;
    }
    return undefined;
  }
}

/** @throws UsageError when a recipe trains another end of an encoder than the captioner has. */
export function requireSameTail({ tail }: Captioner, { finetuneEncoder }: CaptionerRecipe): void {
  if (tail?.from === finetuneEncoder) return;
  const of = (from: string | undefined) => (from ? `the encoder from ${from} on` : 'no encoder');
  throw new UsageError(
    `the recipe trains ${of(finetuneEncoder)} along, but the captioner has ${of(tail?.from)} to train`,
  );
}

function namesOf(images: ArrayLike<number>, ids: readonly string[] | undefined): string[] {
  return Array.from(images, (image) => ids?.[image] ?? `image ${image}`);
}

/** What scores dev's captions, when a score selects. */
function devScorerOf({ select }: CaptionerRecipe, { dev }: CaptionData): DevScorer | undefined {
  if (select === 'loss') return undefined;
  if (!dev.references) {
    throw new UsageError(`to select by ${select}, dev needs the references of its images`);
  }
  return new DevScorer(dev.references);
}
