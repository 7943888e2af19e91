/** What an encoder is: photos in, features out, and all of it into a model file. */

import { encodeSafetensors } from '../../data/formats/safetensors.js';
import type { SafetensorsTensor } from '../../data/formats/safetensors-dtypes.js';
import { isRecord } from '../../data/formats/strict-json.js';
import type { Preprocessing, PreprocessingName } from '../../data/pictures/preprocessing.js';
import { ShapeError } from '../../errors.js';

/** What an encoder makes of a batch of N photos. */
export interface EncodedBatch {
  /** (N, D), row-major. */
  readonly pooled: Float32Array;
  /** (N, C, H, W), row-major; when it was asked for. */
  readonly grid?: Float32Array;
}

/** Turns photos into features: a vector for each, and a grid of vectors for attention. */
export interface Encoder {
  /** What to call it to people. */
  readonly name: string;
  /** How photos become its input. */
  readonly preprocessing: Preprocessing;
  /** Sizes of what it returns. */
  readonly outputs: {
    readonly pooled: number;
    readonly grid?: readonly [C: number, H: number, W: number];
  };
  /** The file that it was opened from, when it was. */
  readonly path?: string;
  /**
   * @param batch N photos as `preprocess` writes them, (N, 3, height, width).
   * @param options.grid also return the grid (default: only `pooled`).
   * @throws ShapeError when the batch has another size; ValueError for a grid that there is not.
   */
  encode(batch: Float32Array, N: number, options?: { grid?: boolean }): Promise<EncodedBatch>;
  /** All that `restoreEncoder` needs: the encoder's part of a model file. */
  save(): SavedEncoder;
  /** Gives its memory back. */
  dispose(): void;
}

/** An encoder as it travels inside a model file: its kind, its weights or bytes, and the rest. */
export interface SavedEncoder {
  /** `squeezenet` or `onnx`. */
  readonly kind: string;
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** JSON: its name, preprocessing, and which outputs are read. */
  readonly metadata: unknown;
}

/** Choices for an encoder file that does not make them itself. */
export interface EncoderOptions {
  /**
   * How photos become its input: by name, in the size that it takes, or exactly (default: ImageNet's
   * for SqueezeNet; for ONNX what a `preprocessor_config.json` beside the file says, or MobileNet's).
   */
  readonly preprocessing?: Preprocessing | PreprocessingName;
  /** ONNX: the output that is the vector. */
  readonly pooled?: string;
  /** ONNX: the output that is the grid. */
  readonly grid?: string;
  /** ONNX: how many tokens stand between the class token and those of the places (default 0). */
  readonly registerTokens?: number;
}

/** Values of one photo of a batch. @throws ShapeError when the batch does not hold N photos. */
export function checkBatch(
  batch: Float32Array,
  N: number,
  { width, height }: Preprocessing,
): number {
  const photoSize = 3 * height * width;
  if (batch.length !== N * photoSize) {
    throw new ShapeError(
      `encode: ${N} photos of (3, ${height}, ${width}) are ${N * photoSize} values, not ${batch.length}`,
    );
  }
  return photoSize;
}

/**
 * SHA-256 (hex) of all that decides what an encoder returns: weights, preprocessing, chosen
 * outputs. Its name and the file's layout do not count.
 */
export async function encoderFingerprint({
  kind,
  tensors,
  metadata,
}: SavedEncoder): Promise<string> {
  const { name: _, ...settings } = isRecord(metadata) ? metadata : {};
  const content = encodeSafetensors(tensors, { kind, settings: JSON.stringify(settings) });
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(content));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
