/** Training a model of captions: an objective, the groups of its parameters, and what is measured on dev. */
import { z } from 'zod';
import { batchOf, imagesNotFinite, type Source } from '../../data/source.js';
import { scope } from '../../engine/engine.js';
import { FormatError, UsageError } from '../../errors.js';
import type { CaptionModel } from '../../models/caption-model.js';
import type { Json, Measures, ParameterGroup, Step, Task } from '../../training/task.js';
import { DevScorer, evaluateLoss, sampleAll } from './measures.js';
import { type CaptionData, CrossEntropy, type Learned, type Objective } from './objectives.js';
import type { CaptionRecipe } from './recipe.js';
import { SelfCritical } from './self-critical.js';

const savedSchema = z.object({ baseline: z.number().optional() });

/** A model as it is measured, and what it is measured on. */
export interface Measured<I> {
  readonly captioner: CaptionModel<I>;
  readonly inputs: Source<I>;
}

/** What a kind of model of captions differs in. */
export interface CaptionTaskOptions<I> {
  /** Of the recipe's rate: how fast an encoder learns that is trained along (default 1). */
  readonly encoderRate?: number;
  /** The model, and dev's inputs, as they are measured at the end of an epoch (default: as they are). */
  readonly measured?: (inputs: Source<I>) => Measured<I>;
}

/** A model, its captions and its recipe as a task. */
export class CaptionTask<I> implements Task {
  readonly captioner: CaptionModel<I>;
  readonly groups: readonly ParameterGroup[];
  readonly unit = 'words';
  readonly #recipe: CaptionRecipe;
  readonly #data: CaptionData<I>;
  readonly #measured: (inputs: Source<I>) => Measured<I>;
  readonly #objective: Objective;
  readonly #devScorer: DevScorer | undefined;
  #last: Pick<Learned, 'images' | 'inputs'> | undefined;

  /** @throws UsageError when a score is to select but dev has no references. */
  constructor(
    captioner: CaptionModel<I>,
    recipe: CaptionRecipe,
    data: CaptionData<I>,
    { encoderRate = 1, measured = (inputs) => ({ captioner, inputs }) }: CaptionTaskOptions<I> = {},
  ) {
    this.#measured = measured;
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
      ...(encoder ? [{ name: 'encoder', parameters: encoder, share: encoderRate }] : []),
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
    const { captioner, inputs } = this.#measured(dev.inputs);
    const { lossPerWord: loss } = await evaluateLoss(captioner, inputs, dev.captions);
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

  async badInputs(on: 'train' | 'dev'): Promise<string | undefined> {
    const { ids, dev } = this.#data;
    if (on === 'train') {
      return this.#last && imagesNotFinite(this.#last.inputs, namesOf(this.#last.images, ids));
    }
    for (let image = 0; image < dev.inputs.size; image++) {
      using _image = scope();
      const bad = imagesNotFinite(
        this.captioner.numbersOf(await batchOf(dev.inputs, [image])),
        namesOf([image], dev.ids),
      );
      if (bad !== undefined) return bad;
    }
    return undefined;
  }
}

function namesOf(images: ArrayLike<number>, ids: readonly string[] | undefined): string[] {
  return Array.from(images, (image) => ids?.[image] ?? `image ${image}`);
}

/** What scores dev's captions, when a score selects. */
function devScorerOf(
  { select }: CaptionRecipe,
  { dev }: CaptionData<unknown>,
): DevScorer | undefined {
  if (select === 'loss') return undefined;
  if (!dev.references) {
    throw new UsageError(`to select by ${select}, dev needs the references of its images`);
  }
  return new DevScorer(dev.references);
}
