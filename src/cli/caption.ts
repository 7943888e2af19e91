/** `glimpse caption`: says what photos show, each as soon as it is known. */
import { existsSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import { Command, Option } from 'commander';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { loadPixels } from '../data/pictures/photos.js';
import { type DecodingOptions, decodingFields, parseDecoding } from '../decoding/options.js';
import { FileError, UsageError } from '../errors.js';
import type { AttentionForm } from '../tasks/captioner/kind.js';
import { PhotoCaptioner } from '../tasks/captioner/photo-captioner.js';
import { altText, nothingSaid } from '../tasks/captions/caption-text.js';
import { captionEach } from '../tasks/captions/found.js';
import {
  type CaptionDocument,
  type CaptionedPhoto,
  type CaptionFormat,
  captionDocument,
  captionFormats,
} from './caption-formats.js';
import { Failures } from './failure.js';
import { addFlags, givenValues, positiveInteger, repeated } from './flags.js';
import { modelFiles, PHOTOS, pathsNamed, readCaptioners } from './inputs.js';
import { checkOutputs, checkSidecars, refuseToReplace, sidecarOf, writeAndSay } from './outputs.js';
import { interruption, note, progressLine, say } from './terminal.js';

interface Options {
  model: readonly string[];
  recursive?: boolean;
  batchSize: number;
  format?: CaptionFormat;
  json?: boolean;
  out?: string;
  overwrite?: boolean;
  altText?: boolean;
  attention?: boolean;
}

/** `glimpse caption <photo...> --model <file>`: what photos show, each as soon as it is known. */
export function captionCommand(): Command {
  const command = new Command('caption')
    .description('say what photos show')
    .argument('<photo...>', 'photos, folders of photos, and patterns like "photos/*.jpg"')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train wrote, or a run's folder; several are an ensemble",
      repeated,
    )
    .option('--recursive', 'look into the folders inside a folder, too')
    .option('--alt-text', 'write captions as sentences: "A dog runs."');
  return addFlags(command, decodingFields)
    .addOption(
      new Option('--format <kind>', 'how captions are written (default: as --out ends, or text)')
        .choices(captionFormats)
        .conflicts('json'),
    )
    .option('--json', 'print one JSON document: the same as --format json')
    .option('--attention', 'json, jsonl: also what the model looked at for each word')
    .option('--out <file>', 'write to a file that is there when all is done')
    .option('--overwrite', 'replace files that are there already')
    .option('--batch-size <photos>', 'photos captioned together', positiveInteger, 16)
    .addHelpText(
      'after',
      '\nFormats: text, a line a caption; json, a list; jsonl, an object a line; csv; sidecar, photo.txt\nbeside photo.jpg. Photos that cannot be read are told at the end; the others are captioned.',
    )
    .action(caption);
}

async function caption(args: readonly string[], options: Options, command: Command): Promise<void> {
  const asked: DecodingOptions = givenValues(command, decodingFields);
  parseDecoding(asked);
  const decoding = { ...asked, batchSize: options.batchSize };
  const format = formatOf(options);
  const photos = await pathsNamed(args, PHOTOS, options);
  if (format === 'sidecar') checkSidecars(photos, options.overwrite ?? false);
  if (options.out && !options.overwrite) refuseToReplace([options.out]);
  await checkOutputs(options.out);
  const models = await modelFiles(options.model);
  if (options.out) await refuseInputs(options.out, [...photos, ...models]);
  const captioner = await PhotoCaptioner.create(await readCaptioners(models), loadPixels);
  const document = captionDocument(format, {
    spell: options.altText ? altText : (caption) => caption,
    named: format !== 'sidecar' && (photos.length > 1 || photos[0] !== args[0]),
    attention: options.attention ? attentionFormOf(captioner, options.model) : undefined,
  });

  const failures = new Failures(photos.length, 'captioned', PHOTOS);
  const stop = interruption(() => note('stopping (again to stop at once)'));
  const said: string[] = [];
  const captioned = heard(
    goodOnes(captioner, photos, { ...decoding, signal: stop.signal }, failures),
    said,
  );
  if (format === 'sidecar') {
    await writeSidecars(withProgress(captioned, photos.length), document, failures);
  } else if (options.out) {
    const all = pieces(withProgress(captioned, photos.length), document);
    await writeDocument(options.out, all, stop.signal);
  } else {
    for await (const piece of pieces(captioned, document)) say(piece);
  }
  stop.release();
  const idle = nothingSaid(said);
  if (idle !== undefined) {
    note(
      `warning: ${idle}: the model has learned too little; more captions help, or a model to begin with that was trained on more (glimpse train --from)`,
    );
  }
  failures.report();
  if (stop.signal.aborted) process.exitCode = stop.exitCode;
}

