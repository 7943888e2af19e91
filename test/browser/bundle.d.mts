/** A module to bundle, and the global name that its exports get. */
export interface BundleOptions {
  /** File to start from, or a `virtual` module's source. */
  readonly entry: string;
  readonly virtual?: string;
}

export interface Bundle {
  /** A classic script that sets the global `glimpse`. */
  readonly code: string;
  /** The files that went in. */
  readonly modules: readonly string[];
  /** What the script would still import: nothing, if it is to run in a page. */
  readonly imports: readonly string[];
}

/** Bundles for a browser, as an application's bundler would. */
export function bundle(options: BundleOptions): Promise<Bundle>;
