/** What readers report about files, in short sentences, however large or damaged a file is. */
import { FileError, FormatError } from '../../errors.js';

/** Names that are shown of many. */
const SHOWN = 3;
const LONGEST_NAME = 80;

/** The first few of many names or places, with commas: `a.jpg, b.jpg, c.jpg, …`. */
export function firstFew(names: readonly string[], divider = ', '): string {
  const shown = names.slice(0, SHOWN).map(shortened);
  return [...shown, ...(names.length > SHOWN ? ['…'] : [])].join(divider);
}

/** A name as it is shown: its beginning, where it is very long. */
export function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

/** `1 photo`, `4 photos`. */
export function counted(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}

/** The verb that goes with a number of things. */
export function isOrAre(number: number): string {
  return number === 1 ? 'is' : 'are';
}

/** Where more of a file's captions or clips cannot be used, it is another file than was meant. */
export const MOST_LEFT_OUT = 1 / 3;

/**
 * Captions, or clips, of a file that cannot be used: a few are left out and reported; with many of them the
 * whole file is refused. One rule for all readers.
 */
export class LeftOut {
  readonly #source: string;
  readonly #what: string;
  readonly #found: string[] = [];
  #count = 0;

  /**
   * @param source the file, for errors.
   * @param what one of them is.
   */
  constructor(source: string, what = 'caption') {
    this.#source = source;
    this.#what = what;
  }

  /**
   * Leaves one out.
   * @param place where it stands: `line 7`.
   * @param reason what is wrong with it: `the caption is empty`.
   */
  add(place: string, reason: string): void {
    this.#count++;
    if (this.#found.length <= SHOWN) this.#found.push(`${shortened(place)}: ${reason}`);
  }

  /**
   * The sentences to report, when all is read.
   * @param kept how many can be used.
   * @throws FormatError naming the first, when more than a third are left out.
   */
  notes(kept: number): string[] {
    const total = kept + this.#count;
    if (this.#count > total * MOST_LEFT_OUT) {
      const all =
        this.#count > 1 ? ` (${this.#count} of ${total} ${this.#what}s cannot be used)` : '';
      throw new FormatError(this.#source, `${this.#found[0]}${all}`);
    }
    if (this.#count === 0) return [];
    return [
      `${this.#count} of ${total} ${this.#what}s ${isOrAre(this.#count)} left out: ${firstFew(this.#found, '; ')}`,
    ];
  }
}

/**
 * That some are left out, if any are: `4 photos have no caption and are left out: a.jpg, …`.
 * @param lacks what one of them lacks, and what several do.
 */
export function leftOutNote(
  names: readonly string[],
  what: string,
  lacks: readonly [one: string, many: string],
): string[] {
  if (names.length === 0) return [];
  const why = names.length === 1 ? `has ${lacks[0]} and is` : `have ${lacks[1]} and are`;
  return [`${counted(names.length, what)} ${why} left out: ${firstFew(names)}`];
}

/** The same of photos without captions. */
export function withoutCaptions(photos: readonly string[]): string[] {
  return leftOutNote(photos, 'photo', ['no caption', 'no captions']);
}

/** What is wrong with a value that should be a text with something in it; undefined if nothing is. */
export function faultOfText(value: unknown, what: string): string | undefined {
  if (value === undefined) return `the ${what} is missing`;
  if (value === null) return `the ${what} is null`;
  if (typeof value === 'string') {
    const text = value.trim();
    // What pandas writes where nothing is.
    if (/^(nan|null)$/i.test(text)) return `the ${what} is ${text}`;
    return text === '' ? `the ${what} is empty` : undefined;
  }
  const kind = Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;
  return `the ${what} is ${kind}, not a text`;
}

/** That photos, or clips, cannot be read and are left out, if any are. @param reasons naming their files. */
export function unreadableNote(reasons: readonly string[], what = 'photo'): string[] {
  if (reasons.length === 0) return [];
  const some = reasons.slice(0, SHOWN).join('; ');
  const more = reasons.length > SHOWN ? '; …' : '';
  return [
    `${counted(reasons.length, what)} that cannot be read ${isOrAre(reasons.length)} left out: ${some}${more}`,
  ];
}

/** Whether what went wrong is the fault of one file, which may be left out: it cannot be read, or makes no sense. */
export function isFaultOfFile(error: unknown): error is FileError | FormatError {
  return error instanceof FileError || error instanceof FormatError;
}

/**
 * Refuses photos, or clips, of which too many cannot be read: then something else is wrong.
 * @throws FormatError when those are more than a third.
 */
export function refuseIfMany(
  source: string,
  reasons: readonly string[],
  total: number,
  what = 'photo',
): void {
  if (reasons.length <= total * MOST_LEFT_OUT) return;
  throw new FormatError(
    source,
    `${reasons.length} of ${total} ${what}s cannot be read, too many to leave out: is the download complete? The first: ${reasons[0]}`,
  );
}

/** A value among rows that is not finite. */
export interface NotFinite {
  readonly row: number;
  /** Its place in the row. */
  readonly place: number;
  readonly value: number;
}

/** The first value that is not finite among rows of `size` values; undefined where all are. */
export function firstNotFinite(values: ArrayLike<number>, size: number): NotFinite | undefined {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) return { row: Math.floor(i / size), place: i % size, value };
  }
  return undefined;
}

/** What is said of such a row: "are not finite (value 2 is NaN)". */
export function notFinite({ place, value }: NotFinite): string {
  const beyond = Number.isNaN(value) ? '' : ', or beyond what float32 holds';
  return `are not finite (value ${place} is ${value}${beyond})`;
}
