/** The model file: a safetensors file with parameters, state and optimisers, and all else as JSON, never executable. */
import { z } from 'zod';
import { leaves, type TensorTree } from '../autograd/tree.js';
import { type SafetensorsFile, safetensorsChunks } from '../data/formats/safetensors.js';
import type { SafetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import { firstIssue } from '../data/formats/schema-errors.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { FormatError, UsageError } from '../errors.js';
import type { ModelKind, ModelParts } from '../models/kind.js';
import { mapShapes, parametersOf, type ShapesOf, type ShapeTree } from '../models/parameters.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { optimiserKinds } from './optimisers.js';
import { type Progress, progressSchema, requireConsistent } from './progress.js';
import type { Recipe } from './recipe.js';
import type { Json, Task } from './task.js';
import { type Optimisers, optimisersFor } from './trainer.js';

const format = 'glimpse model';
const version = 2;

/** What a run learns from, to be recognised by. */
export interface DataIdentity {
  readonly name: string;
  /** A digest of the training data and their order. */
  readonly fingerprint: string;
}

/** Where a run stands, for the file to hold. */
export interface TrainingState {
  readonly recipe: Recipe;
  readonly optimisers: Optimisers;
  readonly progress: Progress;
  readonly dataset: DataIdentity;
  /** What the task saved. */
  readonly task?: Json | undefined;
}

const trainingSchema = z.object({
  /** As the kind's own schema checks it. */
  recipe: z.record(z.string(), z.unknown()),
  progress: progressSchema,
  dataset: z.object({ name: z.string(), fingerprint: z.string() }),
  optimiser: z.object({
    kind: z.enum(optimiserKinds),
    steps: z.record(z.string(), z.int().min(0)),
  }),
  task: z.unknown(),
});

/** What a file says of training; the optimisers' tensors stay as they lie in the file until a run goes on. */
export interface SavedTraining extends z.infer<typeof trainingSchema> {
  readonly file: SafetensorsFile;
}

/** A model out of a file: its kind, its parts, and where training stands. */
export interface OpenedModel<C, X, P extends TensorTree, M> extends ModelParts<C, X, P> {
  readonly kind: ModelKind<C, X, P, M>;
  readonly model: M;
  readonly training: SavedTraining | undefined;
  /** The file, for errors. */
  readonly source: string;
}

/** A model as the pieces of one safetensors file: `model.*`, `state.*`, `optimiser.<group>.*`, and what is attached. */
export function encodeModel<C, X, P extends TensorTree, M>(
  { kind, version: kindVersion }: ModelKind<C, X, P, M>,
  { config, extras, parameters, state, attached }: ModelParts<C, X, P>,
  training?: TrainingState,
): Uint8Array[] {
  const tensors = [
    ...saved('model', parameters),
    ...saved('state', state),
    ...Object.entries(training?.optimisers ?? {}).flatMap(([group, optimiser]) => [
      ...saved(`optimiser.${group}`, optimiser.state),
    ]),
    ...attached,
  ];
  const metadata: Record<string, string> = {
    format,
    version: `${version}`,
    kind,
    kindVersion: `${kindVersion}`,
    config: JSON.stringify(config),
    extras: JSON.stringify(extras),
  };
  if (training) {
    const { recipe, optimisers, progress, dataset, task = null } = training;
    const steps = Object.entries(optimisers).map(([group, optimiser]) => [group, optimiser.steps]);
    const optimiser = { kind: recipe.optimiser, steps: Object.fromEntries(steps) };
    metadata.training = JSON.stringify({ recipe, progress, dataset, optimiser, task });
  }
  return safetensorsChunks(tensors, metadata);
}

/**
 * Reads what `encodeModel` wrote, or an earlier version of Glimpse. The tensors belong to the scope that
 * is open around the call, or to nobody.
 * @param source the name of the file in errors.
 * @throws FormatError naming the first thing that is missing, is not finite or does not fit; nothing is
 *   then left on the heap.
 */
export function decodeModel<C, X, P extends TensorTree, M>(
  kind: ModelKind<C, X, P, M>,
  given: SafetensorsFile,
  source: string,
): OpenedModel<C, X, P, M> {
  const old = kind.earlier?.format === given.metadata.format ? kind.earlier : undefined;
  const file = old ? underTodaysFormat(kind.kind, old.upgrade(given), given) : given;
  requireKind(kind, file, source);
  const config = readEntry(file, 'config', kind.config, source);
  const extras = readEntry(file, 'extras', kind.extras, source);
  const training = file.metadata.training
    ? {
        ...checkedTraining(
          readEntry(file, 'training', trainingSchema, source),
          kind.recipe,
          source,
        ),
        file,
      }
    : undefined;
  using work = scope();
  try {
    const parameters = restored<P>('model', kind.shapes(config), file, source);
    const state = restored<TensorTree>('state', kind.stateShapes?.(config) ?? {}, file, source);
    const parts = { config, extras, parameters, state, attached: attachedTo(file) };
    const model = kind.build(parts, source);
    work.keep([parameters, state]);
    return { kind, model, training, source, ...parts };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new FormatError(source, error.message, { cause: error });
  }
}

/** An upgraded file: its kind's version is the one that the file of 0.1 named. */
function underTodaysFormat(
  kind: string,
  { tensors, metadata }: SafetensorsFile,
  given: SafetensorsFile,
): SafetensorsFile {
  const kindVersion = given.metadata.version ?? '';
  return { tensors, metadata: { ...metadata, format, version: `${version}`, kind, kindVersion } };
}

/** The kind of model that a file names. @throws FormatError when it names none of these */
export function kindOf<
  K extends { readonly kind: string; readonly earlier?: { readonly format: string } },
>({ metadata }: Pick<SafetensorsFile, 'metadata'>, kinds: readonly K[], source: string): K {
  const found = kinds.find(({ kind, earlier }) =>
    metadata.format === format
      ? metadata.kind === kind
      : earlier !== undefined && metadata.format === earlier.format,
  );
  if (found) return found;
  const known = kinds.map(({ kind }) => kind).join(', ');
  throw new FormatError(
    source,
    metadata.format === format
      ? `a model of the kind ${metadata.kind ?? '?'}, which this version of Glimpse does not know (it knows ${known})`
      : `not a Glimpse model: its metadata names ${metadata.format ?? 'no format'}, not ${format}`,
  );
}

/**
 * The optimisers of a run that goes on, as they were saved.
 * @throws FormatError naming the tensor that is missing or does not fit the task's groups.
 */
export function restoredOptimisers(
  { file, progress, optimiser: { kind, steps } }: SavedTraining,
  task: Pick<Task, 'groups'>,
  recipe: Recipe,
  source: string,
): Optimisers {
  using work = scope();
  const optimisers = optimisersFor(task, { ...recipe, optimiser: kind });
  for (const [group, optimiser] of Object.entries(optimisers)) {
    const own = steps[group];
    if (own === undefined) {
      throw new FormatError(
        source,
        `metadata entry training: it has no steps of the optimiser of ${group}`,
      );
    }
    requireConsistent(progress, own, source);
    optimiser.steps = own;
    for (const [path, leaf] of leaves(optimiser.state)) {
      const name = `optimiser.${group}.${path}`;
      const bytes = fitting(file, name, { shape: leaf.shape, dtype: leaf.float }, source);
      requireFinite(leaf.assignBytes(bytes), name, source);
    }
  }
  work.keep(Object.values(optimisers).map(({ state }) => state));
  return optimisers;
}

/** The same with the recipe as its kind's schema fills it in. */
function checkedTraining<T extends { readonly recipe: object }>(
  training: T,
  schema: z.ZodType<object>,
  source: string,
): T & { readonly recipe: Readonly<Record<string, unknown>> } {
  const result = schema.safeParse(training.recipe);
  if (result.success)
    return { ...training, recipe: Object.fromEntries(Object.entries(result.data)) };
  throw new FormatError(
    source,
    `metadata entry training: recipe.${firstIssue(result.error, training.recipe)}`,
  );
}

/** One entry of the metadata. @throws FormatError when it is missing, no JSON, or not what the schema says */
export function readEntry<T>(
  { metadata }: Pick<SafetensorsFile, 'metadata'>,
  key: string,
  schema: z.ZodType<T>,
  source: string,
): T {
  let json: unknown;
  try {
    json = JSON.parse(metadata[key] ?? '');
  } catch (cause) {
    throw new FormatError(source, `the metadata entry ${key} is missing or no JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(source, `metadata entry ${key}: ${firstIssue(result.error, json)}`);
}

function requireKind(
  { kind, version: newest }: { readonly kind: string; readonly version: number },
  { metadata }: SafetensorsFile,
  source: string,
): void {
  if (metadata.format !== format || metadata.kind !== kind) {
    throw new FormatError(
      source,
      metadata.format === format
        ? `not a ${kind} but a ${metadata.kind ?? '?'}`
        : `not a ${kind}: its metadata names ${metadata.format ?? 'no format'}`,
    );
  }
  const [own, file] = [Number(metadata.kindVersion), Number(metadata.version)];
  if (own >= 1 && own <= newest && file === version) return;
  throw new FormatError(
    source,
    `a ${kind} of version ${metadata.version ?? '?'}.${metadata.kindVersion ?? '?'}, but this version of Glimpse reads up to ${version}.${newest}`,
  );
}

const dtypes = { f32: 'F32', f64: 'F64' } as const satisfies Record<FloatDType, string>;

/** The leaves of a tree as a file's tensors, named `prefix.path`. */
function* saved(prefix: string, tree: TensorTree): Generator<[string, SafetensorsTensor]> {
  for (const [path, leaf] of leaves(tree)) {
    const values = leaf.dataSync();
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    yield [`${prefix}.${path}`, { dtype: dtypes[leaf.float], shape: leaf.shape, bytes }];
  }
}

/** Tensors of a file in the form of a shape tree, all of the type of the first. */
function restored<P extends TensorTree>(
  prefix: string,
  shapes: ShapesOf<P> & ShapeTree,
  file: SafetensorsFile,
  source: string,
): P {
  const [first] = parametersOf(shapes);
  const dtype = file.tensors.get(`${prefix}.${first?.[0]}`)?.dtype === 'F64' ? 'f64' : 'f32';
  return mapShapes<P>(shapes, ({ shape }, path) => {
    const name = `${prefix}.${path}`;
    const tensor = Tensor.fromBytes(dtype, shape, fitting(file, name, { shape, dtype }, source));
    requireFinite(tensor, name, source);
    return tensor;
  });
}

/** The bytes of a file's tensor. @throws FormatError when it is missing, or has another type or shape */
function fitting(
  { tensors }: SafetensorsFile,
  name: string,
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: FloatDType },
  source: string,
): Uint8Array {
  const found = tensors.get(name);
  if (!found) throw new FormatError(source, `the tensor ${name} is missing`);
  const wanted = dtypes[dtype];
  if (found.dtype === wanted && showShape(found.shape) === showShape(shape)) return found.bytes;
  throw new FormatError(
    source,
    `the tensor ${name} is ${found.dtype} ${showShape(found.shape)}, but the model needs ${wanted} ${showShape(shape)}`,
  );
}

/**
 * Weights out of a file must be numbers: one NaN makes every answer NaN.
 * @throws FormatError naming the tensor and its first value that is not finite
 */
function requireFinite(weights: Tensor, name: string, source: string): void {
  // One pass of a kernel; where its sum overflows, all may still be finite.
  if (Number.isFinite(kernelsFor(weights).sumSquares(weights, weights.size))) return;
  const values = weights.dataSync();
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  throw new FormatError(
    source,
    `the tensor ${name} holds ${values[place]} (value ${place + 1} of ${values.length}): a model cannot work with that. The file is damaged, or was saved by a training that diverged`,
  );
}

/** What is neither the model's nor training's. */
function attachedTo({ tensors }: SafetensorsFile): Map<string, SafetensorsTensor> {
  const own = ['model.', 'state.', 'optimiser.'];
  return new Map([...tensors].filter(([name]) => !own.some((prefix) => name.startsWith(prefix))));
}
