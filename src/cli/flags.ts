/** Flags of the command line out of zod schemas: each field's `meta` says how its flag is called and what it means. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { requirement } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';

/** What a field's `meta` says of its flag. */
const metaSchema = z.object({
  /** As commander writes it: `--rate <number>`, `--tied`, `--no-normalise`. */
  flag: z.string(),
  help: z.string(),
  /** The flag means nothing unless each of these has one of the values, or with `true` is given at all. */
  needs: z.record(z.string(), z.union([z.literal(true), z.array(z.unknown())])).optional(),
});

/** A flag, and the place of its value in what the schema describes. */
interface Flag extends z.infer<typeof metaSchema> {
  /** `['attention', 'kind']`. */
  readonly path: readonly string[];
  readonly option: Option;
  readonly schema: z.ZodType;
}

/** Values as nested objects: what a schema takes in. */
export interface Values {
  readonly [name: string]: unknown;
}

/** The flags of a schema, those of objects within it too. Fields without a flag have none. */
export function flagsOf(schema: z.ZodObject, path: readonly string[] = []): Flag[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => {
    const inner = unwrapped(field);
    const own = metaSchema.safeParse(field.meta());
    if (!own.success) {
      return inner instanceof z.ZodObject ? flagsOf(inner, [...path, name]) : [];
    }
    return [
      { ...own.data, path: [...path, name], schema: field, option: optionOf(own.data, field) },
    ];
  });
}

/** Adds the flags of schemas to a command, each with its default in its help. */
export function addFlags(command: Command, ...schemas: readonly z.ZodObject[]): Command {
  for (const { option } of schemas.flatMap((schema) => flagsOf(schema))) command.addOption(option);
  return command;
}

/** The values that flags were given on the command line, and nothing of the others. */
export function givenValues(command: Command, schema: z.ZodObject): Values {
  const values: Record<string, unknown> = {};
  for (const { path, option } of flagsOf(schema)) {
    if (isGiven(command, option)) put(values, path, command.getOptionValue(option.attributeName()));
  }
  return values;
}

/**
 * What a schema makes of the flags that were given.
 * @throws UsageError naming the flag and its value
 */
export function parseFlags<S extends z.ZodObject>(command: Command, schema: S): z.output<S> {
  const values = givenValues(command, schema);
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (!issue) throw new UsageError('the flags are not as they must be');
  const flag = flagsOf(schema).find(({ path }) => `${path}` === `${issue.path}`);
  const found = at(values, issue.path);
  throw new UsageError(
    `${flag?.option.long ?? issue.path.join('.')} ${show(found)}: ${requirement(issue, found)}`,
  );
}

/**
 * Refuses flags that would mean nothing beside the others.
 * @param brought schemas whose values a saved model brings: what needs one of these is not judged here.
 * @throws UsageError `--points needs --transform tps`
 */
export function refuseIdleFlags(
  command: Command,
  schemas: readonly z.ZodObject[],
  brought: readonly z.ZodObject[] = [],
): void {
  const saved = new Set(brought.flatMap(attributesOf));
  for (const { option, needs = {} } of schemas.flatMap((schema) => flagsOf(schema))) {
    if (!isGiven(command, option)) continue;
    for (const [name, wanted] of Object.entries(needs)) {
      const value: unknown = command.getOptionValue(name);
      if (saved.has(name) || (wanted === true ? Boolean(value) : wanted.includes(value))) continue;
      const other = command.options.find((one) => one.attributeName() === name)?.long ?? name;
      const values =
        wanted !== true ? ` ${anyOf(wanted.map(show))}` : value === 0 ? ' above 0' : '';
      throw new UsageError(
        `${option.long} needs ${other}${values}: add it, or leave ${option.long} out`,
      );
    }
  }
}

function attributesOf(schema: z.ZodObject): string[] {
  return flagsOf(schema).map(({ option }) => option.attributeName());
}

/**
 * Who names a flag again when a run is resumed means it: another value than the saved one is refused.
 * @param options.folder of the run, for messages.
 * @param options.changeable names of fields that may change: they say when a run ends, not what it computes.
 * @throws UsageError naming the flag and both values
 */
