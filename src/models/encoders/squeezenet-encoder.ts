/** SqueezeNet's weights in torchvision's state dict, and the encoder that they make. */
import { leaves } from '../../autograd/tree.js';
import {
  type SafetensorsTensor,
  safetensorsTensor,
} from '../../data/formats/safetensors-dtypes.js';
import { isRecord } from '../../data/formats/strict-json.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
} from '../../data/pictures/preprocessing.js';
import type { FloatDType } from '../../engine/blas.js';
import { scope } from '../../engine/engine.js';
import { FormatError, UsageError } from '../../errors.js';
import { tensor } from '../../tensor/create.js';
import { showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import {
  checkBatch,
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  type SavedEncoder,
} from './encoder.js';
import {
  type SqueezenetParameters,
  squeezenet,
  squeezenetClassifier,
  squeezenetFilters,
  squeezenetGrid,
} from './squeezenet.js';
import { weightsOf } from './state-dict.js';

/** Name and shape of every parameter, the classifier's left out: torchvision's state dict. */
export const squeezenetShapes: ReadonlyMap<string, readonly number[]> =
  stateDict(squeezenetFilters);

/** The classifier's parameters, which a file may leave out. */
const classifierShapes = stateDict([[squeezenetClassifier, [1000, 512, 1, 1]]]);

function stateDict(
  filters: Iterable<readonly [layer: string, W: readonly number[]]>,
): ReadonlyMap<string, readonly number[]> {
  return new Map(
    [...filters].flatMap(([layer, W]): [string, readonly number[]][] => [
      [`${layer}.weight`, W],
      [`${layer}.bias`, W.slice(0, 1)],
    ]),
  );
}

/** Whether the tensors' names are those of a SqueezeNet 1.0, right or wrong in detail. */
export function looksLikeSqueezenet(names: Iterable<string>): boolean {
  return [...names].includes('features.3.squeeze.weight');
}

/**
 * Puts the tensors of a file on the heap.
 *
 * @param source the name of the file in errors.
 * @throws FormatError naming tensors that are missing, unknown or of the wrong shape, or whose
 *   values are no finite floats.
 */
export function squeezenetParameters(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  source: string,
  dtype: FloatDType = 'f32',
): SqueezenetParameters {
  const hasClassifier = [...classifierShapes.keys()].some((name) => tensors.has(name));
  checkNamesAndShapes(
    tensors,
    new Map([...squeezenetShapes, ...(hasClassifier ? classifierShapes : [])]),
    source,
  );
  using work = scope();
  const leafOf = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new TypeError(`${name} has been checked to be there`);
    return empty(dtype, found.shape).assign(weightsOf(name, found, source));
  };
  const layers = [...squeezenetFilters.keys(), ...(hasClassifier ? [squeezenetClassifier] : [])];
  return work.keep(
    Object.fromEntries(
      layers.map((layer) => [layer, { W: leafOf(`${layer}.weight`), b: leafOf(`${layer}.bias`) }]),
    ),
  );
}

function checkNamesAndShapes(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  expected: ReadonlyMap<string, readonly number[]>,
  source: string,
): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unknown = [...tensors.keys()].filter((name) => !expected.has(name));
  const misshapen = [...expected].flatMap(([name, shape]) => {
    const found = tensors.get(name)?.shape ?? shape;
    return showShape(found) === showShape(shape)
      ? []
      : [`${name} is ${showShape(found)}, not ${showShape(shape)}`];
  });
  const faults = [
    ...(missing.length > 0 ? [`missing: ${someOf(missing)}`] : []),
    ...(unknown.length > 0 ? [`not part of it: ${someOf(unknown)}`] : []),
    ...(misshapen.length > 0 ? [someOf(misshapen)] : []),
  ];
  if (faults.length === 0) return;
  const first = tensors.get('features.0.weight');
  const other = first && showShape(first.shape) === FIRST_OF_1_1 ? ', but a SqueezeNet 1.1' : '';
  throw new FormatError(
    source,
    `is not a SqueezeNet 1.0 (torchvision)${other}: ${faults.join('; ')}`,
  );
}

/** Shape of the first filters of version 1.1, which has other layers. */
const FIRST_OF_1_1 = showShape([64, 3, 3, 3]);

