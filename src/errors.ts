/** The errors that Glimpse throws, a class for each kind. */

/** Characters of a message. What a damaged file says of itself can be of any length. */
const LONGEST_MESSAGE = 1200;

/**
 * The errors that Glimpse throws on purpose. Each message names the two things that disagree and
 * says what to do; `code` is stable and meant for programs. Of a message without end the middle is
 * left out.
 */
export class GlimpseError extends Error {
  /** Stable, machine-readable name of what went wrong, e.g. `shape-mismatch`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(shortened(message), options);
    this.name = new.target.name;
    this.code = code;
  }
}

function shortened(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  const half = LONGEST_MESSAGE / 2 - 5;
  return `${message.slice(0, half)} [...] ${message.slice(-half)}`;
}

/** Two shapes, or a shape and a rule, disagree. */
export class ShapeError extends GlimpseError {
  constructor(message: string) {
    super('shape-mismatch', message);
  }
}

/** An element type is not the one that the operation needs. */
export class DTypeError extends GlimpseError {
  constructor(message: string) {
    super('dtype-mismatch', message);
  }
}

/** A value lies outside what an operation accepts: a word index, a probability, an empty list. */
export class ValueError extends GlimpseError {
  constructor(message: string) {
    super('bad-value', message);
  }
}

/** The WebAssembly heap could not grow. `bytes` is what was asked for. */
export class OutOfMemoryError extends GlimpseError {
  readonly bytes: number;

  constructor(bytes: number, message: string) {
    super('out-of-memory', message);
    this.bytes = bytes;
  }
}

/** A tensor was used after its scope closed, or scopes closed in the wrong order. */
export class ScopeError extends GlimpseError {
  constructor(message: string) {
    super('scope', message);
  }
}

/** A file does not say what its format requires. Names the file and, where known, byte or line. */
export class FormatError extends GlimpseError {
  /** The file (or other name of the source). */
  readonly source: string;

  constructor(source: string, message: string, options?: ErrorOptions) {
    super('bad-format', `${source}: ${message}`, options);
    this.source = source;
  }
}

/** A file is no photo that can be decoded; the others of many may be. */
export class PhotoError extends FormatError {}

/** A file or folder is no clip that can be decoded; the others of many may be. */
export class ClipError extends FormatError {}

/** A file could not be read or written (missing, no permission, disk full). */
export class FileError extends GlimpseError {
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super('file', `${path}: ${message}`, options);
    this.path = path;
  }
}

/** A command-line flag or an option object is wrong: names the flag and the value. */
export class UsageError extends GlimpseError {
  constructor(message: string) {
    super('usage', message);
  }
}

/** An optional package or system library is needed and is not there. */
export class MissingDependencyError extends GlimpseError {
  constructor(message: string, options?: ErrorOptions) {
    super('missing-dependency', message, options);
  }
}

/** Training cannot go on: the loss or a gradient is NaN or infinite. */
export class DivergedError extends GlimpseError {
  constructor(message: string) {
    super('diverged', message);
  }
}
