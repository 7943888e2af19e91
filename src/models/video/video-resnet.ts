/** Residual networks for clips: convolutions in space and time whole (R3D), mixed (MC3) or taken apart (R(2+1)D). */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { affine } from '../../layers/dense.js';
import { relu } from '../../layers/elementwise/activations.js';
import { add } from '../../layers/elementwise/arithmetic.js';
import { globalAveragePool } from '../../layers/pooling/average-pool.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, named, normal, subtree } from '../parameters.js';
import {
  type ClipLayer,
  clipLayerShapes,
  clipLayerState,
  type Extents,
  RELU,
  runClipLayers,
} from './layers.js';
import type { ClipMode, ClipNetwork, ClipShape } from './network.js';

/** How the convolutions of a network see time. */
export const videoResnets = ['r3d', 'mc3', 'r2plus1d'] as const;
export type VideoResnet = (typeof videoResnets)[number];

const positive = z.int().positive();
const needs = { model: [...videoResnets] };

/** What a network of this kind is made of. */
export const videoResnetSchema = z.object({
  /** Filters of the first stage; each later one has twice as many. */
  width: positive
    .default(64)
    .meta({ flag: '--width <filters>', help: 'of the first stage; each later one has more' }),
  /** Blocks of each stage. */
  blocks: z
    .array(positive)
    .min(1)
    .max(6)
    .readonly()
    .default([2, 2, 2, 2])
    .meta({ flag: '--blocks <list>', help: 'residual blocks of each stage', needs }),
});
export type VideoResnetConfig = z.output<typeof videoResnetSchema>;

/** A residual block: relu(out + shortcut), both of the same x. */
interface Block {
  readonly layers: readonly ClipLayer[];
  /** None: x itself. */
  readonly shortcut: readonly ClipLayer[];
}

/**
 * The networks of Tran et al. 2018, as torchvision has them (`r3d_18`, `mc3_18`, `r2plus1d_18` at width 64), for clips
 * (N, C, T, H, W) of any size: a stem, stages of residual blocks, the mean over all places, and an affine layer.
 *
 * `r3d`: filters 3 x 3 x 3. `mc3`: such in the first stage, 1 x 3 x 3 in the others. `r2plus1d`: 1 x 3 x 3, then
 * 3 x 1 x 1, with as many channels between them that a pair has as many parameters as the whole filter. Layers are named as in
 * torchvision's state dicts.
 */
export function planVideoResnet(
  kind: VideoResnet,
  { width, blocks }: VideoResnetConfig,
  [C]: ClipShape,
  classes: number,
): ClipNetwork {
  const stem = stemOf(kind, C, width);
  const stages = blocks.map((count, stage) => {
    const F = width * 2 ** stage;
    return Array.from({ length: count }, (_, block) => {
      const first = block === 0;
      const inputs = first && stage > 0 ? F / 2 : F;
      const stride = first && stage > 0 ? 2 : 1;
      return blockOf(kind, `layer${stage + 1}.${block}`, stage, { inputs, F, stride });
    });
  });
  const all = stages.flat();
  const layers = [stem, ...all.flatMap((block) => [block.layers, block.shortcut])].flat();
  const features = width * 2 ** (blocks.length - 1);
  return {
    shapes: {
      ...clipLayerShapes(layers),
      fc: { W: normal([features, classes], 0.01), b: constant([classes]) },
    },
    state: clipLayerState(layers),
    scores(parameters, state, { x }, mode) {
      const first = runClipLayers(stem, parameters, state, x, mode);
      const maps = all.reduce(
        (seen, block) => runBlock(block, parameters, state, seen, mode),
        first,
      );
      const { W, b } = named(subtree(parameters, 'fc'), 'W', 'b');
      return { scores: affine(mode.drop(globalAveragePool(maps)), W, b) };
    },
  };
}

