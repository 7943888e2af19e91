/** What a run learns from and is measured on: encoded captions, and the inputs that they are about. */
import type { Source } from '../../data/source.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import { CIDER_OF_ONE } from '../../metrics/cider.js';
import type { CaptionData } from './objectives.js';
import type { CaptionRecipe } from './recipe.js';
import { type CaptionedSet, encodeCaptions } from './words.js';

/**
 * The captions of train and dev as words, with the inputs of both.
 * @throws ValueError when there are no captions.
 */
export function captionDataOf<I>(
  { splits: { train, dev } }: Pick<CaptionedSet, 'splits'>,
  vocabulary: Vocabulary,
  { maxWords }: Pick<CaptionRecipe, 'maxWords'>,
  inputs: { readonly train: Source<I>; readonly dev: Source<I> },
): CaptionData<I> {
  return {
    vocabulary,
    train: encodeCaptions(train, vocabulary, maxWords),
    inputs: inputs.train,
    ids: train.map(({ id }) => id),
    dev: {
      captions: encodeCaptions(dev, vocabulary, maxWords),
      inputs: inputs.dev,
      ids: dev.map(({ id }) => id),
      references: dev.map(({ captions }) => captions),
    },
  };
}

/**
 * Refuses what asks for CIDEr of one image, which is always 0 and so can compare nothing.
 * @throws UsageError naming the flag, and what to do.
 */
export function refuseCiderOfOne(
  { name, splits: { train, dev }, things = 'images' }: CaptionedSet,
  { select, selfCritical }: Pick<CaptionRecipe, 'select' | 'selfCritical'>,
): void {
  const one = things.replace(/s$/, '');
  if (select === 'cider' && dev.length === 1) {
    throw new UsageError(
      `--select cider, but ${name} has one dev ${one}. ${CIDER_OF_ONE}. Give it more dev ${things}, or --select loss`,
    );
  }
  if (selfCritical && train.length === 1) {
    throw new UsageError(
      `--self-critical, but ${name} has one train ${one}. ${CIDER_OF_ONE}, and CIDEr-D is the reward. Give it more train ${things}`,
    );
  }
}
