/** How a set is named in one text: its format, a file or folder, and settings, `coco:photos,dev=0.2`; and opened by it. */
import { z } from 'zod';
import { FileError, UsageError } from '../errors.js';
import { firstIssue } from './formats/schema-errors.js';

/** A setting that counts: at most nine digits. */
export const countSetting = z
  .string()
  .regex(/^\d{1,9}$/, 'must be an integer of 0 or more')
  .transform(Number);

/** A setting that is a share of a set, from 0 to 1. */
export const shareSetting = z.coerce
  .number('must be a share')
  .min(0)
  .lt(1, 'must be a share below 1');

/** The settings of a set that is divided by a seed. */
export const splitSettings = {
  dev: shareSetting.optional(),
  test: shareSetting.optional(),
  seed: countSetting.optional(),
};

const SETTINGS = /^(.*?)((?:,[a-z]+=[^,]*)*)$/s;

/** `<path>,key=value,...` without its settings. */
export function withoutSettings(rest: string): string {
  return SETTINGS.exec(rest)?.[1] ?? rest;
}

/**
 * The parts of `<path>,key=value,...`.
 * @param refusal makes the error of a reason.
 * @throws the refusal, when there is no path or a setting is not what `schema` says.
 */
export function readSettings<T>(
  rest: string,
  schema: z.ZodType<T>,
  refusal: (reason: string) => UsageError,
): { path: string; settings: T } {
  const [, path = '', list = ''] = SETTINGS.exec(rest) ?? [];
  if (path === '') throw refusal('The file or folder is missing after the colon.');
  const pairs = list
    .split(',')
    .slice(1)
    .map((setting) => setting.split('='));
  const settings: Record<string, unknown> = {};
  for (const [key = '', value = ''] of pairs) settings[key] = value;
  const result = schema.safeParse(settings);
  if (!result.success) throw refusal(`${rest}: ${firstIssue(result.error, settings)}.`);
  return { path, settings: result.data };
}

/** The word before the colon, and what follows: one letter alone would be a Windows drive. */
export function splitSpecification(specification: string): { name?: string; rest: string } {
  const [, name, rest] = /^([A-Za-z][\w-]+):(.*)$/s.exec(specification) ?? [];
  return name === undefined || rest === undefined ? { rest: specification } : { name, rest };
}

/** The error for a text that names no set, of a reason. */
export type Refusal = (reason: string) => UsageError;

/** A format that a set may be of. */
export interface SetFormat<T, O> {
  /** How a set of it is named. */
  readonly usage: string;
  readonly explanation: string;
  /** @param rest what follows the colon. */
  readonly open: (rest: string, refuse: Refusal, options: O) => Promise<T>;
}

/** Opens `<path>,key=value,...` by a function of the path, the settings and the options. */
export function withSettings<T, S, O>(
  schema: z.ZodType<S>,
  open: (path: string, settings: S, options: O) => Promise<T>,
): SetFormat<T, O>['open'] {
  return async (rest, refuse, options) => {
    const { path, settings } = readSettings(rest, schema, refuse);
    return open(path, settings, options);
  };
}

/** All formats of one kind of set. */
export class SetFormats<T, O = undefined> {
  /** A line for each, for error messages and help texts. */
  readonly lines: readonly string[];
  readonly #what: string;
  readonly #formats: Readonly<Record<string, SetFormat<T, O>>>;
  readonly #recognise: (path: string) => Promise<string | undefined>;

  /**
   * @param what they are called: `A dataset`.
   * @param recognise the format of a file or folder; undefined for none that is known. It throws a FileError where
   *   there is neither.
   */
  constructor(
    what: string,
    formats: Readonly<Record<string, SetFormat<T, O>>>,
    recognise: (path: string) => Promise<string | undefined>,
  ) {
    this.lines = Object.values(formats).map(
      ({ usage, explanation }) => `${usage}  (${explanation})`,
    );
    this.#what = what;
    this.#formats = formats;
    this.#recognise = recognise;
  }

  /**
   * Opens `<format>:<path>,key=value,...`, or just a file or folder, whose format is then recognised.
   * @throws UsageError, listing the formats, for what is of none of them or not there; what the format throws.
   */
  async open(specification: string, options: O): Promise<T> {
    const refuse: Refusal = (reason) =>
      new UsageError(`${reason}\n${this.#what} is one of:\n  ${this.lines.join('\n  ')}`);
    const { name, rest } = splitSpecification(specification);
    const named = name === undefined ? undefined : this.#named(name);
    if (named) return named.open(rest, refuse, options);
    const path = withoutSettings(specification);
    const recognised = await this.#recognise(path).catch((error: unknown) => {
      throw error instanceof FileError ? refuse(error.message) : error;
    });
    const found = recognised === undefined ? undefined : this.#named(recognised);
    if (!found) throw refuse(`${JSON.stringify(specification)} is of no known format.`);
    return found.open(specification, refuse, options);
  }

  #named(name: string): SetFormat<T, O> | undefined {
    return Object.hasOwn(this.#formats, name) ? this.#formats[name] : undefined;
  }
}
