/** `glimpse generate`: draws pictures from a seed; the model's file says of which kind it is. */
import { Command } from 'commander';
import { z } from 'zod';
import { counted } from '../data/formats/notes.js';
import { UsageError } from '../errors.js';
import type { PictureGenerator } from '../tasks/generation.js';
import type { TaskEntry } from '../tasks/kind.js';
import { addFlags, parseFlags, refuseIdleFlags } from './flags.js';
import { modelFile } from './inputs.js';
import { inPieces, placesIn, traversal, walk } from './latent-walks.js';
import { kindInArguments, withFlagsOf } from './model-kind.js';
import {
  numberedNames,
  type PicturePlace,
  picturePlace,
  requireGrid,
  squareColumns,
  writeAnimation,
  writeGrid,
  writePictures,
} from './picture-outputs.js';
import { answer, note, progressLine } from './terminal.js';

const positive = z.int().positive();

/** Most pictures of one command. */
const MOST = 1_000_000;

/** Flags of all models. */
export const generateSchema = z.object({
  count: positive
    .max(MOST)
    .optional()
    .meta({ flag: '--count <pictures>', help: 'how many (default: 64; 8 with --interpolate)' }),
  seed: z.int().min(0).default(1).meta({ flag: '--seed <number>', help: 'of all that is drawn' }),
  class: z
    .string()
    .optional()
    .meta({ flag: '--class <name>', help: 'draw pictures of this class only' }),
  columns: positive
    .optional()
    .meta({ flag: '--columns <count>', help: 'of the grid (default: about a square)' }),
  interpolate: positive.max(1000).optional().meta({
    flag: '--interpolate <steps>',
    help: 'go from each picture to the next in so many steps, and back to the first',
  }),
  traverse: z.string().optional().meta({
    flag: '--traverse <places>',
    help: 'of the first picture, move latent values one by one: all, or a list like 0,3',
  }),
  range: z
    .number()
    .positive()
    .max(100)
    .default(3)
    .meta({
      flag: '--range <number>',
      help: 'from minus this to this, in deviations',
      needs: { traverse: true },
    }),
  steps: positive
    .min(2)
    .max(1000)
    .default(11)
    .meta({ flag: '--steps <count>', help: 'in which it is moved', needs: { traverse: true } }),
  seconds: z
    .number()
    .min(0.02)
    .max(60)
    .default(0.1)
    .meta({ flag: '--seconds <number>', help: 'that each frame of an animation is shown' }),
  overwrite: z
    .boolean()
    .default(false)
    .meta({ flag: '--overwrite', help: 'replace a file that is there already' }),
});
type Asked = z.output<typeof generateSchema> & { readonly out: string };

interface Options {
  model: string;
  out: string;
  json?: boolean;
}

/**
 * The command for the model that the arguments name: each kind has flags of its own.
 * @throws FileError, FormatError when there is no such model; UsageError when it draws nothing
 */
export async function generateCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const entry = await kindInArguments(argv, 'generate', kinds);
  const drawing = kinds.filter(({ generation }) => generation);
  const command = new Command('generate')
    .description('draw pictures with a model that has learned what pictures look like')
    .requiredOption('--model <file>', "a model that glimpse train wrote, or a run's folder")
    .requiredOption(
      '--out <path>',
      'a grid (.png), an animation (.gif), or a folder of single pictures',
    );
  addFlags(command, generateSchema).option(
    '--json',
    'print one JSON document; errors are JSON, too',
  );
  const schemaOf = ({ generation }: TaskEntry) => generation?.options;
  withFlagsOf(command, argv, entry, { takes: drawing, kinds, schemaOf });
  if (!entry) return command;
  return command.action((options: Options, called: Command) => generate(entry, options, called));
}

async function generate({ generation }: TaskEntry, options: Options, command: Command) {
  if (!generation) return;
  refuseIdleFlags(command, [generateSchema, generation.options]);
  const asked = { ...parseFlags(command, generateSchema), out: options.out };
  const own = parseFlags(command, generation.options);
  if (asked.interpolate !== undefined && asked.traverse !== undefined) {
    throw new UsageError(
      '--interpolate and --traverse are two ways through a space: leave one out',
    );
  }
  const place = await picturePlace(asked.out, asked.overwrite);
  if (place !== 'animation' && command.getOptionValueSource('seconds') === 'cli') {
    throw new UsageError(`--seconds is about an animation (.gif), but --out is ${asked.out}`);
  }
  const file = await modelFile('--model', options.model);
  const model = await generation.open(file, own, note);
  const label = labelFor(model, asked.class);
  const count = await drawInto(place, model, asked, label);
  const value = { model: file, out: asked.out, pictures: count, seed: asked.seed };
  const shown = { grid: 'a grid of', animation: 'an animation of', folder: '' }[place];
  answer(options.json, { ...value, ...(asked.class !== undefined && { class: asked.class }) }, [
    `${asked.out}: ${shown} ${counted(count, 'picture')}`.replace(':  ', ': '),
  ]);
}

