/** Captioned pictures: what every reader of captions gives, and what training and scoring take. */
import type { Box, ImageSource } from '../pictures/pixels.js';
import type { SplitName } from '../splits.js';
import type { Vocabulary } from '../text/vocabulary.js';

/** A word of a caption that names a thing in the picture, and the rectangle around that thing. */
export interface NamedPlace {
  /** Which of the image's captions, and which of its words. */
  readonly caption: number;
  readonly word: number;
  /** What the word says about the thing: `colour`, `shape`, ... */
  readonly kind: string;
  readonly box: Box;
}

/** What has captions: a picture, or a clip. */
export interface Captioned {
  /** Unique within a dataset, e.g. the photo's file name. */
  readonly id: string;
  /** What results files call it, where that is not `id`: COCO's number. */
  readonly resultId?: string;
  /** As written by people: not tokenized. At least one. */
  readonly captions: readonly string[];
  /** The words of each caption, where the set comes with them; otherwise `tokenize` finds them. */
  readonly words?: readonly (readonly string[])[];
}

/** A picture and its captions. */
export interface CaptionedImage extends Captioned {
  readonly image: ImageSource;
  /** Where the things lie that words name, where the set knows: what attention is checked against. */
  readonly places?: readonly NamedPlace[];
}

/** A set of what has captions, divided into what is trained on, tuned on and judged on. */
export interface CaptionSet<T extends Captioned> {
  /** Its name in reports, e.g. "Flickr8k". */
  readonly name: string;
  /** The word before the colon in the argument that opens it: `flickr8k`, `coco`, `scenes`, ... */
  readonly format: string;
  /** Any may be empty. */
  readonly splits: { readonly [K in SplitName]: readonly T[] };
  /**
   * The ids of all photos or clips in the order of the set's own file, those in no split included: rows of
   * features without ids are taken in this order. Default: train, dev and test one after the other.
   */
  readonly order?: readonly string[];
  /** The words that a captioner of this set knows, where the set comes with them. */
  readonly vocabulary?: Vocabulary;
  /** What the user should know, a sentence each: how many captions were left out, and why. */
  readonly notes?: readonly string[];
}

/** The three parts that a set of captioned pictures is divided into; any may be empty. */
export type Splits = CaptionSet<CaptionedImage>['splits'];

/** A set of captioned pictures, as `openDataset` opens it. */
export type CaptionDataset = CaptionSet<CaptionedImage>;
