/** How a kind of model that brings pictures back from a code does it, for `glimpse reconstruct`. */
import type { z } from 'zod';
import type { PictureShape } from '../data/labels/labelled-pictures.js';

/** What came back of pictures. */
export interface Reconstructed {
  /** (N, C, H, W), from 0 to 1. */
  readonly values: Float32Array;
  /** What the model was given, where that is not the picture itself: black and white, or with noise. */
  readonly given?: Float32Array;
  /** What else is known of each picture, for programs: its bound, its code. */
  readonly facts?: readonly Readonly<Record<string, unknown>>[];
}

/** A model that is ready to bring pictures back. */
export interface Reconstructor {
  /** (C, H, W), of 1 or 3 channels. */
  readonly shape: PictureShape;
  /**
   * @param values (N, C, H, W), from 0 to 1.
   * @param first the number of the first picture: what is drawn for picture n is a function of n.
   */
  reconstruct(values: Float32Array, first: number): Reconstructed | Promise<Reconstructed>;
}

/** What a kind of model that brings pictures back adds to itself. */
export interface Reconstruction<M> {
  /** Flags of `glimpse reconstruct` that are its own. */
  readonly options: z.ZodObject;
  /** @throws UsageError for a model that takes no files */
  start(
    model: M,
    options: unknown,
    note: (text: string) => void,
  ): Reconstructor | Promise<Reconstructor>;
}
