/** The encoder that made a file's features: whether it is the one that is meant, and opening it again. */
import { parsePreprocessing } from '../data/pictures/preprocessing.js';
import { FileError, ValueError } from '../errors.js';
import { type Encoder, encoderFingerprint } from '../models/encoders/encoder.js';
import { openEncoder } from '../models/encoders/open-file.js';
import type { FeatureEncoder } from './feature-file.js';

/** A file of features. */
export interface Made {
  readonly path: string;
  /** The encoder that made them, where that is known. */
  readonly encoder: FeatureEncoder | undefined;
}

/**
 * Checks which encoder made features, where that is known.
 * @param sha256 the fingerprint of the encoder that should have.
 * @throws ValueError naming both encoders
 */
export function requireMaker({ path, encoder }: Made, sha256: string): void {
  if (!encoder || encoder.sha256 === sha256) return;
  throw new ValueError(
    `${path} was made by ${encoder.name} ${encoder.sha256.slice(0, 12)}…, not by the encoder ${sha256.slice(0, 12)}…: extract the features again`,
  );
}

/**
 * Opens the encoder that made features, to put it into a model file.
 * @param path where its file is now (default: where it was).
 * @throws ValueError when it is not known where, or the file there is another one; otherwise as
 *   `openEncoder`.
 */
export async function openMaker(made: Made, path = made.encoder?.path): Promise<Encoder> {
  if (!made.encoder || path === undefined) {
    throw new ValueError(`${made.path} does not say which file its encoder came from: name it`);
  }
  const { kind, settings } = made.encoder;
  const { pooled, grid, registerTokens } = settings;
  const options = {
    preprocessing: parsePreprocessing(settings.preprocessing, made.path),
    ...(kind === 'onnx' && typeof pooled === 'string' && { pooled }),
    ...(kind === 'onnx' && typeof grid === 'string' && { grid }),
    ...(typeof registerTokens === 'number' && { registerTokens }),
  };
  const encoder = await openEncoder(path, options).catch((error: unknown) => {
    if (!(error instanceof FileError)) throw error;
    throw new FileError(
      path,
      `the encoder that made ${made.path} is not there: say where it is now (--encoder <file>)`,
      { cause: error },
    );
  });
  requireMaker(made, await encoderFingerprint(encoder.save()));
  return encoder;
}
