import {
  type SafetensorsDtype,
  type SafetensorsTensor,
  safetensorsValues,
} from '../data/formats/safetensors-dtypes.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { FormatError } from '../errors.js';
import { conv2dForward, conv2dInto } from '../layers/conv2d.js';
import { globalAveragePoolForward, maxPoolForward } from '../layers/pooling.js';
import { windowsOver } from '../layers/windows.js';
import { dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Channels in, squeezed to, and expanded to by 1x1 and by 3x3 filters. */
type Fire = readonly [inputs: number, squeeze: number, expand1x1: number, expand3x3: number];

/** Version 1.0: the entries of torchvision's `features` from 2 on. */
export const squeezenetLayers: readonly (readonly [index: number, layer: 'pool' | Fire])[] = [
  [2, 'pool'],
  [3, [96, 16, 64, 64]],
  [4, [128, 16, 64, 64]],
  [5, [128, 32, 128, 128]],
  [6, 'pool'],
  [7, [256, 32, 128, 128]],
  [8, [256, 48, 192, 192]],
  [9, [384, 48, 192, 192]],
  [10, [384, 64, 256, 256]],
  [11, 'pool'],
  [12, [512, 64, 256, 256]],
];

/** torchvision's names of the modules of `features`, by their index; 1 is the relu after the first filters. */
export const squeezenetModules: readonly string[] = Array.from(
  { length: 13 },
  (_, index) => `features.${index}`,
);

/** Name and shape of every parameter, the classifier's left out: torchvision's state dict. */
export const squeezenetShapes: ReadonlyMap<string, readonly number[]> = new Map([
  ...convolution('features.0', 96, 3, 7),
  ...squeezenetLayers.flatMap(([index, layer]) => {
    if (layer === 'pool') return [];
    const [inputs, squeeze, expand1x1, expand3x3] = layer;
    return [
      ...convolution(`features.${index}.squeeze`, squeeze, inputs, 1),
      ...convolution(`features.${index}.expand1x1`, expand1x1, squeeze, 1),
      ...convolution(`features.${index}.expand3x3`, expand3x3, squeeze, 3),
    ];
  }),
]);

/** The classifier's parameters, which a file may leave out. */
const classifierShapes: ReadonlyMap<string, readonly number[]> = new Map(
  convolution('classifier.1', 1000, 512, 1),
);

function convolution(name: string, F: number, C: number, K: number) {
  return [
    [`${name}.weight`, [F, C, K, K]],
    [`${name}.bias`, [F]],
  ] as [string, number[]][];
}

/** The network's parameters under their names in torchvision's state dict. */
export type SqueezenetParameters = Readonly<Record<string, Tensor>>;

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
  const expected = new Map([...squeezenetShapes, ...(hasClassifier ? classifierShapes : [])]);
  checkNamesAndShapes(tensors, expected, source);
  using work = scope();
  const parameters: Record<string, Tensor> = {};
  for (const [name, shape] of expected) {
    const found = tensors.get(name);
    if (!found) continue;
    parameters[name] = empty(dtype, shape).assign(weightsOf(name, found, source));
  }
  return work.keep(parameters);
}

const FLOATS: readonly SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16'];

