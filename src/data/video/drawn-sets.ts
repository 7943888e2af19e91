/** Sets of drawn clips, captioned or labelled: every clip follows from a seed, its split and its number. */
import { ValueError } from '../../errors.js';
import type { LabelledDataset, LabelledPictures } from '../labels/labelled-pictures.js';
import { SPLIT_NAMES, type SplitName } from '../splits.js';
import type { CaptionedClip, ClipCaptionDataset } from './captioned-clips.js';
import type { ClipDataset, LabelledClip } from './labelled-clips.js';
import { bouncingDigit, glidingDigits, type MovingDigitsOptions } from './moving-digits.js';
import { CORNER_EVENTS, EVENTS, type MovingSceneOptions, movingScene } from './moving-scenes.js';

/** How many clips each split has, and the seed of all of them. */
export interface DrawnSetOptions {
  readonly train: number;
  readonly dev: number;
  readonly test: number;
  readonly seed: number;
}

/** How a set of moving scenes is drawn. */
export type MovingSetOptions = DrawnSetOptions & MovingSceneOptions;

/**
 * Moving scenes with their sentences. More training clips leave the others as they are.
 * @throws ValueError for a count that is not a whole number of 0 or more, an odd one with `order`, and as
 *   `movingScene`.
 */
export function movingSceneSet(options: MovingSetOptions): ClipCaptionDataset {
  return {
    name: 'Moving scenes',
    format: 'moving',
    splits: splitsOf(options, (split, number): CaptionedClip => {
      const scene = movingScene(options.seed, split, number, options);
      return {
        id: `${split}-${number}`,
        clip: scene.clip,
        captions: scene.captions,
        get tracks() {
          return scene.tracks;
        },
      };
    }),
  };
}

/**
 * Moving scenes of one event, whose class is the event: as many clips of each.
 * @throws as `movingSceneSet`.
 */
export function movingEventSet({ corners = false, ...options }: MovingSetOptions): ClipDataset {
  const classes = corners ? [...EVENTS, ...CORNER_EVENTS] : EVENTS;
  return {
    name: 'Moving scenes',
    format: 'moving',
    classes,
    splits: splitsOf(options, (split, number): LabelledClip => {
      const label = number % classes.length;
      const event = classes[label];
      const scene = movingScene(options.seed, split, number, { ...options, events: 1, event });
      return { id: `${split}-${number}`, clip: scene.clip, label };
    }),
  };
}

/** How a set of moving digits is drawn. */
export type DigitSetOptions = DrawnSetOptions & MovingDigitsOptions;

/**
 * Digits that bounce, labelled: those of each split are pictures of that split.
 * @throws as `bouncingDigit`, and for counts as `movingSceneSet`.
 */
export function bouncingDigitSet(digits: LabelledDataset, options: DigitSetOptions): ClipDataset {
  return {
    name: `Moving ${digits.name}`,
    format: 'digits',
    classes: digits.classes,
    splits: splitsOf(options, (split, number): LabelledClip => {
      const pictures = picturesOf(digits, split);
      const { clip, label } = bouncingDigit(pictures, options.seed, split, number, options);
      return { id: `${split}-${number}`, clip, label };
    }),
  };
}

/**
 * Two digits that glide, with the sentence: those of each split are pictures of that split.
 * @throws as `glidingDigits`, and for counts as `movingSceneSet`.
 */
export function glidingDigitSet(
  digits: LabelledDataset,
  options: DigitSetOptions,
): ClipCaptionDataset {
  return {
    name: `Moving ${digits.name}`,
    format: 'digits',
    splits: splitsOf(options, (split, number): CaptionedClip => {
      const pictures = picturesOf(digits, split);
      const drawn = glidingDigits(pictures, options.seed, split, number, options);
      return {
        id: `${split}-${number}`,
        clip: drawn.clip,
        captions: [drawn.caption],
        get tracks() {
          return drawn.tracks;
        },
      };
    }),
  };
}

function picturesOf(digits: LabelledDataset, split: SplitName): LabelledPictures {
  const pictures = digits.splits[split];
  if (pictures.labels.length > 0) return pictures;
  throw new ValueError(`${digits.name} has no pictures for ${split}: say ${split}=0`);
}

function splitsOf<T>(
  { order = false, ...counts }: DrawnSetOptions & { readonly order?: boolean | undefined },
  make: (split: SplitName, number: number) => T,
): Record<SplitName, T[]> {
  for (const split of SPLIT_NAMES) {
    const count = counts[split];
    if (!Number.isInteger(count) || count < 0) {
      throw new ValueError(`The number of ${split} clips must be 0 or more, not ${count}.`);
    }
    if (order && count % 2 === 1) {
      throw new ValueError(
        `Each pair is in both orders: the number of ${split} clips must be even, not ${count}.`,
      );
    }
  }
  const of = (split: SplitName) => Array.from({ length: counts[split] }, (_, i) => make(split, i));
  return { train: of('train'), dev: of('dev'), test: of('test') };
}
