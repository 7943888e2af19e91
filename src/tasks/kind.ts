/** One kind of model as training and the command line use it: an entry of the list of kinds. */
import { z } from 'zod';
import type { TensorTree } from '../autograd/tree.js';
import { readSafetensorsHeader } from '../data/formats/safetensors-files.js';
import { firstIssue } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';
import type { ModelKind, ModelParts } from '../models/kind.js';
import {
  type DataIdentity,
  encodeModel,
  kindOf,
  type OpenedModel,
  type TrainingState,
} from '../training/model-file.js';
import { fullRecipe, type Recipe } from '../training/recipe.js';
import { type RunOptions, readModel, TrainingRun } from '../training/run.js';
import { runFile } from '../training/run-folder.js';
import type { Measures, Task } from '../training/task.js';
import type { Captioning, FileCaptioner } from './captioning.js';
import type { Classification, FileClassifier } from './classification.js';
import type { Generation, PictureGenerator } from './generation.js';
import type { Reconstruction, Reconstructor } from './reconstruction.js';
import type { Report, Reporter, ReportRequest } from './report.js';

/** What is known before the data are opened. */
export interface OpenRequest<R, O> {
  /** The data, as the kind's reader takes it: `flickr8k:data/flickr8k`. */
  readonly dataset: string;
  /** Whether a run goes on; configuration and recipe are then those that it was started with. */
  readonly resume: boolean;
  /** The model file whose weights a new run begins with. */
  readonly from?: string | undefined;
  /** The given part of the configuration; the data complete it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly recipe: R;
  readonly options: O;
  /** Says something to people. */
  note(text: string): void;
}

/** A request to train: the data, and what flags or a caller ask of the model and its training. */
export interface TrainRequest<R, O, D> extends OpenRequest<R, O> {
  readonly data: D;
  readonly folder: string;
  /** The command, as it is typed again to make the same run. */
  readonly command: string;
  /** Shows how far a long work is. */
  readonly progress: (label: string, total: number) => ProgressLine;
}

/** What is shown while a long work goes on. */
export interface ProgressLine {
  update(done: number, facts: string): void;
  stop(): void;
}

/** What a run needs, ready to train. */
export interface Prepared<C, X, P extends TensorTree, R> {
  /** What the model is made of, as it is when it is asked for. */
  parts(): ModelParts<C, X, P>;
  readonly task: Task;
  /** As it was asked for, completed by what only the data can tell. */
  readonly recipe: R;
  readonly dataset: DataIdentity;
  /** One line: data and model. */
  readonly headline: string;
  /** Looks at the run before training and after each epoch: a page, pictures. */
  watch?(run: TrainingRun): Promise<Watch>;
}

/** Draws a page of a model while it is trained. */
export interface Watch {
  /** The page that it writes. */
  readonly page: string;
  add(): Promise<void>;
}

/** An answer for programs and for people. */
export interface Answer {
  readonly value: object;
  readonly lines: readonly string[];
  /** A file to write, besides. */
  readonly file?: { readonly path: string; readonly content: string };
}

/** What an evaluation is asked. */
export interface EvaluateRequest<E> {
  readonly dataset: string;
  readonly options: E;
  note(text: string): void;
}

/** One kind of model: what files hold of it, how it is trained, and how it is judged. */
export interface TaskKind<
  C extends object,
  X,
  P extends TensorTree,
  M,
  R extends Recipe,
  O,
  E,
  D extends NamedData,
> extends ModelKind<C, X, P, M> {
  /** For help: `captions for photos`. */
  readonly summary: string;
  /** For help: what the argument <dataset> may be. */
  readonly datasets: string;
  /** The configuration's schema with its flags; the same as `config`, or what that is made from. */
  readonly configFlags: z.ZodObject;
  readonly recipe: z.ZodObject & z.ZodType<R>;
  /** Where data lie and how they reach the model: flags that no file keeps. */
  readonly options: z.ZodObject & z.ZodType<O>;
  /** Flags of `glimpse evaluate`. */
  readonly evaluation: z.ZodObject & z.ZodType<E>;
  /** Opens the data. @throws UsageError for a request that contradicts itself, before anything is read */
  open(request: OpenRequest<R, O>): Promise<D>;
  /**
   * Makes what is trained.
   * @param model to go on with (`resume`), or to begin with the weights of.
   * @throws UsageError for flags and data that do not go together
   */
  prepare(
    request: TrainRequest<R, O, D>,
    model?: { readonly opened: OpenedModel<C, X, P, M>; readonly resume: boolean },
  ): Promise<Prepared<C, X, P, R>>;
  /** Measures models on data; several are an ensemble, where the kind has such. */
  evaluate(
    models: readonly OpenedModel<C, X, P, M>[],
    request: EvaluateRequest<E>,
  ): Promise<Answer>;
  /** Of kinds that name classes. */
  readonly classification?: Classification<M>;
  /** Of kinds that say sentences. */
  readonly captioning?: Captioning<M>;
  /** Of kinds that draw pictures. */
  readonly generation?: Generation<M>;
  /** Of kinds that bring pictures back from a code. */
  readonly reconstruction?: Reconstruction<M>;
  /** Of kinds that draw pages. */
  readonly reporter?: Reporter<M>;
  /** A saved configuration in the words of `configFlags`, where these differ from it. */
  choicesOf?(config: C): Readonly<Record<string, unknown>>;
  /** Measures for people: `1.2300 (perplexity 3.42)`. */
  describe?(measures: Measures): string;
}

