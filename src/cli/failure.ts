/** How it is told that something failed: a line for people, a JSON document for programs. */
import type { Command } from 'commander';
import { jsonText, printable, printableLine } from '../data/text/printable.js';
import { ClipError, GlimpseError, PhotoError, UsageError } from '../errors.js';

/** What failed: under `--json` the document `{ "error": failure }`, the last line of standard error. */
export interface Failure {
  /** Of the library's errors their `code`; stable. */
  readonly kind: string;
  readonly message: string;
  /** Whatever else is known: the file, the photos that were left out. */
  readonly [fact: string]: unknown;
}

/** Whether programs read the answer. Asked of the arguments, since these may be what is wrong. */
export function isForPrograms(): boolean {
  const { argv } = process;
  const end = argv.indexOf('--');
  return argv.slice(2, end < 0 ? argv.length : end).includes('--json');
}

/** Tells of a failure on standard error. @param each lines for people: the parts of it */
export function tellFailure(failure: Failure, each: readonly string[] = []): void {
  const message = printable(failure.message).replaceAll('\n', '\n  ');
  const lines = each.map((line) => `  ${printableLine(line)}`);
  const told = isForPrograms()
    ? [jsonText({ error: failure })]
    : [`glimpse: ${message}${each.length > 0 ? ':' : ''}`, ...lines];
  process.stderr.write(`${told.join('\n')}\n`);
}

/**
 * Tells of an error; the stack only when asked for.
 * @param advice what could be done, after the message.
 * @returns the exit code
 */
export function tellError(error: unknown, debug: boolean, advice = ''): 1 | 2 {
  const known = error instanceof GlimpseError;
  const reason = error instanceof Error ? error.message : String(error);
  const bug = ' (this is a bug: please report it; --debug shows where)';
  const message = `${reason}${known ? advice : bug}`;
  const stack = debug && error instanceof Error ? error.stack : undefined;
  tellFailure({
    kind: known ? error.code : 'bug',
    message,
    ...factsOf(error),
    ...(stack && { stack }),
  });
  if (stack && !isForPrograms()) process.stderr.write(`${printable(stack)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

/** What to say after an error of a command that could leave the photo or the clip out; otherwise nothing. */
export function skipBadHint(error: unknown, command: Command | undefined): string {
  const could = command?.options.some(({ long }) => long === '--skip-bad') ?? false;
  if (!could || command?.opts().skipBad === true) return '';
  if (error instanceof PhotoError) return ' (--skip-bad leaves out photos that cannot be read)';
  if (error instanceof ClipError) return ' (--skip-bad leaves out clips that cannot be read)';
  return '';
}

/** What an error knows besides its message: the file, the source, the bytes. */
function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof GlimpseError)) return {};
  const { code: _, name: __, cause: ___, ...facts } = { ...error };
  return facts;
}

/** What files are called: by people, and in JSON. */
export interface FileNames {
  /** One of them: `photo`. */
  readonly what: string;
  /** `image`. */
  readonly key: string;
}

/** What went wrong with some of many files: told when the others are done. */
export class Failures {
  readonly #files: number;
  readonly #done: string;
  readonly #names: FileNames;
  readonly #advice: (file: string) => string;
  readonly #leftOut: { readonly file: string; readonly reason: string }[] = [];

  /**
   * @param done what could not be done with them: "captioned"
   * @param advice what could be done about a file, after the reason.
   */
  constructor(
    files: number,
    done: string,
    names: FileNames,
    advice: (file: string) => string = () => '',
  ) {
    this.#advice = advice;
    this.#files = files;
    this.#done = done;
    this.#names = names;
  }

  add(file: string, reason: string): void {
    this.#leftOut.push({ file, reason: `${reason}${this.#advice(file)}` });
  }

  /** Tells of them, and that makes it a failure. */
  report(): void {
    const [first] = this.#leftOut;
    if (!first) return;
    process.exitCode = 1;
    const { what, key } = this.#names;
    const isOnly = this.#files === 1;
    const message = isOnly
      ? first.reason
      : `${this.#leftOut.length} of ${this.#files} ${what}s could not be ${this.#done}`;
    const reasons = isOnly ? [] : this.#leftOut.map(({ reason }) => reason);
    const all = this.#leftOut.map(({ file, reason }) => ({ [key]: file, reason }));
    tellFailure({ kind: 'left-out', message, [`${key}s`]: all }, reasons);
  }
}
