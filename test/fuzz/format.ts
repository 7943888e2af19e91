/** What the fuzz run knows of a format. */

/** Files by their paths in a folder. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** A kind of file that Glimpse reads. */
export interface Format {
  readonly name: string;
  /** Whether a file takes so long that `npm test` tries only a few. */
  readonly slow?: boolean;
  /** Files that are read, small ones. Those that are not empty are damaged, one at a time. */
  readonly files: () => Files | Promise<Files>;
  /** Reads them from the folder in which they lie, as far as users' files are read. */
  readonly read: (folder: string) => Promise<unknown>;
}
