/** `glimpse reconstruct`: shows what of pictures comes back from the code that a model makes of them. */
import { parse } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { counted, isFaultOfFile } from '../data/formats/notes.js';
import { pictureValues } from '../data/pictures/picture-values.js';
import { UsageError } from '../errors.js';
import type { TaskEntry } from '../tasks/kind.js';
import type { Reconstructor } from '../tasks/reconstruction.js';
import { Failures } from './failure.js';
import { addFlags, parseFlags, refuseIdleFlags } from './flags.js';
import { modelFile, PHOTOS, pathsNamed } from './inputs.js';
import { kindInArguments, withFlagsOf } from './model-kind.js';
import {
  picturePlace,
  requireGrid,
  squareColumns,
  writeGrid,
  writePictures,
} from './picture-outputs.js';
import { answer, note } from './terminal.js';

/** Flags of all models. */
export const reconstructSchema = z.object({
  columns: z
    .int()
    .positive()
    .optional()
    .meta({ flag: '--columns <count>', help: 'of the grid (default: about a square)' }),
  invert: z
    .boolean()
    .default(false)
    .meta({ flag: '--invert', help: 'take black for white: for dark digits on paper' }),
  overwrite: z
    .boolean()
    .default(false)
    .meta({ flag: '--overwrite', help: 'replace a file that is there already' }),
});

interface Options {
  model: string;
  out: string;
  recursive?: boolean;
  json?: boolean;
}

/** Pictures that go through the model together. */
const BATCH = 256;

/**
 * The command for the model that the arguments name: each kind has flags of its own.
 * @throws FileError, FormatError when there is no such model; UsageError when it brings nothing back
 */
export async function reconstructCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const entry = await kindInArguments(argv, 'reconstruct', kinds);
  const returning = kinds.filter(({ reconstruction }) => reconstruction);
  const command = new Command('reconstruct')
    .description('show what of pictures comes back from the code that a model makes of them')
    .argument('<file...>', 'pictures: files, folders and patterns')
    .requiredOption('--model <file>', "a model that glimpse train wrote, or a run's folder")
    .requiredOption(
      '--out <path>',
      'a grid with each picture above what came back (.png), or a folder of what came back',
    );
  addFlags(command, reconstructSchema)
    .option('--recursive', 'look into the folders inside a folder, too')
    .option('--json', 'print one JSON document; errors are JSON, too');
  const schemaOf = ({ reconstruction }: TaskEntry) => reconstruction?.options;
  withFlagsOf(command, argv, entry, { takes: returning, kinds, schemaOf });
  if (!entry) return command;
  return command.action((args: readonly string[], options: Options, called: Command) =>
    reconstruct(entry, args, options, called),
  );
}

async function reconstruct(
  { reconstruction }: TaskEntry,
  args: readonly string[],
  options: Options,
  command: Command,
): Promise<void> {
  if (!reconstruction) return;
  refuseIdleFlags(command, [reconstructSchema, reconstruction.options]);
  const asked = { ...parseFlags(command, reconstructSchema), out: options.out };
  const own = parseFlags(command, reconstruction.options);
  const place = await picturePlace(asked.out, asked.overwrite);
  if (place === 'animation' || (place === 'folder' && asked.columns !== undefined)) {
    throw new UsageError(
      place === 'animation'
        ? `--out ${asked.out}: what came back is written as a grid (.png) or into a folder`
        : `--columns is about a grid, but ${asked.out} is a folder: leave one out`,
    );
  }
  const file = await modelFile('--model', options.model);
  const model = await reconstruction.open(file, own, note);
  const named = await pathsNamed(args, PHOTOS, options);
  if (place === 'grid') {
    requireGrid(
      3 * named.length,
      model.shape,
      asked.columns ?? squareColumns(named.length, model.shape),
    );
  }
  const names = place === 'folder' ? namesFor(named) : new Map<string, string>();
  const failures = new Failures(named.length, 'reconstructed', PHOTOS);
  const { paths, values } = await readAll(named, model, asked.invert, failures);
  if (paths.length > 0) {
    const rows = await throughModel(model, values);
    if (place === 'folder') {
      async function* back() {
        yield rows.back;
      }
      await writePictures(asked.out, back(), model.shape, (n) => names.get(paths[n] ?? '') ?? '');
    } else {
      const columns = asked.columns ?? squareColumns(paths.length, model.shape);
      const pictures = [values, ...(rows.given ? [rows.given] : []), rows.back];
      await writeGrid(asked.out, interleaved(pictures, model.shape, columns), model.shape, columns);
    }
    const each = paths.map((image, n) => ({
      ...{ image, squaredError: rows.squaredErrors[n] },
      ...rows.facts[n],
    }));
    const mean = rows.squaredErrors.reduce((a, b) => a + b, 0) / paths.length;
    answer(options.json, { model: file, out: asked.out, squaredError: mean, images: each }, [
      `${asked.out}: ${counted(paths.length, 'picture')}, ${rows.given ? 'what the model was given, ' : ''}and what came back; squared error ${mean.toFixed(5)} a pixel value`,
    ]);
  }
  failures.report();
}