/** Data to learn from, and what a run on them is called after. */
export interface NamedData {
  readonly name: string;
}

type Untyped = Readonly<Record<string, unknown>>;

/** What a kind does with a model of its own. */
interface Offer<M, T> {
  readonly options: z.ZodObject;
  start(model: M, options: unknown, note: (text: string) => void): T | Promise<T>;
}

/** The same of a model file: flags, and what is ready to work. */
interface Offered<T> {
  readonly options: z.ZodObject;
  open(path: string, options: Untyped, note: (text: string) => void): Promise<T>;
}

/** A kind in the list of kinds: its types stay inside. */
export interface TaskEntry {
  readonly kind: string;
  readonly summary: string;
  readonly datasets: string;
  readonly schemas: {
    readonly config: z.ZodObject;
    readonly recipe: z.ZodObject;
    readonly options: z.ZodObject;
    readonly evaluation: z.ZodObject;
  };
  readonly earlier?: { readonly format: string };
  /** Opens the data of a run. @throws UsageError for a request that contradicts itself */
  open(request: OpenRequest<Untyped, Untyped>): Promise<OpenedData>;
  evaluate(paths: readonly string[], request: EvaluateRequest<unknown>): Promise<Answer>;
  /** Of kinds that name classes. */
  readonly classification?: Pick<Classification<never>, 'of'> & Offered<FileClassifier>;
  /** Of kinds that say sentences. */
  readonly captioning?: Pick<Captioning<never>, 'of' | 'withoutAttention'> & {
    /** Model files, ready to caption together. */
    open(paths: readonly string[], note: (text: string) => void): Promise<FileCaptioner>;
  };
  /** Of kinds that draw pictures. */
  readonly generation?: Offered<PictureGenerator>;
  /** Of kinds that bring pictures back from a code. */
  readonly reconstruction?: Offered<Reconstructor>;
  /** Of kinds that draw pages. */
  readonly reporter?: {
    readonly summary: string;
    readonly options: z.ZodObject;
    report(path: string, request: ReportRequest, options: Untyped): Promise<Report>;
  };
  describe(measures: Measures): string;
}

/** Where a run lies, and what surrounds it. */
export type RunPlace = Pick<TrainRequest<never, never, never>, 'folder' | 'command' | 'progress'>;

/** Data that are open, for a run on them. */
export interface OpenedData extends NamedData {
  /** A new run, with the weights of the request's `from` where that is given. */
  start(place: RunPlace): Promise<StartedRun>;
  /**
   * The run that stopped in a folder, ready to go on.
   * @param change the saved recipe to the one to go on with; throws for what may not change.
   */
  resume(place: RunPlace, change: (saved: SavedChoices) => Untyped): Promise<StartedRun>;
}

/** What a run was started with, in the words of its flags. */
export interface SavedChoices {
  readonly config: Untyped;
  readonly recipe: Untyped;
}

/** A run that is ready, and what people are told of it. */
export interface StartedRun {
  readonly run: TrainingRun;
  readonly headline: string;
  readonly config: unknown;
  readonly watch: Watch | undefined;
}

/** An entry of the list of kinds. */
export function taskEntry<
  C extends object,
  X,
  P extends TensorTree,
  M,
  R extends Recipe,
  O,
  E,
  D extends NamedData,
