/** How a kind of model that names classes tells them of files, for `glimpse classify`. */
import type { z } from 'zod';

/** A class that something may be of. */
export interface Guess {
  readonly class: string;
  /** 0 to 1. */
  readonly probability: number;
}

/** What a model says of a file, or of a part of it. */
export interface Classified {
  /** All classes, the likeliest first. */
  readonly guesses: readonly Guess[];
  /** What else it tells, for programs. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What a model says of a stretch of a clip, in seconds from the clip's begin. */
export interface ClassifiedStretch extends Classified {
  readonly from: number;
  readonly to: number;
}

/** A model that is ready to name classes. What is wrong with a file is a FileError or a FormatError. */
export interface FileClassifier {
  classify(path: string): Promise<Classified>;
  /** Of clips: a stretch of so many seconds after the other, each as soon as it is known. */
  follow?(path: string, every: number): AsyncIterable<ClassifiedStretch>;
}

/** What a kind of model that names classes adds to itself. */
export interface Classification<M> {
  /** What is classified: this decides which files of a folder are meant. Clips can be followed. */
  readonly of: 'photo' | 'clip';
  /** Flags of `glimpse classify`. */
  readonly options: z.ZodObject;
  /**
   * @param note says something to people, such as what is wrong with a file that can be read all the same.
   * @throws UsageError for a model that takes no files
   */
  start(
    model: M,
    options: unknown,
    note: (text: string) => void,
  ): FileClassifier | Promise<FileClassifier>;
}

/** The classes, the likeliest first. */
export function guessesOf(
  classes: readonly string[],
  probabilities: ArrayLike<number>,
): readonly Guess[] {
  const guesses = Array.from(probabilities, (probability, label): Guess => {
    return { class: classes[label] ?? `${label}`, probability };
  });
  return guesses.sort((a, b) => b.probability - a.probability);
}
