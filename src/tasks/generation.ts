/** How a kind of model that draws pictures draws them, for `glimpse generate`. */
import type { z } from 'zod';
import type { PictureShape } from '../data/labels/labelled-pictures.js';

/** Which pictures are drawn. Picture n is a function of seed and n, not of how many are drawn together. */
export interface DrawRequest {
  /** The numbers of the pictures are from `first` on. */
  readonly first: number;
  readonly count: number;
  readonly seed: number;
  /** The place of a class in `classes`; without it, of each picture one by chance. */
  readonly label?: number | undefined;
}

/** A space of codes of which pictures are made: what lies between two of them can be walked through. */
export interface LatentSpace {
  /** Values of a code. They are normal ones of mean 0 and variance 1. */
  readonly size: number;
  /** The codes (count, size) that pictures would be drawn from. */
  codes(request: DrawRequest): Float32Array;
  /** Pictures (count, C, H, W), from 0 to 1, of codes (count, size). */
  decode(codes: Float32Array, label?: number): Float32Array;
}

/** A model that is ready to draw. */
export interface PictureGenerator {
  /** (C, H, W), of 1 or 3 channels. */
  readonly shape: PictureShape;
  /** The classes that can be asked for; none of a model that knows none. */
  readonly classes: readonly string[];
  /** How many pictures are drawn together at most: this bounds the memory. */
  readonly batch: number;
  /** Pictures (count, C, H, W), from 0 to 1. */
  draw(request: DrawRequest): Float32Array | Promise<Float32Array>;
  /** Of models that draw from a code. */
  readonly latent?: LatentSpace;
}

/** What a kind of model that draws pictures adds to itself. */
export interface Generation<M> {
  /** Flags of `glimpse generate` that are its own: a temperature, a text. */
  readonly options: z.ZodObject;
  /** @throws UsageError for options that the model does not take */
  start(
    model: M,
    options: unknown,
    note: (text: string) => void,
  ): PictureGenerator | Promise<PictureGenerator>;
}