/** The first few of many texts. */
function someOf(texts: readonly string[], count = 4): string {
  const more = texts.length - count;
  return `${texts.slice(0, count).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Parameters as a file has them, in float32. */
export function savedSqueezenet(parameters: SqueezenetParameters): Map<string, SafetensorsTensor> {
  const saved = (leaf: Tensor) => safetensorsTensor(Float32Array.from(leaf.dataSync()), leaf.shape);
  return new Map(
    Object.entries(parameters).flatMap(([layer, { W, b }]): [string, SafetensorsTensor][] => [
      [`${layer}.weight`, saved(W)],
      [`${layer}.bias`, saved(b)],
    ]),
  );
}

/** An encoder from SqueezeNet's state dict. @throws FormatError, UsageError */
export function openSqueezenet(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  source: string,
  { preprocessing = 'imagenet', pooled, grid, registerTokens }: EncoderOptions,
): Encoder {
  const idle = pooled ?? grid ?? registerTokens;
  if (idle !== undefined) {
    throw new UsageError(
      `${source}: SqueezeNet’s outputs have no names or tokens to choose by (${idle}); leave that out`,
    );
  }
  const asked = typeof preprocessing === 'string' ? PREPROCESSING[preprocessing] : preprocessing;
  const whole = parsePreprocessing(asked, source);
  return new SqueezenetEncoder(
    withoutClassifier(squeezenetParameters(tensors, source)),
    whole,
    source,
  );
}

/** An encoder from a model file. @throws FormatError */
export function restoreSqueezenet({ tensors, metadata }: SavedEncoder, source: string): Encoder {
  const preprocessing = isRecord(metadata) ? metadata.preprocessing : undefined;
  return new SqueezenetEncoder(
    squeezenetParameters(tensors, source),
    parsePreprocessing(preprocessing, source),
  );
}

/** Features are read before the classifier: it would only make model files larger. */
function withoutClassifier({
  [squeezenetClassifier]: classifier,
  ...parameters
}: SqueezenetParameters): SqueezenetParameters {
  classifier?.W.dispose();
  classifier?.b.dispose();
  return parameters;
}

class SqueezenetEncoder implements Encoder {
  readonly name = 'SqueezeNet 1.0';
  readonly preprocessing: Preprocessing;
  readonly outputs: { readonly pooled: number; readonly grid: readonly [number, number, number] };
  readonly path?: string;
  readonly #parameters: SqueezenetParameters;

  constructor(parameters: SqueezenetParameters, preprocessing: Preprocessing, path?: string) {
    this.#parameters = parameters;
    this.preprocessing = preprocessing;
    const grid = squeezenetGrid(preprocessing.height, preprocessing.width);
    this.outputs = { pooled: grid[0], grid };
    if (path !== undefined) this.path = path;
  }

  async encode(
    batch: Float32Array,
    N: number,
    options: { grid?: boolean } = {},
  ): Promise<EncodedBatch> {
    const photoSize = checkBatch(batch, N, this.preprocessing);
    const { width, height } = this.preprocessing;
    const [C, H, W] = this.outputs.grid;
    const pooled = new Float32Array(N * C);
    const grid = options.grid ? new Float32Array(N * C * H * W) : undefined;
    for (let n = 0; n < N; n++) {
      if (n > 0) await otherWork();
      using _photo = scope();
      const photo = batch.subarray(n * photoSize, (n + 1) * photoSize);
      const out = squeezenet(tensor(photo, { shape: [1, 3, height, width] }), this.#parameters);
      pooled.set(out.pooled.dataSync(), n * C);
      grid?.set(out.grid.dataSync(), n * C * H * W);
    }
    return grid ? { pooled, grid } : { pooled };
  }

  save(): SavedEncoder {
    const { name, preprocessing } = this;
    const tensors = savedSqueezenet(this.#parameters);
    return { kind: 'squeezenet', tensors, metadata: { name, preprocessing } };
  }

  dispose(): void {
    for (const [, leaf] of leaves(this.#parameters)) leaf.dispose();
  }
}

/** Lets what waits go first, once a photo: the next photos' files and decoders, a page's input. */
function otherWork(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
