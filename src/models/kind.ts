/** What a model file, the command line and training need to know of one kind of model. */
import type { z } from 'zod';
import type { TensorTree } from '../autograd/tree.js';
import type { SafetensorsFile } from '../data/formats/safetensors.js';
import type { SafetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import type { ShapesOf, ShapeTree } from './parameters.js';

/** Tensors of a model file that are not trained, such as an encoder's weights, by their names. */
export type Attached = ReadonlyMap<string, SafetensorsTensor>;

/** What a model is made of, as a model file holds it. */
export interface ModelParts<C = unknown, X = unknown, P extends TensorTree = TensorTree> {
  readonly config: C;
  /** What else belongs to it: vocabulary, classes, preprocessing. */
  readonly extras: X;
  readonly parameters: P;
  /** What training changes otherwise than by gradients: statistics of batches, moving averages. */
  readonly state: TensorTree;
  readonly attached: Attached;
}

/**
 * One kind of model.
 *
 * C is its configuration, X its extras, P its parameters, and M the model that all of them make.
 */
export interface ModelKind<C, X, P extends TensorTree, M> {
  /** Its name in files and on the command line. */
  readonly kind: string;
  /** Of its part of the file: a file of a later version is refused. */
  readonly version: number;
  /** Fields, defaults, checks, flags and their help: here and nowhere else. */
  readonly config: z.ZodType<C>;
  readonly extras: z.ZodType<X>;
  /** How it is trained. */
  readonly recipe: z.ZodType<object>;
  /** Shapes and first values of the parameters: a pure function of the configuration. */
  shapes(config: C): ShapesOf<P>;
  /** The same of its state, where it has one. */
  stateShapes?(config: C): ShapeTree;
  /** @throws UsageError when two of its parts disagree, such as the vocabulary and its size */
  build(parts: ModelParts<C, X, P>, source: string): M;
  /**
   * Files of Glimpse 0.1: the format that they name, and their tensors, configuration, extras and training as they
   * are called today.
   */
  readonly earlier?: {
    readonly format: string;
    upgrade(file: SafetensorsFile): SafetensorsFile;
  };
}
