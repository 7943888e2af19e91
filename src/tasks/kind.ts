/** One kind of model as training and the command line meet it: what an entry of the list of kinds is. */
import { z } from 'zod';
import type { TensorTree } from '../autograd/tree.js';
import { readSafetensors } from '../data/files.js';
import type { SafetensorsFile } from '../data/safetensors.js';
import { UsageError } from '../errors.js';
import type { ModelKind, ModelParts } from '../models/kind.js';
import {
  type DataIdentity,
  decodeModel,
  encodeModel,
  kindOf,
  type OpenedModel,
} from '../training/model-file.js';
import type { Recipe } from '../training/recipe.js';
import { TrainingRun } from '../training/run.js';
import { runFile } from '../training/run-folder.js';
import type { Measures, Task } from '../training/task.js';

/** What is asked for: data, and what flags or a caller say of the model, its training and its surroundings. */
export interface TrainRequest<R, O> {
  /** The data, as the kind's reader takes it: `flickr8k:data/flickr8k`. */
  readonly dataset: string;
  readonly folder: string;
  /** What is said of the configuration; the data complete it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly recipe: R;
  readonly options: O;
  /** The command, as it is typed again to make the same run. */
  readonly command: string;
  /** Says something to people. */
  note(text: string): void;
  /** Shows how far a long work is. */
  readonly progress: (label: string, total: number) => ProgressLine;
}

/** What is shown while a long work goes on. */
export interface ProgressLine {
  update(done: number, facts: string): void;
  stop(): void;
}

/** What a run needs, ready to train. */
export interface Prepared<C, X, P extends TensorTree> {
  /** What the model is made of, as it is when it is asked for. */
  parts(): ModelParts<C, X, P>;
  readonly task: Task;
  readonly dataset: DataIdentity;
  /** One line: data and model. */
  readonly headline: string;
  /** Looks at the run before training and after each epoch: a page, pictures. */
  watch?(run: TrainingRun): Promise<Watch>;
}

/** Something that looks on while a model is trained. */
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
export interface TaskKind<C extends object, X, P extends TensorTree, M, R extends Recipe, O, E>
  extends ModelKind<C, X, P, M> {
  /** For help: `captions for photos`. */
  readonly summary: string;
  /** For help: what the argument <dataset> may be. */
  readonly datasets: string;
  /** The configuration's schema with its flags; the same as `config`, or what that is made from. */
  readonly configFlags: z.ZodObject;
  readonly recipe: z.ZodObject & z.ZodType<R>;
  /** Where data lie and how they reach the model: flags that no file keeps. */
  readonly options?: z.ZodObject & z.ZodType<O>;
  /** Flags of `glimpse evaluate`. */
  readonly evaluation?: z.ZodObject & z.ZodType<E>;
  /**
   * Opens the data and makes what is trained.
   * @param model to go on with (`resume`), or to begin with the weights of.
   * @throws UsageError for flags and data that do not go together
   */
  prepare(
    request: TrainRequest<R, O>,
    model?: { readonly opened: OpenedModel<C, X, P, M>; readonly resume: boolean },
  ): Promise<Prepared<C, X, P>>;
  /** Measures models on data; several are an ensemble, where the kind has such. */
  evaluate(
    models: readonly OpenedModel<C, X, P, M>[],
    request: EvaluateRequest<E>,
  ): Promise<Answer>;
  /** A saved configuration in the words of `configFlags`, where these differ from it. */
  choicesOf?(config: C): Readonly<Record<string, unknown>>;
  /** Measures for people: `1.2300 (perplexity 3.42)`. */
  describe?(measures: Measures): string;
}

/** A request as flags give it. */
export type UntypedRequest = TrainRequest<
  Readonly<Record<string, unknown>>,
  Readonly<Record<string, unknown>>
