/** How a kind of model that says sentences says them of files, for `glimpse caption`. */
import type { DecodingOptions } from '../decoding/options.js';
import type { CaptionOutcome, FoundCaption } from './captions/found.js';

/** What a model says of a file, or of a stretch of it. */
export interface FileCaption extends FoundCaption {
  /** Of a clip: when the frames that were seen are shown, in seconds from its begin. */
  readonly seen?: readonly number[];
}

/** What a model says of a stretch of a clip, in seconds from the clip's begin. */
export interface FileStretch extends FileCaption {
  readonly from: number;
  readonly to: number;
}

/** A file, by its path. */
interface FileSource {
  readonly path: string;
}

/** One model or several, ready to caption. */
export interface FileCaptioner {
  /** What the numbers of attention are that words come with, for programs; undefined where words have none. */
  readonly attentionForm: object | undefined;
  /** Each file's caption in order; what is wrong with a file is a FileError or a FormatError. */
  each(
    files: readonly FileSource[],
    options: DecodingOptions & { readonly batchSize?: number },
  ): AsyncIterable<CaptionOutcome<FileSource, FileCaption>>;
  /** Of clips: a stretch of so many seconds after the other, each as soon as it is known. */
  follow?(file: FileSource, every: number, options: DecodingOptions): AsyncIterable<FileStretch>;
}

/** What a kind of model that says sentences adds to itself. */
export interface Captioning<M> {
  /** What is captioned: this decides which files of a folder are meant. Clips can be followed. */
  readonly of: 'photo' | 'clip';
  /** Why a model may have no attention to tell of: `the model looks at the picture once`. */
  readonly withoutAttention: string;
  /**
   * @param models several are an ensemble.
   * @param note says something to people, such as what is wrong with a file that can be read all the same.
   * @throws UsageError for a model that takes no files; ValueError for models that do not speak together
   */
  start(models: readonly M[], note: (text: string) => void): Promise<FileCaptioner>;
}