/** The format that flags ask for. @throws UsageError for flags that do not go together. */
function formatOf({ format: named, json, out, overwrite, attention }: Options): CaptionFormat {
  const byName: Readonly<Record<string, CaptionFormat>> = {
    '.json': 'json',
    '.jsonl': 'jsonl',
    '.ndjson': 'jsonl',
    '.csv': 'csv',
  };
  const format = json ? 'json' : (named ?? byName[extname(out ?? '').toLowerCase()] ?? 'text');
  if (format === 'sidecar' && out) {
    throw new UsageError(`--out ${out} does not go with --format sidecar, which writes many files`);
  }
  if (overwrite && !out && format !== 'sidecar') {
    throw new UsageError(
      '--overwrite needs --out or --format sidecar: add one, or leave --overwrite out',
    );
  }
  if (attention && format !== 'json' && format !== 'jsonl') {
    throw new UsageError(`--attention needs --format json or jsonl, not ${format}`);
  }
  return format;
}

/** What `--attention` will tell. @throws UsageError when the models have nothing to tell. */
function attentionFormOf(
  { attentionForm }: PhotoCaptioner,
  models: readonly string[],
): AttentionForm {
  if (attentionForm) return attentionForm;
  const reason =
    models.length > 1
      ? 'the models do not all look at parts of the picture in the same way'
      : 'the model looks at the picture once, not at parts of it for each word';
  throw new UsageError(`--attention: ${models.join(', ')}: ${reason}`);
}

/**
 * The photos that could be captioned, in order; the others go to `failures`. After an interruption no
 * more of them, so that what is written so far is a whole document.
 */
async function* goodOnes(
  captioner: PhotoCaptioner,
  photos: readonly string[],
  { signal, ...options }: DecodingOptions & { batchSize: number; signal: AbortSignal },
  failures: Failures,
): AsyncGenerator<CaptionedPhoto> {
  const sources = photos.map((path) => ({ path }));
  for await (const { source, caption, error } of captionEach(captioner, sources, options)) {
    if (signal.aborted) return;
    if (caption) yield { image: source.path, result: caption };
    else failures.add(source.path, error.message);
  }
}

/** The same, each caption also added to `said`. */
async function* heard(
  captioned: AsyncIterable<CaptionedPhoto>,
  said: string[],
): AsyncGenerator<CaptionedPhoto> {
  for await (const one of captioned) {
    said.push(one.result.caption);
    yield one;
  }
}

/** A document as it grows. */
async function* pieces(captioned: AsyncIterable<CaptionedPhoto>, document: CaptionDocument) {
  yield document.start;
  let index = 0;
  for await (const one of captioned) yield document.entry(one, index++);
  yield document.end;
}

/**
 * A whole document into a file; to standard output when that fails, since it took long to make. What is
 * known when it is interrupted replaces no file: it goes into one of its own beside it.
 */
async function writeDocument(
  out: string,
  document: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  let text = '';
  for await (const piece of document) text += piece;
  const spared = signal.aborted && existsSync(out);
  const { dir, name, ext } = parse(out);
  const file = spared ? join(dir, `${name}.part${ext}`) : out;
  if (signal.aborted) {
    note(`the captions until now are in ${file}${spared ? `; ${out} is left as it was` : ''}`);
  }
  await writeAndSay(
    () => writeFileAtomically(file, text),
    (written) => {
      if (!written) say(text);
    },
  );
}

/** Each photo's captions beside it; a folder that cannot be written costs its own photos only. */
async function writeSidecars(
  captioned: AsyncIterable<CaptionedPhoto>,
  document: CaptionDocument,
  failures: Failures,
): Promise<void> {
  for await (const one of captioned) {
    try {
      await writeFileAtomically(sidecarOf(one.image), document.entry(one, 0));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failures.add(one.image, error.message);
    }
  }
}

async function* withProgress<T>(items: AsyncIterable<T>, total: number): AsyncGenerator<T> {
  const bar = progressLine('captioning', total);
  try {
    let done = 0;
    for await (const item of items) {
      yield item;
      bar.update(++done, '');
    }
  } finally {
    bar.stop();
  }
}
