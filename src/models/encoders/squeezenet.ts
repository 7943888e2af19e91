/** SqueezeNet 1.0 as a function of ops, for inference and training, whole or in part. */
import { sequential } from '../../autograd/sequential.js';
import { PREPROCESSING } from '../../data/pictures/preprocessing.js';
import { conv2d, conv2dBranches } from '../../layers/convolution/conv2d.js';
import { dropout } from '../../layers/elementwise/dropout.js';
import { globalAveragePool } from '../../layers/pooling/average-pool.js';
import { maxPool } from '../../layers/pooling/max-pool.js';
import { windowsOver } from '../../layers/windows.js';
import { copyInto } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { dimensions, elementCount } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, normal, type ShapesOf } from '../parameters.js';
import type { StackDropout, StackParameters } from '../stack.js';

/** Channels in, squeezed to, and expanded to by 1x1 and by 3x3 filters. */
type Fire = readonly [inputs: number, squeeze: number, expand1x1: number, expand3x3: number];

/** Version 1.0: the entries of torchvision's `features` from 2 on. */
const layers: readonly (readonly [index: number, layer: 'pool' | Fire])[] = [
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

/** The layer that scores ImageNet's classes, which parameters may leave out. */
export const squeezenetClassifier = 'classifier.1';

/** Shape of the filters of every convolution but the classifier, by its name in torchvision's state dict. */
export const squeezenetFilters: ReadonlyMap<string, readonly number[]> = new Map([
  ['features.0', [96, 3, 7, 7]],
  ...layers.flatMap(([index, layer]): [string, readonly number[]][] => {
    if (layer === 'pool') return [];
    const [inputs, squeeze, expand1x1, expand3x3] = layer;
    return [
      [`features.${index}.squeeze`, [squeeze, inputs, 1, 1]],
      [`features.${index}.expand1x1`, [expand1x1, squeeze, 1, 1]],
      [`features.${index}.expand3x3`, [expand3x3, squeeze, 3, 3]],
    ];
  }),
]);

/** W and b of the convolutions by their names in torchvision's state dict: `features.0`, `features.3.squeeze`, ... */
export type SqueezenetParameters = StackParameters;

/**
 * The shape of `grid` for photos of a size, or of what goes into module number `end` of `features`.
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
  for (const [index, layer] of layers) {
    if (index >= end) break;
    if (layer === 'pool') ({ OH, OW } = windowsOver('squeezenet', [OH, OW], 3, step, true));
    else C = layer[2] + layer[3];
  }
  return [C, OH, OW];
}

/** What the network makes of a batch. */
export interface SqueezenetOutputs {
  /** (N, 512, H', W'); 13 x 13 for an input of 224 x 224. */
  readonly grid: Tensor;
  /** (N, 512): the mean over the grid's places. */
  readonly pooled: Tensor;
  /** (N, 1000), when the parameters include the classifier. */
  readonly logits?: Tensor;
}

/** Which modules of `features` run, and what is called after each. */
interface Stretch {
  /** The number of the first one (default 0). */
  readonly begin?: number;
  /** One more than the number of the last one (default: all). */
  readonly end?: number;
  /** Sees the output of each that has parameters or pools, `features.0` after its relu. */
  readonly onLayer?: (name: string, activation: Tensor) => void;
}

/**
 * SqueezeNet 1.0 as torchvision has it, dropout off.
 *
 * x (N, 3, H, W), normalised by ImageNet's mean and deviation.
 * Source: Iandola et al. 2016.
 * @param options.onLayer is given the output of each entry of `features` that has been computed
 *   (`features.0` after its relu); outside a tape the tensor is gone afterwards.
 * @throws ShapeError when x has other axes or is smaller than the network can pool.
 */
export function squeezenet(
  x: Tensor,
  parameters: SqueezenetParameters,
  options: Pick<Stretch, 'onLayer'> = {},
): SqueezenetOutputs {
  const grid = squeezenetMaps(parameters, x, options);
  const pooled = globalAveragePool(grid);
  if (!parameters[squeezenetClassifier]) return { grid, pooled };
  const { W, b } = layerOf(parameters, squeezenetClassifier);
  const logits = sequential(grid, [
    (maps) => conv2d(maps, W, b, { relu: true }),
    globalAveragePool,
  ]);
  return { grid, pooled, logits };
}

/**
 * A stretch of the modules of `features`: maps (N, C, H', W') of what goes into the first of them, which is
 * normalised pictures (N, 3, H, W) for number 0. Parameters of other modules may be missing.
 * @throws as `squeezenet`.
 */
export function squeezenetMaps(
  parameters: SqueezenetParameters,
  x: Tensor,
  { begin = 0, end = squeezenetModules.length, onLayer }: Stretch = {},
): Tensor {
  if (begin === 0) dimensions('squeezenet', { x: [x, 'N', '3C', 'H', 'W'] });
  const modules = modulesOf(parameters).filter(([index]) => index >= begin && index < end);
  return sequential(
    x,
    modules.map(([index, module]) => (x: Tensor) => {
      const out = module(x);
      onLayer?.(`features.${index}`, out);
      return out;
    }),
  );
}

/** The modules of `features` but for the relu, by their numbers. */
function modulesOf(
  parameters: SqueezenetParameters,
): readonly (readonly [index: number, module: (x: Tensor) => Tensor])[] {
  const first = (x: Tensor) => {
    const { W, b } = layerOf(parameters, 'features.0');
    return conv2d(x, W, b, { stride: 2, relu: true });
  };
  const pool = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2, ceilMode: true });
  const rest = layers.map(([index, layer]) => {
    const fireOf = (x: Tensor) => fire(x, parameters, `features.${index}`);
    return [index, layer === 'pool' ? pool : fireOf] as const;
  });
  return [[0, first], ...rest];
}

