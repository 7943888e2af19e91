/** An encoder that makes a few numbers of a picture, and a decoder that makes a picture of them. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import type { PictureShape } from '../../data/labels/labelled-pictures.js';
import { UsageError } from '../../errors.js';
import { conv2d } from '../../layers/convolution/conv2d.js';
import { transposedConv2d } from '../../layers/convolution/transposed-conv2d.js';
import { affine } from '../../layers/dense.js';
import { elu, gelu, leakyRelu, relu, tanh } from '../../layers/elementwise/activations.js';
import { add } from '../../layers/elementwise/arithmetic.js';
import { flatten, reshape } from '../../layers/indexing/axes.js';
import { gather } from '../../layers/indexing/gather.js';
import { elementCount } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, normal, type ShapesOf } from '../parameters.js';

/** What follows each hidden layer. */
const activations = { relu, 'leaky-relu': leakyRelu, elu, gelu, tanh } as const;
export type Activation = keyof typeof activations;

/** Networks that can encode and decode: fully connected, or convolutions first. */
export const coderNetworks = ['fcn', 'cnn'] as const;

const positive = z.int().positive();
const units = positive.max(65_536);

/** What an encoder and its decoder are, as a model file holds it. */
export const coderSchema = z.object({
  /** (C, H, W) of the pictures. */
  picture: z.tuple([positive, positive, positive]),
  network: z
    .enum(coderNetworks)
    .default('fcn')
    .meta({ flag: '--network <kind>', help: 'fully connected, or convolutions first' }),
  /** Of each convolution, which halves the picture; the decoder has them the other way round. */
  filters: z
    .array(units)
    .min(1)
    .max(12)
    .readonly()
    .default([32, 64])
    .meta({
      flag: '--filters <list>',
      help: 'of each convolution, which halves the picture',
      needs: { network: ['cnn'] },
    }),
  /** Of each fully connected layer between picture, or maps, and code; the decoder's the other way round. */
  hidden: z
    .array(units)
    .max(12)
    .readonly()
    .default([512, 512])
    .meta({ flag: '--hidden <list>', help: 'units of each fully connected layer' }),
  activation: z
    .enum(['relu', 'leaky-relu', 'elu', 'gelu', 'tanh'])
    .default('relu')
    .meta({ flag: '--activation <kind>', help: 'what follows each layer' }),
  /** Values of a code. */
  latent: units
    .default(32)
    .meta({ flag: '--latent <count>', help: 'values that a picture becomes' }),
  /** Classes that both are told of; 0 for none. */
  classes: z.int().min(0).max(100_000).default(0),
});
export type CoderConfig = z.output<typeof coderSchema>;

/** An affine layer, or a convolution; `E` has what each class adds. */
interface LayerParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
  readonly E?: Tensor;
}

/** `conv1`, `layer1`, ..., `out`. */
export type LayersParameters = { readonly [layer: string]: LayerParameters };

/** An encoder and a decoder with all their shapes known. */
export interface Coder {
  readonly config: CoderConfig;
  /** Values that the encoder makes of a picture. */
  readonly codes: number;
  /** What convolutions see and make, (C, H, W) each: the picture first. */
  readonly maps: readonly PictureShape[];
}

/** Rows and columns of a filter. */
const KERNEL = 3;

/**
 * Plans both. Convolutions of 3 x 3 with a stride of 2 make ceil(side / 2) of a side, down to one pixel, so that
 * pictures of any size will do; transposed ones lead back over the same sizes.
 *
 * @param codes values that the encoder makes of a picture: one for each of the latent, or several.
 */
