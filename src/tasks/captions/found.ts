/** Captions as they are found for photos or clips, a few of these or any number. */
import { isFaultOfFile } from '../../data/formats/notes.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import { ensemble } from '../../decoding/ensemble.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '../../decoding/options.js';
import { captionerModel } from '../../decoding/word-model.js';
import type { FileError, FormatError } from '../../errors.js';
import type { CaptionModel } from '../../models/caption-model.js';
import { Random } from '../../random.js';
import type { HostArray } from '../../tensor/tensor.js';

/** A word of a caption. */
export interface SpokenWord {
  readonly word: string;
  /** Log-probability of the word after those before it, in nats. */
  readonly logProbability: number;
  /** Of a model with attention: the weights of the places for this word, or the numbers of its window. */
  readonly attention?: HostArray;
}

/** One caption, word by word. */
export interface SpokenCaption {
  readonly caption: string;
  /** Log-probability of the caption, its end included, in nats. */
  readonly logProbability: number;
  readonly words: readonly SpokenWord[];
}

/** What is said of a photo or a clip. */
export interface FoundCaption extends SpokenCaption {
  /** All captions that were asked for (`nBest`), the one above first. */
  readonly alternatives: readonly SpokenCaption[];
}

/** A model with the words that it says. */
export interface Speaker<I> {
  readonly captioner: CaptionModel<I>;
  readonly vocabulary: Vocabulary;
}

/** Models that speak together, as an `ensemble`. @throws ValueError as `ensemble` */
export function jointModel<I>(speakers: readonly Speaker<I>[]) {
  return ensemble(
    speakers.map(({ captioner, vocabulary }) => captionerModel(captioner, vocabulary)),
  );
}

/** What a decoder found, in words. @param hypotheses best first. */
export function foundCaption(
  hypotheses: readonly Hypothesis[],
  vocabulary: Vocabulary,
): FoundCaption {
  const alternatives = hypotheses.map((one) => spoken(one, vocabulary));
  const [first = { caption: '', logProbability: 0, words: [] }] = alternatives;
  return { ...first, alternatives };
}

function spoken(
  { words, logProbability, wordLogProbabilities, attention }: Hypothesis,
  vocabulary: Vocabulary,
): SpokenCaption {
  return {
    caption: vocabulary.decode(words),
    logProbability,
    words: words.map((word, index) => {
      const weights = attention?.[index];
      return {
        word: vocabulary.word(word),
        logProbability: wordLogProbabilities[index] ?? Number.NaN,
        ...(weights && { attention: weights }),
      };
    }),
  };
}

/** Captions photos or clips (S), which it loads (L), several together: `PhotoCaptioner`, `ClipCaptioner`. */
export interface BatchCaptioner<S, L, C extends FoundCaption> {
  /** @throws FileError, FormatError for a source that cannot be read */
  load(source: S): Promise<L>;
  /** A caption for each, in order. @param random as of `decode`. */
  captionLoaded(loaded: readonly L[], options: DecodingOptions, random: Random): Promise<C[]>;
}

/** What became of one of many photos or clips. */
export type CaptionOutcome<S, C extends FoundCaption = FoundCaption> =
  | { readonly source: S; readonly caption: C; readonly error?: never }
  /** One that could not be read or decoded. */
  | { readonly source: S; readonly caption?: never; readonly error: FileError | FormatError };

/**
 * Captions any number of photos or clips, some at a time, and yields each in order as soon as it is done. While
 * some are captioned, the next are loaded. After a bad one the others still get their captions.
 *
 * @param options.batchSize of them, that go through the models together (default 16).
 * @throws UsageError for options of decoding that are wrong; what loading throws, other than the errors of
 *   a file.
 */
export async function* captionEach<S extends Source, Source, L, C extends FoundCaption>(
  captioner: BatchCaptioner<Source, L, C>,
  sources: readonly S[],
  { batchSize = 16, ...decoding }: DecodingOptions & { batchSize?: number } = {},
): AsyncGenerator<CaptionOutcome<S, C>> {
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