>(kind: TaskKind<C, X, P, M, R, O, E, D>): TaskEntry {
  const read = (path: string) => readModel(kind, path);
  const { classification, captioning, generation, reconstruction, reporter } = kind;
  const offered = <T>({ options, start }: Offer<M, T>): Offered<T> => ({
    options,
    async open(path, asked, note) {
      const { model } = await read(path);
      return start(model, checked(options, asked), note);
    },
  });
  const started = async (
    prepared: Prepared<C, X, P, R>,
    folder: string,
    make: (options: RunOptions) => TrainingRun | Promise<TrainingRun>,
  ): Promise<StartedRun> => {
    const { task, dataset, recipe, headline } = prepared;
    const encode = (training: TrainingState) => encodeModel(kind, prepared.parts(), training);
    const run = await make({ folder, task, recipe, dataset, encode });
    const watch = await prepared.watch?.(run);
    return { run, headline, config: prepared.parts().config, watch };
  };
  return {
    kind: kind.kind,
    summary: kind.summary,
    datasets: kind.datasets,
    schemas: {
      config: kind.configFlags,
      recipe: kind.recipe,
      options: kind.options,
      evaluation: kind.evaluation,
    },
    ...(kind.earlier && { earlier: kind.earlier }),
    ...(classification && {
      classification: { of: classification.of, ...offered(classification) },
    }),
    ...(captioning && {
      captioning: {
        of: captioning.of,
        withoutAttention: captioning.withoutAttention,
        async open(paths: readonly string[], note: (text: string) => void) {
          const models: M[] = [];
          for (const path of paths) models.push((await read(path)).model);
          return captioning.start(models, note);
        },
      },
    }),
    ...(generation && { generation: offered(generation) }),
    ...(reconstruction && { reconstruction: offered(reconstruction) }),
    ...(reporter && {
      reporter: {
        summary: reporter.summary,
        options: reporter.options,
        async report(path: string, request: ReportRequest, options: Untyped) {
          return reporter.report(await read(path), request, checked(reporter.options, options));
        },
      },
    }),
    async open(untyped) {
      const request = {
        ...untyped,
        recipe: fullRecipe(kind.recipe, untyped.recipe),
        options: checked(kind.options, untyped.options),
      };
      const data = await kind.open(request);
      return {
        name: data.name,
        async start(place) {
          const { from } = request;
          const model =
            from === undefined ? undefined : { opened: await read(from), resume: false };
          const prepared = await kind.prepare({ ...request, ...place, data }, model);
          return started(prepared, place.folder, (options) => TrainingRun.start(options));
        },
        async resume(place, change) {
          const source = runFile(place.folder, 'last');
          const opened = await read(source);
          const { training, config } = opened;
          if (!training) throw new UsageError(`${source} holds no training state to resume`);
          const changed = change({
            config: kind.choicesOf?.(config) ?? Object.fromEntries(Object.entries(config)),
            recipe: training.recipe,
          });
          const prepared = await kind.prepare(
            { ...request, ...place, data, recipe: fullRecipe(kind.recipe, changed) },
            { opened, resume: true },
          );
          return started(prepared, place.folder, (options) =>
            TrainingRun.resume(options, training, source),
          );
        },
      };
    },
    async evaluate(paths, { options, ...request }) {
      const models = [];
      for (const path of paths) models.push(await read(path));
      return kind.evaluate(models, { ...request, options: checked(kind.evaluation, options) });
    },
    describe: (measures) => kind.describe?.(measures) ?? plainly(measures),
  };
}

/** @throws UsageError naming the field that is wrong */
function checked<T>(schema: z.ZodType<T>, options: unknown): T {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new UsageError(firstIssue(result.error, options));
}

/** `--skip-bad`, of kinds that learn from photos. */
export const skipBad = z.boolean().default(false).meta({
  flag: '--skip-bad',
  help: 'leave out photos that cannot be read instead of stopping',
});

/** The same, of kinds that learn from clips: see `readableClips`. */
export const skipBadClips = skipBad.meta({
  ...skipBad.meta(),
  help: 'leave out clips that cannot be read instead of stopping; each is decoded once more, to find out',
});

/** The data, after their notes were told. */
export function told<D extends NamedData & { readonly notes?: readonly string[] | undefined }>(
  data: D,
  note: (text: string) => void,
): D {
  for (const sentence of data.notes ?? []) note(`${data.name}: ${sentence}`);
  return data;
}

/** The kind of model that a file holds. @throws FileError; FormatError for one that is none of these */
export async function entryOf(path: string, kinds: readonly TaskEntry[]): Promise<TaskEntry> {
  return kindOf(await readSafetensorsHeader(path), kinds, path);
}

/** `loss 1.2345, error 0.0500`. */
function plainly(measures: Measures): string {
  return Object.entries(measures)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join(', ');
}