>;

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
  upgrade?(file: SafetensorsFile, source: string): SafetensorsFile | undefined;
  /** A new run. @param from the model file whose weights it begins with. */
  start(request: UntypedRequest, from?: string): Promise<StartedRun>;
  /**
   * The run that stopped in a folder, ready to go on.
   * @param change the saved recipe to the one to go on with; throws for what may not change.
   */
  resume(
    request: UntypedRequest,
    change: (saved: SavedChoices) => Readonly<Record<string, unknown>>,
  ): Promise<StartedRun>;
  evaluate(paths: readonly string[], request: EvaluateRequest<unknown>): Promise<Answer>;
  describe(measures: Measures): string;
}

/** What a run was started with, in the words of its flags. */
export interface SavedChoices {
  readonly config: Readonly<Record<string, unknown>>;
  readonly recipe: Readonly<Record<string, unknown>>;
}

/** A run that is ready, and what there is to say of it. */
export interface StartedRun {
  readonly run: TrainingRun;
  readonly headline: string;
  readonly config: unknown;
  readonly watch: Watch | undefined;
}

/** An entry of the list of kinds. */
export function taskEntry<C extends object, X, P extends TensorTree, M, R extends Recipe, O, E>(
  kind: TaskKind<C, X, P, M, R, O, E>,
): TaskEntry {
  const optionsSchema = kind.options ?? nothing<O>();
  const evaluationSchema = kind.evaluation ?? nothing<E>();
  const open = async (path: string) => decodeModel(kind, await readSafetensors(path), path);
  const typed = ({ recipe, options, ...request }: UntypedRequest) => ({
    ...request,
    recipe: kind.recipe.parse(recipe),
    options: optionsSchema.parse(options),
  });
  const started = async (
    prepared: Prepared<C, X, P>,
    make: (encode: Parameters<typeof TrainingRun.start>[0]['encode']) => Promise<TrainingRun>,
  ): Promise<StartedRun> => {
    const run = await make((training) => encodeModel(kind, prepared.parts(), training));
    const { headline } = prepared;
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
      options: optionsSchema,
      evaluation: evaluationSchema,
    },
    ...(kind.upgrade && { upgrade: kind.upgrade }),
    async start(untyped, from) {
      const request = typed(untyped);
      const model = from === undefined ? undefined : { opened: await open(from), resume: false };
      const prepared = await kind.prepare(request, model);
      const { folder, recipe } = request;
      const { task, dataset } = prepared;
      return started(prepared, (encode) =>
        TrainingRun.start({ folder, task, recipe, dataset, encode }),
      );
    },
    async resume(untyped, change) {
      const source = runFile(untyped.folder, 'last');
      const opened = await open(source);
      const { training, config } = opened;
      if (!training) throw new UsageError(`${source} holds no training state to resume`);
      const request = typed({
        ...untyped,
        recipe: change({
          config: kind.choicesOf?.(config) ?? Object.fromEntries(Object.entries(config)),
          recipe: training.recipe,
        }),
      });
      const prepared = await kind.prepare(request, { opened, resume: true });
      const { folder, recipe } = request;
      const { task, dataset } = prepared;
      return started(prepared, async (encode) =>
        TrainingRun.resume({ folder, task, recipe, dataset, encode }, training, source),
      );
    },
    async evaluate(paths, { options, ...request }) {
      const models = [];
      for (const path of paths) models.push(await open(path));
      return kind.evaluate(models, { ...request, options: evaluationSchema.parse(options) });
    },
    describe: (measures) => kind.describe?.(measures) ?? plainly(measures),
  };
}

/** The schema of a kind that has no such flags. */
function nothing<T>(): z.ZodObject & z.ZodType<T> {
  return z.object({}) as unknown as z.ZodObject & z.ZodType<T>;
}

/** The kind of model that a file holds. @throws FileError; FormatError for one that is none of these */
export async function entryOf(path: string, kinds: readonly TaskEntry[]): Promise<TaskEntry> {
  return kindOf(await readSafetensors(path), kinds, path);
}

/** `loss 1.2345, error 0.0500`. */
function plainly(measures: Measures): string {
  return Object.entries(measures)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join(', ');
}
