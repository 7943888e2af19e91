/** The end of a SqueezeNet that is trained along with a captioner, and the part before it. */

import { isRecord } from '../../data/formats/strict-json.js';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import type { FloatDType } from '../../engine/blas.js';
import { UsageError, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { SavedEncoder } from './encoder.js';
import {
  type SqueezenetParameters,
  squeezenetFilters,
  squeezenetGrid,
  squeezenetMaps,
  squeezenetModules,
} from './squeezenet.js';
import { savedSqueezenet, squeezenetParameters } from './squeezenet-encoder.js';

/**
 * The end of an encoder that is trained along with a captioner. What the captioner is shown is then
 * what goes into this end, instead of features.
 */
export interface EncoderTail {
  /** The module that it begins with. */
  readonly from: string;
  /** Part of the captioner's parameters: steps change them in place. */
  readonly parameters: SqueezenetParameters;
  /** Maps (M, D, H', W') of what goes in, (M, C, H, W), as ops. */
  maps(parameters: SqueezenetParameters, x: Tensor): Tensor;
  /** An encoder with this end in place of its own. */
  savedInto(encoder: SavedEncoder): SavedEncoder;
}

/**
 * SqueezeNet cut in two: what is before a module stays as it is and records no gradients, the
 * modules from there on are trained.
 */
export class SqueezenetTail implements EncoderTail {
  readonly from: string;
  readonly parameters: SqueezenetParameters;
  /** How photos become the network's input. */
  readonly preprocessing: Preprocessing;
  /** What goes into the tail, of each photo. */
  readonly inputShape: readonly [C: number, H: number, W: number];
  readonly #head: SqueezenetParameters;
  readonly #begin: number;

  /**
   * @param encoder as a model file holds it; copied.
   * @param from a module's name as torchvision has it, such as `features.9`.
   * @throws UsageError for another encoder or another name.
   */
  constructor(encoder: SavedEncoder, from: string, dtype: FloatDType = 'f32') {
    this.#begin = moduleIndex(from);
    this.from = from;
    const { kind, metadata } = encoder;
    if (kind !== 'squeezenet') {
      throw new UsageError(
        `an encoder of kind ${kind} cannot be trained along with a captioner: only SqueezeNet can`,
      );
    }
    const source = 'the encoder that is trained along';
    const { preprocessing } = isRecord(metadata) ? metadata : {};
    this.preprocessing = parsePreprocessing(preprocessing, source);
    const { height, width } = this.preprocessing;
    this.inputShape = squeezenetGrid(height, width, this.#begin);
    const all = squeezenetParameters(encoder.tensors, source, dtype);
    const tail = layersFrom(this.#begin);
    const layers = Object.entries(all);
    this.parameters = Object.fromEntries(layers.filter(([layer]) => tail.includes(layer)));
    this.#head = Object.fromEntries(layers.filter(([layer]) => !tail.includes(layer)));
  }

  /** What goes into the tail, (M, C, H', W'), of photos x (M, 3, H, W) as `preprocess` makes them. */
  before(x: Tensor): Tensor {
    return squeezenetMaps(this.#head, x, { end: this.#begin });
  }

  maps(parameters: SqueezenetParameters, x: Tensor): Tensor {
    return squeezenetMaps(parameters, x, { begin: this.#begin });
  }

  savedInto({ tensors, ...encoder }: SavedEncoder): SavedEncoder {
    return { ...encoder, tensors: new Map([...tensors, ...savedSqueezenet(this.parameters)]) };
  }
}

/**
 * Two encoders must be the same before the module `from`.
 * @throws ValueError naming the first tensor that differs.
 */
export function requireSameHead(
  encoder: SavedEncoder,
  other: SavedEncoder,
  from: string,
  source: string,
): void {
  const tail = layersFrom(moduleIndex(from));
  for (const [name, { bytes }] of encoder.tensors) {
    if (tail.includes(layerOf(name))) continue;
    const its = other.tensors.get(name)?.bytes;
    if (its?.length === bytes.length && bytes.every((byte, index) => byte === its[index])) continue;
    throw new ValueError(
      `${source} is not the encoder that this model began with: ${name}, which is not trained, differs`,
    );
  }
}

/** @throws UsageError naming all modules there are */
function moduleIndex(from: string): number {
  const index = squeezenetModules.indexOf(from);
  if (index >= 0) return index;
  throw new UsageError(`SqueezeNet has no module ${from}; it has ${squeezenetModules.join(', ')}`);
}

/** The convolutions from a module on: `features.9.squeeze`, ... */
function layersFrom(begin: number): string[] {
  return [...squeezenetFilters.keys()].filter((layer) => Number(layer.split('.')[1]) >= begin);
}

/** `features.9.squeeze.weight` without its last part. */
function layerOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}