export function planCoder(config: CoderConfig, codes: number): Coder {
  const maps: PictureShape[] = [config.picture];
  let [, height, width] = config.picture;
  for (const filters of config.network === 'cnn' ? config.filters : []) {
    [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    maps.push([filters, height, width]);
  }
  return { config, codes, maps };
}

/** Parameters of an encoder. Layers by He et al. 2015; the last one a tenth of that, so that codes begin near 0. */
export function encoderShapes({ config, codes, maps }: Coder): ShapesOf<LayersParameters> {
  const convolutions = maps.slice(1).map(([filters], i): [string, ShapesOf<LayerParameters>] => {
    const [channels = 0] = maps[i] ?? [];
    return [`conv${i + 1}`, filtersOf([filters, channels], channels * KERNEL ** 2, filters)];
  });
  const sides = [lastMapSize(maps), ...config.hidden, codes];
  return Object.fromEntries([...convolutions, ...affineShapes(sides, config, 0.1)]);
}

/** Parameters of a decoder. Its scores begin near 0. */
export function decoderShapes({ config, maps }: Coder): ShapesOf<LayersParameters> {
  const isDense = maps.length === 1;
  const sides = [config.latent, ...config.hidden.toReversed(), lastMapSize(maps)];
  const convolutions = maps.slice(1).map((_, i): [string, ShapesOf<LayerParameters>] => {
    const [from = 0, to = 0] = [maps[i + 1]?.[0], maps[i]?.[0]];
    // Of a stride of 2 in both directions, a quarter of the filter's places meets each pixel.
    const shrink = i === 0 ? 0.1 : 1;
    return [`conv${i + 1}`, filtersOf([from, to], (from * KERNEL ** 2) / 4, to, shrink)];
  });
  return Object.fromEntries([
    ...affineShapes(sides, config, isDense ? 0.1 : 1),
    ...convolutions.toReversed(),
  ]);
}

/**
 * What the encoder makes of pictures x (N, C, H, W): (N, codes), a function of ops.
 * @param labels (N) i32, of an encoder that is told of classes.
 */
export function encodePictures(
  { config, codes, maps }: Coder,
  parameters: LayersParameters,
  x: Tensor,
  labels?: Tensor,
): Tensor {
  const active = activations[config.activation];
  let out = x;
  for (const [i] of maps.slice(1).entries()) {
    const { W, b } = layerOf(parameters, `conv${i + 1}`);
    out = active(conv2d(out, W, b, { stride: 2, padding: 1 }));
  }
  const sides = [lastMapSize(maps), ...config.hidden, codes];
  return affines(parameters, sides, flatten(out), config, labels);
}

/**
 * What the decoder makes of codes z (N, latent): scores (N, C, H, W) of pixels, a function of ops.
 * @param labels (N) i32, of a decoder that is told of classes.
 */
export function decodePictures(
  { config, maps }: Coder,
  parameters: LayersParameters,
  z: Tensor,
  labels?: Tensor,
): Tensor {
  const active = activations[config.activation];
  const [N = 0] = z.shape;
  const sides = [config.latent, ...config.hidden.toReversed(), lastMapSize(maps)];
  const flat = affines(parameters, sides, z, config, labels);
  let out = reshape(flat, [N, ...(maps.at(-1) ?? config.picture)]);
  for (let i = maps.length - 2; i >= 0; i--) {
    const [, H = 0, W = 0] = maps[i] ?? [];
    const layer = layerOf(parameters, `conv${i + 1}`);
    out = transposedConv2d(active(out), layer.W, layer.b, {
      stride: 2,
      padding: 1,
      // Two sides are halved to the same one.
      outputPadding: [1 - (H % 2), 1 - (W % 2)],
    });
  }
  return out;
}

/** Affine layers, an activation between them; each class adds a vector of its own to the first one's result. */
function affines(
  parameters: LayersParameters,
  sides: readonly number[],
  x: Tensor,
  { activation, classes }: CoderConfig,
  labels: Tensor | undefined,
): Tensor {
  if (classes > 0 !== (labels !== undefined)) {
    throw new UsageError(
      classes > 0
        ? `the model is told of ${classes} classes: say which one each picture is of`
        : 'the model is told of no classes: leave them out',
    );
  }
  const active = activations[activation];
  let out = x;
  for (const [i, name] of affineNames(sides).entries()) {
    const { W, b, E } = layerOf(parameters, name);
    out = affine(out, W, b);
    if (i === 0 && E && labels) out = add(out, gather(E, labels));
    if (i < sides.length - 2) out = active(out);
  }
  return out;
}

/** `layer1`, `layer2`, ..., `out`. */
function affineNames(sides: readonly number[]): string[] {
  return sides.slice(1).map((_, i) => (i === sides.length - 2 ? 'out' : `layer${i + 1}`));
}

function affineShapes(
  sides: readonly number[],
  { classes }: CoderConfig,
  lastShrink: number,
): [string, ShapesOf<LayerParameters>][] {
  return affineNames(sides).map((name, i) => {
    const [inputs = 0, outputs = 0] = [sides[i], sides[i + 1]];
    const deviation = Math.sqrt(2 / inputs) * (name === 'out' ? lastShrink : 1);
    const E = i === 0 && classes > 0 ? { E: normal([classes, outputs], deviation) } : {};
    return [name, { W: normal([inputs, outputs], deviation), b: constant([outputs]), ...E }];
  });
}

function filtersOf(
  channels: readonly [number, number],
  inputs: number,
  outputs: number,
  shrink = 1,
): ShapesOf<LayerParameters> {
  const W = normal([...channels, KERNEL, KERNEL], Math.sqrt(2 / inputs) * shrink);
  return { W, b: constant([outputs]) };
}

function layerOf(parameters: LayersParameters, name: string): LayerParameters {
  const layer = parameters[name];
  if (!layer) throw new TypeError(`the parameters of ${name} are missing`);
  return layer;
}

function lastMapSize(maps: readonly PictureShape[]): number {
  return elementCount(maps.at(-1) ?? []);
}

/** `fcn 784-512-512`, `cnn 32-64, 512`. */
export function describeCoder({ network, filters, hidden, latent }: CoderConfig): string {
  const layers = [network === 'cnn' ? `filters ${filters.join('-')}` : '', hidden.join('-')];
  return `${network} of ${layers.filter((part) => part !== '').join(', ')}, ${latent} latent`;
}
