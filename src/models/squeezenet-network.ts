import { PREPROCESSING } from '../data/pictures/preprocessing.js';
import { concat } from '../layers/concat.js';
import { conv2d } from '../layers/conv2d.js';
import { dropout } from '../layers/dropout.js';
import { globalAveragePool, maxPool } from '../layers/pooling.js';
import { copyInto } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { elementCount } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ParameterMaker } from './parameter-maker.js';
import { type SqueezenetParameters, squeezenetLayers, squeezenetShapes } from './squeezenet.js';
import type { StackDropout, StackParameters } from './stack.js';

/** Filters' and biases' shapes by the layer's name in torchvision's state dict, for so many classes. */
function shapesOf(classes: number): [name: string, W: readonly number[], b: readonly number[]][] {
  const features = [...squeezenetShapes].flatMap(([name, W]): [string, readonly number[]][] =>
    name.endsWith('.weight') ? [[name.slice(0, -'.weight'.length), W]] : [],
  );
  const all = [...features, [classifier, [classes, 512, 1, 1]] as const];
  return all.map(([name, W]) => [name, W, [W[0] ?? 0]]);
}

const classifier = 'classifier.1';

/** Number of values of `initialSqueezenet`. */
export function squeezenetCount(classes: number): number {
  return shapesOf(classes).reduce((sum, [, W, b]) => sum + elementCount(W) + elementCount(b), 0);
}

/**
 * Fresh filters by He et al. 2015; those of the classifier a tenth of that, so that the first loss is log K.
 * They are named as in torchvision's state dict: `features.0`, `features.3.squeeze`, ...
 */
export function initialSqueezenet(classes: number, maker: ParameterMaker): StackParameters {
  const made = shapesOf(classes).map(([name, W, b]): [string, StackParameters[string]] => {
    const deviation = Math.sqrt(2 / elementCount(W.slice(1))) * (name === classifier ? 0.1 : 1);
    return [name, { W: maker.normal(W, deviation), b: maker.full(b, 0) }];
  });
  return Object.fromEntries(made);
}

/**
 * The same with the features of a file, to train on from there; the classifier stays fresh.
 * @param features as `squeezenetParameters` reads them; copied.
 */
export function withFeatures(
  fresh: StackParameters,
  features: SqueezenetParameters,
): StackParameters {
  for (const [name, { W, b }] of Object.entries(fresh)) {
    if (name === classifier) continue;
    const [weight, bias] = [features[`${name}.weight`], features[`${name}.bias`]];
    if (weight && bias) {
      copyInto(W, weight);
      copyInto(b, bias);
    }
  }
  return fresh;
}

/**
 * SqueezeNet 1.0 as a function of ops, to be trained or trained on: pictures x (N, 3, H, W) from 0 to 1,
 * scores (N, K). ImageNet's mean and deviation are taken account of here, so that a spatial transformer
 * before it sees black as 0. As torchvision has it, but for the relu after the last convolution: scores of
 * fresh weights may be negative.
 * Source: Iandola et al. 2016.
 */
export function runSqueezenet(parameters: StackParameters, x: Tensor, drop?: StackDropout): Tensor {
  let seen = squeezenetMaps(parameters, normalised(x));
  if (drop && drop.rate > 0) seen = dropout(seen, drop);
  return globalAveragePool(conv2d(seen, ...layerOf(parameters, classifier)));
}

/**
 * The modules of `features` from number `begin` on as a function of ops: maps (N, 512, H', W') of what
 * goes into that module, which is normalised pictures (N, 3, H, W) for 0.
 */
export function squeezenetMaps(parameters: StackParameters, x: Tensor, begin = 0): Tensor {
  const of = (name: string) => layerOf(parameters, name);
  let seen = begin > 0 ? x : conv2d(x, ...of('features.0'), { stride: 2, relu: true });
  for (const [index, layer] of squeezenetLayers) {
    if (index < begin) continue;
    if (layer === 'pool') {
      seen = maxPool(seen, { kernel: 3, stride: 2, ceilMode: true });
      continue;
    }
    const name = `features.${index}`;
    const squeezed = conv2d(seen, ...of(`${name}.squeeze`), { relu: true });
    const one = conv2d(squeezed, ...of(`${name}.expand1x1`), { relu: true });
    const three = conv2d(squeezed, ...of(`${name}.expand3x3`), { padding: 1, relu: true });
    seen = concat([one, three], 1);
  }
  return seen;
}

function layerOf(parameters: StackParameters, name: string): [W: Tensor, b: Tensor] {
  const layer = parameters[name];
  if (layer) return [layer.W, layer.b];
  throw new TypeError(`the parameters of ${name} are missing`);
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
