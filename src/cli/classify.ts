/** `glimpse classify`: says which class pictures are of. */
import { Command } from 'commander';
import { isFaultOfFile } from '../data/formats/notes.js';
import { loadPixels } from '../data/pictures/photos.js';
import { colourPlanes, greyPlane } from '../data/pictures/pixels.js';
import { percent } from '../data/text/printable.js';
import { scope } from '../engine/engine.js';
import { type ClassifierModel, classifierKind } from '../tasks/classifier/kind.js';
import { viewsOf } from '../tasks/classifier/views.js';
import { tensor } from '../tensor/create.js';
import { readModel } from '../training/run.js';
import { Failures } from './failure.js';
import { positiveInteger } from './flags.js';
import { modelFile, photoPaths, requireKind } from './inputs.js';
import { answer } from './terminal.js';

interface Options {
  model: string;
  top: number;
  recursive?: boolean;
  invert?: boolean;
  json?: boolean;
}

interface Guess {
  readonly class: string;
  /** 0 to 1. */
  readonly probability: number;
}

/** `glimpse classify <picture...> --model <file>`. */
export function classifyCommand(): Command {
  return new Command('classify')
    .description('say what pictures show')
    .argument('<picture...>', 'files, folders and patterns')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train classifier wrote, or a run's folder",
    )
    .option('--top <count>', 'classes to name, the likeliest first', positiveInteger, 1)
    .option('--recursive', 'look into the folders inside a folder, too')
    .option('--invert', 'take black for white: for dark digits on paper')
    .option('--json', 'print one JSON document, with the outline of the window')
    .action(classifyPictures);
}

async function classifyPictures(args: readonly string[], options: Options): Promise<void> {
  const file = await modelFile('--model', options.model);
  await requireKind(file, classifierKind.kind, () => 'glimpse caption');
  const { model } = await readModel(classifierKind, file);
  const results = [];
  const paths = await photoPaths(args, options);
  const failures = new Failures(paths.length, 'classified');
  for (const path of paths) {
    try {
      results.push({ image: path, ...(await look(path, model, options)) });
    } catch (error) {
      if (!isFaultOfFile(error)) throw error;
      failures.add(path, error.message);
    }
  }
  answer(
    options.json,
    results,
    results.map(({ image, guesses }) => `${image}: ${guesses.map(told).join(', ')}`),
  );
  failures.report();
}

async function look(
  path: string,
  { plan, parameters, classes }: ClassifierModel,
  { top, invert = false }: Options,
): Promise<{ guesses: Guess[]; windows: readonly (readonly number[])[] }> {
  const [channels, height, width] = plan.config.picture;
  const pixels = await loadPixels({ path }, { width, height, resize: 'squash' });
  const bytes = channels === 1 ? greyPlane(pixels) : colourPlanes(pixels);
  using _work = scope();
  const values = Float32Array.from(bytes, (byte) => (invert ? 255 - byte : byte) / 255);
  const [view] = viewsOf(plan, parameters, tensor(values, { shape: [1, channels, height, width] }));
  const guesses = Array.from(view?.probabilities ?? [], (probability, label): Guess => {
    return { class: classes[label] ?? `${label}`, probability };
  });
  guesses.sort((a, b) => b.probability - a.probability);
  return { guesses: guesses.slice(0, top), windows: view?.windows ?? [] };
}

function told({ class: name, probability }: Guess): string {
  return `${name} (${percent(probability)})`;
}