function runBlock(
  { layers, shortcut }: Block,
  parameters: TensorTree,
  state: TensorTree,
  x: Tensor,
  mode: ClipMode,
): Tensor {
  const residual = runClipLayers(layers, parameters, state, x, mode);
  return relu(add(residual, runClipLayers(shortcut, parameters, state, x, mode)));
}

/** Frames are halved, time is not. */
function stemOf(kind: VideoResnet, C: number, F: number): ClipLayer[] {
  const stride: Extents = [1, 2, 2];
  if (kind !== 'r2plus1d') {
    return [
      { name: 'stem.0', kind: 'convolution', C, F, kernel: [3, 7, 7], stride, padding: [1, 3, 3] },
      { name: 'stem.1', kind: 'norm', C: F },
      RELU,
    ];
  }
  // 45 of 64, as the authors have it.
  const middle = Math.max(1, Math.round((45 * F) / 64));
  return [
    {
      name: 'stem.0',
      kind: 'convolution',
      C,
      F: middle,
      kernel: [1, 7, 7],
      stride,
      padding: [0, 3, 3],
    },
    { name: 'stem.1', kind: 'norm', C: middle },
    RELU,
    { name: 'stem.3', kind: 'convolution', C: middle, F, kernel: [3, 1, 1], padding: [1, 0, 0] },
    { name: 'stem.4', kind: 'norm', C: F },
    RELU,
  ];
}

interface BlockExtents {
  readonly inputs: number;
  readonly F: number;
  readonly stride: number;
}

function blockOf(kind: VideoResnet, name: string, stage: number, extents: BlockExtents): Block {
  const { inputs, F, stride } = extents;
  const flat = kind === 'mc3' && stage > 0;
  const convolution = (place: string, C: number, step: number): ClipLayer[] =>
    kind === 'r2plus1d'
      ? apart(place, C, F, step, middleOf(inputs, F))
      : [whole(place, C, F, step, flat)];
  const shortcut: ClipLayer[] =
    stride === 1 && inputs === F
      ? []
      : [
          {
            name: `${name}.downsample.0`,
            kind: 'convolution',
            C: inputs,
            F,
            kernel: [1, 1, 1],
            stride: [flat ? 1 : stride, stride, stride],
            padding: [0, 0, 0],
          },
          { name: `${name}.downsample.1`, kind: 'norm', C: F },
        ];
  return {
    layers: [
      ...convolution(`${name}.conv1.0`, inputs, stride),
      { name: `${name}.conv1.1`, kind: 'norm', C: F },
      RELU,
      ...convolution(`${name}.conv2.0`, F, 1),
      { name: `${name}.conv2.1`, kind: 'norm', C: F },
    ],
    shortcut,
  };
}

/** 3 x 3 x 3, or 1 x 3 x 3 where time is not looked at. */
function whole(name: string, C: number, F: number, step: number, flat: boolean): ClipLayer {
  return {
    name,
    kind: 'convolution',
    C,
    F,
    kernel: [flat ? 1 : 3, 3, 3],
    stride: [flat ? 1 : step, step, step],
    padding: [flat ? 0 : 1, 1, 1],
  };
}

/** 1 x 3 x 3, then 3 x 1 x 1. */
function apart(name: string, C: number, F: number, step: number, middle: number): ClipLayer[] {
  return [
    {
      name: `${name}.0`,
      kind: 'convolution',
      C,
      F: middle,
      kernel: [1, 3, 3],
      stride: [1, step, step],
      padding: [0, 1, 1],
    },
    { name: `${name}.1`, kind: 'norm', C: middle },
    RELU,
    {
      name: `${name}.3`,
      kind: 'convolution',
      C: middle,
      F,
      kernel: [3, 1, 1],
      stride: [step, 1, 1],
      padding: [1, 0, 0],
    },
  ];
}

/** Channels between the halves of a filter, so that both have the parameters of a whole one; of a block, one number. */
function middleOf(inputs: number, F: number): number {
  return Math.max(1, Math.floor((inputs * F * 27) / (inputs * 9 + 3 * F)));
}
