/** The classes of labels in a file: their names, and which number means which. */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { FormatError } from '../../errors.js';
import { readJson, readText } from '../formats/files.js';
import { firstFew } from '../formats/notes.js';
import { quote } from '../formats/strict-json.js';
import { sortedValues } from '../splits.js';

/** Names of classes in the order of their numbers. */
export interface ClassNames {
  /** The file, for errors. */
  readonly source: string;
  readonly names: readonly string[];
  /** The number of the first class, where the file has numbers. */
  readonly first: number | undefined;
}

/** More classes than any set has. */
const MOST_CLASSES = 100_000;

const jsonSchema = z.union([
  z.array(z.string()),
  z.record(z.string(), z.union([z.int(), z.string()])),
]);

/**
 * Reads a name a line, with the number of its class before it or without (`1 ApplyEyeMakeup`), a JSON list of
 * names, or a JSON object of numbers by name.
 *
 * @param file where it lies, or how it is called beside `set`.
 * @throws FileError; FormatError for numbers that have gaps, and for two classes of one name.
 */
export async function readClassNames(file: string, set: string): Promise<ClassNames> {
  const here = await stat(file).catch(() => undefined);
  const source = here ? file : join(dirname(set), file);
  const names =
    extname(source).toLowerCase() === '.json'
      ? namesOfJson(await readJson(source, jsonSchema), source)
      : namesOfLines(await readText(source), source);
  if (names.names.length === 0) throw new FormatError(source, 'names no class');
  const twice = names.names.find((name, index) => names.names.indexOf(name) < index);
  if (twice !== undefined) throw new FormatError(source, `names the class ${twice} twice`);
  return names;
}

function namesOfLines(text: string, source: string): ClassNames {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const found = lines.map((line) => /^(\d+)[\s,;:]\s*(\S.*)$/.exec(line));
  const numbered = found.flatMap((match) => (match ? [[Number(match[1]), match[2] ?? '']] : []));
  const inOrder = numbered.every(([number], index) => number === Number(numbered[0]?.[0]) + index);
  // Otherwise names that begin with a number: "2 hands up".
  return numbered.length === lines.length && inOrder && Number(numbered[0]?.[0]) <= 1
    ? inNumbers(new Map(numbered.map(([number, name]) => [String(name), Number(number)])), source)
    : { source, names: lines, first: undefined };
}

function namesOfJson(json: z.infer<typeof jsonSchema>, source: string): ClassNames {
  if (Array.isArray(json)) return { source, names: json, first: undefined };
  const numbers = new Map(Object.entries(json).map(([name, number]) => [name, Number(number)]));
  return inNumbers(numbers, source);
}

function inNumbers(numbers: ReadonlyMap<string, number>, source: string): ClassNames {
  const sorted = [...numbers].sort(([, a], [, b]) => a - b);
  const first = sorted[0]?.[1] ?? 0;
  const wrong = sorted.find(([, number], index) => number !== first + index);
  if (wrong) {
    throw new FormatError(
      source,
      `numbers its ${sorted.length} classes from ${first} on, but with a gap or twice at ${wrong[0]}, ${wrong[1]}`,
    );
  }
  return { source, names: sorted.map(([name]) => name), first };
}

/** Labels as numbers from 0 on, and the classes that they mean. */
export interface Classes {
  readonly classes: readonly string[];
  readonly labels: readonly number[];
}

/** How labels are read. */
export interface ClassOptions {
  readonly names?: ClassNames | undefined;
  /** The number of the first class. */
  readonly first?: number | undefined;
  /** The number with which labels of this format begin. */
  readonly begin?: number | undefined;
}

/**
 * The classes of labels as a file has them, names or numbers. Without names of classes they are the distinct
 * labels, sorted; with `names` a label is a name or its number. Where neither `first` nor `names` nor the format
 * says with which number classes begin, the labels do, as long as only 0 or only 1 is possible.
 *
 * @throws FormatError for labels that are no classes, such as labels from 1 on where they begin with 0.
 */
export function classesOf(
  labels: readonly string[],
  source: string,
  { names, first, begin }: ClassOptions = {},
): Classes {
  if (names) return named(labels, source, names, first ?? names.first ?? begin);
  const from = first ?? begin;
  if (from === undefined) {
    const classes = sortedValues(labels);
    const places = new Map(classes.map((label, place) => [label, place]));
    return { classes, labels: labels.map((label) => places.get(label) ?? 0) };
  }
  const numbers = numbersOf(labels, source);
  const [lowest, highest] = extent(numbers);
  if (lowest < from || (first === undefined && lowest > from)) {
    throw new FormatError(
      source,
      `labels go from ${lowest} to ${highest}, but the first class is ${from}: say first=${lowest}${lowest > from ? `, or first=${from} if there are classes without clips` : ''}`,
    );
  }
  return {
    classes: Array.from({ length: highest - from + 1 }, (_, index) => `${index + from}`),
    labels: numbers.map((number) => number - from),
  };
}

function named(
  labels: readonly string[],
  source: string,
  names: ClassNames,
  told: number | undefined,
): Classes {
  const classes = names.names;
  const places = new Map(classes.map((name, place) => [name, place]));
  const unknown = [...new Set(labels.filter((label) => !places.has(label)))];
  if (unknown.length === 0) {
    return { classes, labels: labels.map((label) => places.get(label) ?? 0) };
  }
  if (!unknown.every((label) => /^\d{1,9}$/.test(label))) {
    throw new FormatError(
      source,
      `${firstFew(unknown.map(quote))} ${unknown.length > 1 ? 'are' : 'is'} no class in ${names.source}, which has ${firstFew(classes)}`,
    );
  }
  const numbers = numbersOf(labels, source);
  const [lowest, highest] = extent(numbers);
  const count = classes.length;
  const fits = (from: number) => lowest >= from && highest < from + count;
  const range = `labels go from ${lowest} to ${highest}`;
  const file = basename(names.source);
  if (told !== undefined && !fits(told)) {
    const other = [0, 1].find((from) => from !== told && fits(from));
    const advice = other === undefined ? 'is it the file of this set?' : `add first=${other}`;
    throw new FormatError(
      source,
      `${range}, but the ${count} classes of ${file} are numbered from ${told} to ${told + count - 1}: ${advice}`,
    );
  }
  const possible = told === undefined ? [0, 1].filter(fits) : [told];
  const [from] = possible;
  if (from === undefined) {
    throw new FormatError(source, `${range}, but ${file} names ${count} classes`);
  }
  if (possible.length > 1) {
    throw new FormatError(
      source,
      `${range}, and ${file} names ${count} classes: does it begin with class 0 or 1? Add first=0 or first=1`,
    );
  }
  return { classes, labels: numbers.map((number) => number - from) };
}

function numbersOf(labels: readonly string[], source: string): number[] {
  const wrong = labels.find((label) => !/^\d{1,9}$/.test(label) || Number(label) >= MOST_CLASSES);
  if (wrong !== undefined) {
    throw new FormatError(source, `the label ${quote(wrong)} is no number of a class`);
  }
  return labels.map(Number);
}

function extent(numbers: readonly number[]): [lowest: number, highest: number] {
  return numbers.reduce<[number, number]>(
    ([low, high], number) => [Math.min(low, number), Math.max(high, number)],
    [Number.POSITIVE_INFINITY, 0],
  );
}
