import { isFaultOfFile } from '../data/formats/notes.js';
import type { ImageSource } from '../data/pictures/pixels.js';
import { type DecodingOptions, parseDecoding } from '../decoding/options.js';
import type { FileError, FormatError } from '../errors.js';
import { Random } from '../random.js';
import type { PhotoCaption, PhotoCaptioner } from './photo-captioner.js';

/** What became of one of many pictures. */
export type CaptionOutcome<S extends ImageSource> =
  | { readonly source: S; readonly caption: PhotoCaption; readonly error?: never }
  /** A picture that could not be read or decoded. */
  | { readonly source: S; readonly caption?: never; readonly error: FileError | FormatError };

/**
 * Captions any number of pictures, some at a time, and tells of each in order as soon as it is known.
 * While some are captioned, the next are loaded. A bad picture does not cost the others their
 * captions.
 *
 * @param options.batchSize pictures that go through the models together (default 16).
 * @throws UsageError for options of decoding that are wrong; what the loader throws, other than the
 *   errors of a file.
 */
export async function* captionEach<S extends ImageSource>(
  captioner: PhotoCaptioner,
  sources: readonly S[],
  { batchSize = 16, ...decoding }: DecodingOptions & { batchSize?: number } = {},
): AsyncGenerator<CaptionOutcome<S>> {
  const random = new Random(parseDecoding(decoding).seed);
  const loadFrom = (start: number) =>
    Promise.allSettled(
      sources.slice(start, start + batchSize).map((source) => captioner.load(source)),
    );
  let loading = loadFrom(0);
  for (let start = 0; start < sources.length; start += batchSize) {
    const loaded = await loading;
    loading = loadFrom(start + batchSize);
    const good = loaded.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const captions = await captioner.captionLoaded(good, decoding, random);
    for (const [index, one] of loaded.entries()) {
      const source = sources[start + index];
      if (source === undefined) continue;
      if (one.status === 'rejected') {
        yield { source, error: fileError(one.reason) };
      } else {
        const caption = captions.shift();
        if (caption) yield { source, caption };
      }
    }
  }
}

function fileError(reason: unknown): FileError | FormatError {
  if (isFaultOfFile(reason)) return reason;
  throw reason;
}
