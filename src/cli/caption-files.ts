/** Captions of whole files, written as they become known: `glimpse caption`. */
import { existsSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import { subtitleFormats } from '../data/formats/subtitles.js';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import type { DecodingOptions } from '../decoding/options.js';
import { FileError, UsageError } from '../errors.js';
import type { FileCaptioner } from '../tasks/captioning.js';
import {
  type CaptionDocument,
  type CaptionedFile,
  type CaptionFormat,
  captionDocument,
  captionFormats,
} from './caption-formats.js';
import type { Failures } from './failure.js';
import type { FileKind } from './inputs.js';
import { checkOutputs, checkSidecars, refuseToReplace, sidecarOf, writeAndSay } from './outputs.js';
import type { RunningFormat } from './running.js';
import { interruption, note, progressLine, say } from './terminal.js';

/** The flags of all kinds. */
export interface CaptionOptions {
  readonly model: readonly string[];
  readonly recursive?: boolean;
  readonly batchSize: number;
  readonly format?: CaptionFormat | RunningFormat;
  readonly json?: boolean;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly altText?: boolean;
  readonly attention?: boolean;
}

/** What is captioned, by which models and how; what takes long is asked for when all that can be wrong was looked at. */
export interface CaptionRequest {
  readonly options: CaptionOptions;
  readonly decoding: DecodingOptions;
  readonly files: FileKind;
  /** How captions are spelt. */
  readonly spell: (caption: string) => string;
  /** The first argument: where it is the only file, text need not name it. */
  readonly first: string | undefined;
  /** The files that the arguments name. @throws UsageError */
  named(): Promise<readonly string[]>;
  /** The files of the models. @throws UsageError */
  models(): Promise<readonly string[]>;
  /** @throws UsageError for models that do not go together, or have nothing to tell that is asked for */
  open(models: readonly string[]): Promise<FileCaptioner>;
  failures(files: number): Failures;
  /** Tells what is to be told when all captions are written. */
  done(said: readonly string[], failures: Failures): void;
}

/** Captions files. @throws UsageError for flags that do not go together */
export async function captionFiles(request: CaptionRequest): Promise<void> {
  const { options, decoding, files, spell } = request;
  const { out, overwrite = false, batchSize } = options;
  const format = formatOf(options, files);
  const paths = await request.named();
  if (format === 'sidecar') checkSidecars(paths, overwrite);
  const models = await checkedOutput(request, paths);
  const captioner = await request.open(models);
  const document = captionDocument(format, {
    spell,
    key: files.key,
    named: format !== 'sidecar' && (paths.length > 1 || paths[0] !== request.first),
    attention: options.attention ? captioner.attentionForm : undefined,
  });

  const failures = request.failures(paths.length);
  const stop = interruption(() => note('stopping (again to stop at once)'));
  const said: string[] = [];
  const captioned = heard(
    goodOnes(captioner, paths, { ...decoding, batchSize, signal: stop.signal }, failures),
    said,
  );
  if (format === 'sidecar') {
    await writeSidecars(withProgress(captioned, paths.length), document, failures);
  } else if (out) {
    const all = pieces(withProgress(captioned, paths.length), document);
    await writeDocument(out, all, stop.signal);
  } else {
    for await (const piece of pieces(captioned, document)) say(piece);
  }
  stop.release();
  request.done(said, failures);
  if (stop.signal.aborted) process.exitCode = stop.exitCode;
}

/**
 * The models, after it was asked whether the file of `--out` can be written and may.
 * @throws UsageError, FileError
 */
export async function checkedOutput(
  { options: { out, overwrite }, models }: Pick<CaptionRequest, 'options' | 'models'>,
  paths: readonly string[],
): Promise<readonly string[]> {
  if (out && !overwrite) refuseToReplace([out]);
  await checkOutputs(out);
  const files = await models();
  if (out) await refuseInputs(out, [...paths, ...files]);
  return files;
}

const byEnding: Readonly<Record<string, CaptionFormat>> = {
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
};

/** The format that flags ask for. @throws UsageError for flags that do not go together. */
function formatOf(
  { format: asked, json, out, overwrite, attention }: CaptionOptions,
  { what }: FileKind,
): CaptionFormat {
  const ending = extname(out ?? '').toLowerCase();
  const subtitles = subtitleFormats.find(
    (one) => asked === one || (!asked && ending === `.${one}`),
  );
  if (subtitles && what === 'clip') {
    throw new UsageError(
      `${asked ? `--format ${asked}` : `--out ${out}`} tells what happens when: add --every <seconds>, or take ${captionFormats.join(', ')}`,
    );
  }
  const named = captionFormats.find((one) => one === asked);
  const format = json ? 'json' : (named ?? byEnding[ending] ?? 'text');
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

/**
 * The files that could be captioned, in order; the others go to `failures`. After an interruption no
 * more of them, so that what is written so far is a whole document.
 */
async function* goodOnes(
  captioner: FileCaptioner,
  paths: readonly string[],
  { signal, ...options }: DecodingOptions & { batchSize: number; signal: AbortSignal },
  failures: Failures,
): AsyncGenerator<CaptionedFile> {
  const sources = paths.map((path) => ({ path }));
  for await (const { source, caption, error } of captioner.each(sources, options)) {
    if (signal.aborted) return;
    if (caption) yield { path: source.path, result: caption };
    else failures.add(source.path, error.message);
  }
}

/** The same, each caption also added to `said`. */
async function* heard(
  captioned: AsyncIterable<CaptionedFile>,
  said: string[],
): AsyncGenerator<CaptionedFile> {
  for await (const one of captioned) {
    said.push(one.result.caption);
    yield one;
  }
}

/** A document as it grows. */
async function* pieces(captioned: AsyncIterable<CaptionedFile>, document: CaptionDocument) {
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

/** Each file's captions beside it; a folder that cannot be written costs its own files only. */
async function writeSidecars(
  captioned: AsyncIterable<CaptionedFile>,
  document: CaptionDocument,
  failures: Failures,
): Promise<void> {
  for await (const one of captioned) {
    try {
      await writeFileAtomically(sidecarOf(one.path), document.entry(one, 0));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failures.add(one.path, error.message);
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
