/** What tasks of models of whole pictures share: their pictures, their batches, and the checks of both. */
import { type Binarisation, BinarisedPictures } from '../data/labels/binarised-pictures.js';
import type { LabelledDataset, PictureShape } from '../data/labels/labelled-pictures.js';
import { imagesNotFinite } from '../data/source.js';
import type { SplitName } from '../data/splits.js';
import { scope } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { Recipe } from '../training/recipe.js';
import {
  type Measures,
  type ParameterGroup,
  type Step,
  shuffledBatches,
  type Task,
} from '../training/task.js';

/** The pictures of a split as a model sees them: the splits are drawn differently, and the same for every run. */
export function picturesOf(
  { splits }: Pick<LabelledDataset, 'splits'>,
  split: SplitName,
  how: Binarisation,
): BinarisedPictures {
  return new BinarisedPictures(splits[split], how, { train: 0, dev: 1, test: 2 }[split]);
}

/** A model of pictures, its data and its recipe. All that is drawn is a function of seed, epoch and place. */
export abstract class PictureTask<R extends Recipe> implements Task {
  abstract readonly groups: readonly ParameterGroup[];
  readonly batchesPerEpoch: number;
  readonly unit = 'pictures';
  readonly train: BinarisedPictures;
  readonly dev: BinarisedPictures;
  protected readonly recipe: R;
  /** The pictures of the last step. */
  #last: ArrayLike<number> & Iterable<number> = [];
  #epoch = 0;

  /**
   * @throws UsageError when a split is empty, its pictures are not of the model's shape, or a batch is larger
   *   than the set
   */
  constructor(
    recipe: R,
    dataset: Pick<LabelledDataset, 'splits'>,
    { picture, binarise }: { readonly picture: PictureShape; readonly binarise: Binarisation },
  ) {
    this.recipe = recipe;
    const pictures = (split: 'train' | 'dev') =>
      fitting(picturesOf(dataset, split, binarise), picture, 'the model', split);
    this.train = pictures('train');
    this.dev = pictures('dev');
    if (recipe.batchSize > this.train.size) {
      throw new UsageError(
        `a batch of ${recipe.batchSize} pictures is more than the ${this.train.size} that there are to train on: choose a smaller --batch-size`,
      );
    }
    this.batchesPerEpoch = Math.ceil(this.train.size / recipe.batchSize);
  }

  *steps(epoch: number, from: number): Generator<Step> {
    for (const { batch, indices } of shuffledBatches(this.train.size, this.recipe, epoch, from)) {
      yield () => {
        [this.#last, this.#epoch] = [indices, epoch];
        return this.step(indices, epoch, batch);
      };
    }
  }

  protected abstract step(indices: Int32Array, epoch: number, batch: number): ReturnType<Step>;

  abstract measure(): Promise<Measures>;

  badInputs(on: 'train' | 'dev'): string | undefined {
    const pictures = this[on];
    const indices =
      on === 'train' ? this.#last : Array.from({ length: pictures.size }, (_, i) => i);
    for (const index of indices) {
      using _picture = scope();
      const { x } = pictures.batch([index], on === 'train' ? this.#epoch : 0);
      const bad = imagesNotFinite(x, [`${on} picture ${index}`]);
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  worth({ loss = Number.POSITIVE_INFINITY }: Measures): number {
    return -loss;
  }
}

/**
 * The pictures, where a model takes them.
 * @param source of the model, and `of` what the pictures are, for errors.
 * @throws UsageError for none, and for those of another shape
 */
export function fitting(
  pictures: BinarisedPictures,
  shape: PictureShape,
  source: string,
  of: string,
): BinarisedPictures {
  if (pictures.size === 0) throw new UsageError(`${of} has no pictures`);
  if (`${pictures.shape}` === `${shape}`) return pictures;
  throw new UsageError(
    `${source} takes pictures (${shape.join(', ')}), those of ${of} are (${pictures.shape.join(', ')})`,
  );
}