export function refuseChangedFlags(
  command: Command,
  schema: z.ZodObject,
  {
    saved,
    folder,
    changeable,
  }: { readonly saved: Values; readonly folder: string; readonly changeable: readonly string[] },
): void {
  for (const { path, option } of flagsOf(schema)) {
    if (!isGiven(command, option) || changeable.includes(path.join('.'))) continue;
    const now: unknown = command.getOptionValue(option.attributeName());
    const before = at(saved, path);
    if (JSON.stringify(now) === JSON.stringify(before)) continue;
    const given = typeof now === 'boolean' ? option.long : `${option.long} ${show(now)}`;
    const was =
      typeof now === 'boolean' || before === undefined ? 'without it' : `with ${show(before)}`;
    throw new UsageError(
      `--resume with ${given}: the run in ${folder} was started ${was}; only --epochs and --patience may change`,
    );
  }
}

/** Whether a flag stood on the command line, rather than having its default. */
export function isGiven(command: Command, option: Option): boolean {
  return command.getOptionValueSource(option.attributeName()) === 'cli';
}

function optionOf(
  { flag, help, needs = {} }: z.infer<typeof metaSchema>,
  field: z.ZodType,
): Option {
  const inner = unwrapped(field);
  const with_ = Object.entries(needs).map(([name, values]) =>
    values === true ? kebab(name) : `${kebab(name)} ${values.map(show).join(', ')}`,
  );
  const option = new Option(flag, with_.length > 0 ? `${help} (with ${with_.join('; ')})` : help);
  if (inner instanceof z.ZodEnum) option.choices(inner.options.map(String));
  else if (inner instanceof z.ZodArray && inner.element instanceof z.ZodString) {
    option.argParser((text, before: readonly string[] = []) => [...before, text]);
  } else if (!option.isBoolean() && !option.negate) option.argParser((text) => parsed(text, inner));
  const byDefault = field instanceof z.ZodDefault ? field.safeParse(undefined).data : undefined;
  if (byDefault !== undefined && byDefault !== false && !option.negate) {
    option.default(byDefault, show(byDefault));
  }
  return option;
}

/** The text of a flag as its field takes it in: the field's own check says what is wrong with it. */
function parsed(text: string, inner: z.ZodType): unknown {
  const value = readAs(text, inner);
  const result = inner.safeParse(value);
  if (result.success) return value;
  const [issue] = result.error.issues;
  throw new InvalidArgumentError(issue ? requirement(issue, value) : 'is wrong');
}

function readAs(text: string, inner: z.ZodType): unknown {
  if (inner instanceof z.ZodNumber) return text.trim() === '' ? Number.NaN : Number(text);
  if (inner instanceof z.ZodUnion) {
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  }
  if (inner instanceof z.ZodArray || inner instanceof z.ZodTuple) {
    return text.split(/[,x]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  }
  return text;
}

/** A field without its default and without being optional. */
function unwrapped(field: unknown): z.ZodType {
  if (
    field instanceof z.ZodDefault ||
    field instanceof z.ZodOptional ||
    field instanceof z.ZodNullable ||
    field instanceof z.ZodReadonly ||
    field instanceof z.ZodPrefault
  ) {
    return unwrapped(field.unwrap());
  }
  if (field instanceof z.ZodType) return field;
  throw new TypeError('a schema has a field that is no schema');
}

function put(
  values: Record<string, unknown>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    values[name] = value;
    return;
  }
  const inner: Record<string, unknown> = { ...record(values[name]) };
  put(inner, rest, value);
  values[name] = inner;
}

function at(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, name) => record(value)[String(name)], values);
}

function record(value: unknown): Values {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' || typeof value === 'number'
    ? `${value}`
    : JSON.stringify(value);
}

/** `a, b or c`. */
function anyOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last;
}

/** `lengthPenalty` as `--length-penalty`. */
function kebab(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** For commander: a flag that may be given several times, as the list of its values. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** For commander: flags of commands that no schema describes. */
export const positiveInteger = (text: string): number => wholeFrom(1, text);
export const wholeNumber = (text: string): number => wholeFrom(0, text);

function wholeFrom(least: number, text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isInteger(number)) throw new InvalidArgumentError('must be a whole number');
  if (number >= least) return number;
  throw new InvalidArgumentError(least === 0 ? 'must not be negative' : 'must be above 0');
}