/** What the files in a folder are called. @throws UsageError where two would have one name */
function namesFor(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const path of paths) {
    const name = `${parse(path).name}.png`;
    const other = taken.get(name.toLowerCase());
    if (other !== undefined) {
      throw new UsageError(
        `what comes back of ${other} and ${path} would both be ${name}: reconstruct them one by one, or into a grid`,
      );
    }
    taken.set(name.toLowerCase(), path);
    names.set(path, name);
  }
  return names;
}

/** Reads the pictures that can be read, in the size that the model takes. */
async function readAll(
  named: readonly string[],
  { shape }: Reconstructor,
  invert: boolean,
  failures: Failures,
): Promise<{ paths: string[]; values: Float32Array }> {
  const paths: string[] = [];
  const read: Float32Array[] = [];
  for (const path of named) {
    try {
      read.push(await pictureValues(path, shape, { invert }));
      paths.push(path);
    } catch (error) {
      if (!isFaultOfFile(error)) throw error;
      failures.add(path, error.message);
    }
  }
  return { paths, values: joined(read) };
}

interface Rows {
  readonly back: Float32Array;
  readonly given: Float32Array | undefined;
  /** The mean over the values of each picture of (x - back)², x what the model should have brought back. */
  readonly squaredErrors: readonly number[];
  readonly facts: readonly Readonly<Record<string, unknown>>[];
}

async function throughModel(model: Reconstructor, values: Float32Array): Promise<Rows> {
  const each = model.shape[0] * model.shape[1] * model.shape[2];
  const [back, given]: Float32Array[][] = [[], []];
  const facts: Readonly<Record<string, unknown>>[] = [];
  for (let first = 0; first < values.length; first += BATCH * each) {
    const some = values.slice(first, first + BATCH * each);
    const result = await model.reconstruct(some, first / each);
    back?.push(result.values);
    if (result.given) given?.push(result.given);
    facts.push(...(result.facts ?? []));
  }
  const returned = joined(back ?? []);
  const squaredErrors = Array.from({ length: values.length / each }, (_, n) => {
    let sum = 0;
    for (let i = n * each; i < (n + 1) * each; i++) {
      sum += ((values[i] ?? 0) - (returned[i] ?? 0)) ** 2;
    }
    return sum / each;
  });
  return {
    ...{ back: returned, squaredErrors, facts },
    given: given && given.length > 0 ? joined(given) : undefined,
  };
}

/** Rows of one kind of picture under rows of another: the first of each, then the next ones. */
function interleaved(
  kinds: readonly Float32Array[],
  [channels, height, width]: Reconstructor['shape'],
  columns: number,
): Float32Array {
  const each = channels * height * width;
  const count = (kinds[0]?.length ?? 0) / each;
  const rows = Math.ceil(count / columns);
  // What is left over of the last rows stays grey.
  const all = new Float32Array(rows * kinds.length * columns * each).fill(0.5);
  for (const [k, values] of kinds.entries()) {
    for (let n = 0; n < count; n++) {
      const row = Math.floor(n / columns) * kinds.length + k;
      all.set(values.subarray(n * each, (n + 1) * each), (row * columns + (n % columns)) * each);
    }
  }
  return all;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
