/** Damaged files on which a reader once failed: every run reads them first, and so does `npm test`. */

/** As the fuzz run writes a failure to its file. */
export interface PastFailure {
  readonly format: string;
  /** What went wrong. */
  readonly reason: string;
  /** Which of the format's files is damaged. */
  readonly path: string;
  /** That file, in base64. */
  readonly bytes: string;
}

export const pastFailures: readonly PastFailure[] = [];