/** A 1x1 squeeze, then 1x1 and 3x3 expansions side by side: (N, inputs, H, W) to (N, expand, H, W). */
function fire(x: Tensor, parameters: SqueezenetParameters, name: string): Tensor {
  const of = (part: string) => layerOf(parameters, `${name}.${part}`);
  const { W, b } = of('squeeze');
  const squeezed = conv2d(x, W, b, { relu: true });
  return conv2dBranches(squeezed, [
    { ...of('expand1x1'), relu: true },
    { ...of('expand3x3'), padding: 1, relu: true },
  ]);
}

function layerOf(parameters: SqueezenetParameters, name: string): { W: Tensor; b: Tensor } {
  const layer = parameters[name];
  if (layer) return { W: layer.W, b: layer.b };
  throw new TypeError(`squeezenet: the parameters of ${name} are missing`);
}

/**
 * Shapes and first values of a classifier's parameters: filters by He et al. 2015, the last layer's a tenth
 * of that, so that the first loss is log K.
 */
export function squeezenetClassifierShapes(classes: number): ShapesOf<SqueezenetParameters> {
  const all = [...squeezenetFilters, [squeezenetClassifier, [classes, 512, 1, 1]] as const];
  return Object.fromEntries(
    all.map(([name, W]) => {
      const share = name === squeezenetClassifier ? 0.1 : 1;
      const deviation = Math.sqrt(2 / elementCount(W.slice(1))) * share;
      return [name, { W: normal(W, deviation), b: constant([W[0] ?? 0]) }];
    }),
  );
}

/**
 * A classifier's parameters with the features of a file, to train on from there; the classifier stays fresh.
 * @param features as `squeezenetParameters` reads them; copied.
 */
export function withFeatures(
  fresh: SqueezenetParameters,
  features: SqueezenetParameters,
): SqueezenetParameters {
  for (const name of squeezenetFilters.keys()) {
    const [to, from] = [layerOf(fresh, name), layerOf(features, name)];
    copyInto(to.W, from.W);
    copyInto(to.b, from.b);
  }
  return fresh;
}

/**
 * A classifier: pictures x (N, 3, H, W) from 0 to 1, scores (N, K). ImageNet's mean and deviation are taken
 * account of here, so that a spatial transformer before it has black as 0. As torchvision has it, but for the
 * relu after the last convolution: scores of fresh weights may be negative.
 */
export function runSqueezenet(
  parameters: SqueezenetParameters,
  x: Tensor,
  drop?: StackDropout,
): Tensor {
  return sequential(x, [
    (pictures) => squeezenetFirstLayers(parameters, pictures),
    (maps) => squeezenetLastLayer(parameters, maps, drop),
  ]);
}

/** All of `runSqueezenet` but its last convolution: maps (N, 512, OH, OW). */
export function squeezenetFirstLayers(parameters: SqueezenetParameters, x: Tensor): Tensor {
  return sequential(x, [normalised, (pictures) => squeezenetMaps(parameters, pictures)]);
}

/** The scores, of what `squeezenetFirstLayers` gives. */
export function squeezenetLastLayer(
  parameters: SqueezenetParameters,
  maps: Tensor,
  drop?: StackDropout,
): Tensor {
  const { W, b } = layerOf(parameters, squeezenetClassifier);
  return sequential(maps, [
    (given) => (drop && drop.rate > 0 ? dropout(given, drop) : given),
    (given) => conv2d(given, W, b),
    globalAveragePool,
  ]);
}

/** (x - mean) / deviation of each colour, as filters of one pixel. */
function normalised(x: Tensor): Tensor {
  const { mean, standardDeviation } = PREPROCESSING.imagenet;
  const { dtype } = x;
  const W = tensor(
    standardDeviation.map((deviation) => 1 / deviation),
    { shape: [3, 1, 1, 1], dtype },
  );
  const b = tensor(
    mean.map((value, c) => -value / (standardDeviation[c] ?? 1)),
    { dtype },
  );
  return conv2d(x, W, b, { groups: 3 });
}