/** The place of a class. @throws UsageError for one that the model does not know */
function labelFor({ classes }: PictureGenerator, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const label = classes.indexOf(name);
  if (label >= 0) return label;
  throw new UsageError(
    classes.length === 0
      ? `--class ${name}: the model was told of no classes: leave it out`
      : `--class ${name}: the model knows ${classes.join(', ')}`,
  );
}

/** Draws and writes. Returns how many pictures there are. */
async function drawInto(
  place: PicturePlace,
  model: PictureGenerator,
  asked: Asked,
  label: number | undefined,
): Promise<number> {
  const { shape } = model;
  if (asked.interpolate !== undefined || asked.traverse !== undefined) {
    return walkInto(place, model, asked, label);
  }
  if (place === 'animation') {
    throw new UsageError(
      `--out ${asked.out}: an animation needs --interpolate or --traverse; a grid of pictures is a .png`,
    );
  }
  const { count = 64, seed } = asked;
  const columns = asked.columns ?? squareColumns(count, shape);
  if (place === 'grid') requireGrid(count, shape, columns);
  else if (asked.columns !== undefined) throw noColumns(asked.out);
  const batches = drawn(model, { count, seed, label });
  if (place === 'folder') {
    await writePictures(asked.out, batches, shape, numberedNames(count));
    return count;
  }
  const all = new Float32Array(count * shape[0] * shape[1] * shape[2]);
  let at = 0;
  for await (const values of batches) {
    all.set(values, at);
    at += values.length;
  }
  await writeGrid(asked.out, all, shape, columns);
  return count;
}

async function* drawn(
  model: PictureGenerator,
  { count, ...request }: { count: number; seed: number; label: number | undefined },
): AsyncGenerator<Float32Array, void> {
  const progress = progressLine('drawing', count);
  try {
    for (let first = 0; first < count; first += model.batch) {
      const some = Math.min(model.batch, count - first);
      yield await model.draw({ first, count: some, ...request });
      progress.update(first + some, '');
    }
  } finally {
    progress.stop();
  }
}

function noColumns(out: string): UsageError {
  return new UsageError(`--columns is about a grid, but ${out} is a folder: leave one out`);
}

/** Rows of codes, a picture each: written as a grid of rows, as an animation, or one after the other. */
async function walkInto(
  place: PicturePlace,
  model: PictureGenerator,
  asked: Asked,
  label: number | undefined,
): Promise<number> {
  const { latent, shape, classes } = model;
  const way = asked.interpolate === undefined ? '--traverse' : '--interpolate';
  if (!latent) throw new UsageError(`${way}: the model draws from no code that could be moved`);
  if (classes.length > 0 && label === undefined) {
    throw new UsageError(
      `${way}: the model is told of classes: --class says which one the pictures are of`,
    );
  }
  if (way === '--traverse' && asked.count !== undefined) {
    throw new UsageError('--count: --traverse moves one picture by --steps: leave --count out');
  }
  const { seed, interpolate = 1, traverse = 'all', range, steps, count: stops = 8 } = asked;
  const rows =
    way === '--traverse'
      ? traversal(latent, { places: placesIn(traverse, latent.size), range, steps, seed })
      : walk(latent, { stops, steps: interpolate, seed });
  const columns = rows[0] ? rows[0].length / latent.size : 1;
  const count = rows.length * columns;
  const each = shape[0] * shape[1] * shape[2];
  const decoded = (codes: Float32Array): Float32Array => {
    const values = new Float32Array((codes.length / latent.size) * each);
    const some = model.batch * latent.size;
    for (let first = 0; first < codes.length; first += some) {
      const part = latent.decode(codes.slice(first, first + some), label);
      values.set(part, (first / latent.size) * each);
    }
    return values;
  };
  if (place === 'folder') {
    if (asked.columns !== undefined) throw noColumns(asked.out);
    async function* batches() {
      for (const row of rows) yield decoded(row);
    }
    await writePictures(asked.out, batches(), shape, numberedNames(count));
    return count;
  }
  if (place === 'grid') {
    if (asked.columns !== undefined) {
      throw new UsageError(`--columns: with ${way} a row is one walk: leave it out`);
    }
    requireGrid(count, shape, columns);
    const all = new Float32Array(count * each);
    for (const [r, row] of rows.entries()) all.set(decoded(row), r * columns * each);
    await writeGrid(asked.out, all, shape, columns);
    return count;
  }
  // A traversal moves all latent values side by side; an interpolation goes through its rows one after the other.
  const side = way === '--traverse' ? rows.length : 1;
  const across = asked.columns ?? squareColumns(side, shape);
  requireGrid(side, shape, across, count / side);
  const pictures = rows.map(decoded);
  const frames =
    side === 1
      ? pictures.flatMap((row) => inPieces(row, each))
      : Array.from({ length: columns }, (_, t) => {
          const frame = new Float32Array(side * each);
          for (const [r, row] of pictures.entries()) {
            frame.set(row.subarray(t * each, (t + 1) * each), r * each);
          }
          return frame;
        });
  // There and back again: a traversal has no way from its end to its begin.
  const film = way === '--traverse' ? [...frames, ...frames.slice(1, -1).reverse()] : frames;
  await writeAnimation(asked.out, film, shape, across, asked.seconds);
  return count;
}