/** A tensor's values. @throws FormatError when they are no weights: whole numbers, or not finite */
function weightsOf(name: string, tensor: SafetensorsTensor, source: string) {
  if (!FLOATS.includes(tensor.dtype)) {
    throw new FormatError(
      source,
      `tensor "${name}" is ${tensor.dtype}, but weights are ${FLOATS.join(', ')}`,
    );
  }
  const values = Float64Array.from(safetensorsValues(tensor), Number);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new FormatError(
    source,
    `tensor "${name}" has ${values[bad]} at ${bad}: the file is damaged, or its training failed`,
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

/**
 * What `grid` will be for photos of a size, or what goes into module number `end` of `features`.
 * @throws ShapeError when they are too small.
 */
export function squeezenetGrid(
  height: number,
  width: number,
  end: number = squeezenetModules.length,
): [C: number, H: number, W: number] {
  if (end === 0) return [3, height, width];
  const step = { stride: 2 };
  let { OH, OW } = windowsOver('squeezenet', [height, width], 7, step);
  let C = 96;
  for (const [index, layer] of squeezenetLayers) {
    if (index >= end) break;
    if (layer === 'pool') ({ OH, OW } = windowsOver('squeezenet', [OH, OW], 3, step, true));
    else C = layer[2] + layer[3];
  }
  return [C, OH, OW];
}

/** What the network says about a batch. */
export interface SqueezenetOutputs {
  /** (N, 512, H', W'); 13 x 13 for an input of 224 x 224. */
  readonly grid: Tensor;
  /** (N, 512): the mean over the grid's places. */
  readonly pooled: Tensor;
  /** (N, 1000), when the parameters include the classifier. */
  readonly logits?: Tensor;
}

/**
 * SqueezeNet 1.0 without training in mind: dropout is off, and no gradients are recorded.
 *
 * x (N, 3, H, W), normalised by ImageNet's mean and deviation.
 * Source: Iandola et al. 2016.
 * @param options.onLayer sees the output of each entry of `features` that has been computed
 *   (`features.0` after its relu); the tensor is gone afterwards.
 * @throws ShapeError when x has other axes or is smaller than the network can pool.
 */
export function squeezenet(
  x: Tensor,
  parameters: SqueezenetParameters,
  options: { onLayer?: (name: string, activation: Tensor) => void } = {},
): SqueezenetOutputs {
  using work = scope();
  const h = squeezenetBefore(x, parameters, squeezenetModules.length, options);
  const pooled = globalAveragePoolForward(h).y;
  if (!parameters['classifier.1.weight']) return work.keep({ grid: h, pooled });
  const classifier = convolutionOf(parameters, 'classifier.1');
  const scores = conv2dForward(h, ...classifier, { relu: true }).y;
  const logits = globalAveragePoolForward(scores).y;
  return work.keep({ grid: h, pooled, logits });
}

/**
 * What goes into module number `end` of `features`: (N, C, H', W') of x (N, 3, H, W), x itself for 0.
 * No gradients are recorded. Options and errors as of `squeezenet`.
 */
export function squeezenetBefore(
  x: Tensor,
  parameters: SqueezenetParameters,
  end: number,
  options: { onLayer?: (name: string, activation: Tensor) => void } = {},
): Tensor {
  dimensions('squeezenet', { x: [x, 'N', '3C', 'H', 'W'] });
  if (end === 0) return x;
  using work = scope();
  const first = convolutionOf(parameters, 'features.0');
  let h = conv2dForward(x, ...first, { stride: 2, relu: true }).y;
  options.onLayer?.('features.0', h);
  for (const [index, layer] of squeezenetLayers) {
    if (index >= end) break;
    const before = h;
    h =
      layer === 'pool'
        ? maxPoolForward(h, { kernel: 3, stride: 2, ceilMode: true }).y
        : fire(h, layer, parameters, `features.${index}`);
    before.dispose();
    options.onLayer?.(`features.${index}`, h);
  }
  return work.keep(h);
}

/** A 1x1 squeeze, then 1x1 and 3x3 expansions side by side: (N, inputs, H, W) to (N, expand, H, W). */
function fire(
  x: Tensor,
  [, , expand1x1, expand3x3]: Fire,
  parameters: SqueezenetParameters,
  name: string,
): Tensor {
  const [N = 0, , H = 0, W = 0] = x.shape;
  const out = empty(x.dtype, [N, expand1x1 + expand3x3, H, W]);
  using _work = scope();
  const of = (part: string) => convolutionOf(parameters, `${name}.${part}`);
  const squeezed = conv2dForward(x, ...of('squeeze'), { relu: true }).y;
  conv2dInto(out, 0, squeezed, ...of('expand1x1'), { relu: true });
  conv2dInto(out, expand1x1, squeezed, ...of('expand3x3'), { padding: 1, relu: true });
  return out;
}

function convolutionOf(parameters: SqueezenetParameters, name: string): [W: Tensor, b: Tensor] {
  const [W, b] = [parameters[`${name}.weight`], parameters[`${name}.bias`]];
  if (W && b) return [W, b];
  throw new FormatError('squeezenet', `the parameters of ${name} are missing`);
}
