import type { Command } from 'commander';
import type { CaptionedImage } from '../data/captions/captioned-images.js';
import { PhotoError, UsageError } from '../errors.js';
import { leftOutPhotos, type PhotoReader, readableImages } from '../training/readable-images.js';
import { note } from './terminal.js';

/** What `--skip-bad` does, for the help of every command that has it. */
export const skipBadHelp = 'leave out photos that cannot be read instead of stopping';

/** What to say after an error of a command that could leave the photo out; otherwise nothing. */
export function skipBadHint(error: unknown, command: Command | undefined): string {
  const could = command?.options.some(({ long }) => long === '--skip-bad') ?? false;
  if (!(error instanceof PhotoError) || !could || command?.opts().skipBad === true) return '';
  return ' (--skip-bad leaves out photos that cannot be read)';
}

/**
 * The images of a split that models can be measured on; says which are left out.
 * @throws UsageError when none are left; otherwise as `readableImages`.
 */
export async function readableOf(
  images: readonly CaptionedImage[],
  readers: readonly PhotoReader[],
  options: { readonly skipBad?: boolean | undefined; readonly source: string },
): Promise<readonly CaptionedImage[]> {
  const { images: readable, leftOut } = await readableImages(images, readers, options);
  for (const sentence of leftOutPhotos(leftOut)) note(`${options.source}: ${sentence}`);
  if (readable.length > 0) return readable;
  throw new UsageError(`${options.source}: no photo can be read. The first: ${leftOut[0]?.reason}`);
}
