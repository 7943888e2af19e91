/** What convolutions of images and of clips share: all but how they read their shapes. */
import { once } from '../../autograd/once.js';
import { scope } from '../../engine/engine.js';
import { ShapeError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, elementCount, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { checkGroups } from '../channels.js';
import { reluBackward } from '../elementwise/activations.js';
import type { Convolution } from './algorithm.js';
import { biasInto, clipsInto, filtersInto, mapsInto } from './dispatch.js';

/** What a convolution does besides moving a window. */
export interface ConvolutionOptions {
  /**
   * Parts into which the channels of x and of y are cut, each seeing only its own (default 1). With
   * as many groups as channels every channel has filters of its own: a depthwise convolution.
   */
  readonly groups?: number;
  /** Take max(0, y) in the pass that adds the bias: one pass over memory less. */
  readonly relu?: boolean;
}

/** Arguments of a convolution, and how it reads them. */
export interface Operands {
  x: Tensor;
  W: Tensor;
  convolution: Convolution;
}

/** What the backward pass of a convolution needs. */
export interface ConvolutionCache extends Operands {
  y: Tensor;
  relu: boolean;
}

/** Gradients of a convolution. */
export type ConvolutionGradients = {
  readonly dx: Tensor;
  readonly dW: Tensor;
  readonly db: Tensor;
};

/** @throws ShapeError when filters that see `perGroup` channels do not fit those of x; or as `checkGroups`. */
export function checkFilters(
  operation: string,
  { x, W }: { readonly x: Tensor; readonly W: Tensor },
  groups: number,
  perGroup: number,
): void {
  const [C = 0, F = 0] = [x.shape[1], W.shape[0]];
  checkGroups(operation, groups, { 'channels of x': C, filters: F });
  if (perGroup * groups === C) return;
  throw new ShapeError(
    `${operation}: W ${showShape(W.shape)} does not fit x ${showShape(x.shape)}: its filters see ${perGroup} channels, but ${groups === 1 ? 'there are' : `each of ${groups} groups has`} ${C / groups}`,
  );
}

/** y = max(W * x + b, 0 if `relu`), with the axes that x has. */
export function convolveForward(
  { x, W, convolution }: Operands,
  b: Tensor,
  relu = false,
): { y: Tensor; cache: ConvolutionCache } {
  const { N, F, windows } = convolution;
  const { OT, OH, OW } = windows;
  const y = empty(x.dtype, x.shape.length === 4 ? [N, F, OH, OW] : [N, F, OT, OH, OW]);
  mapsInto(y, 0, x, W, convolution, { b, floor: floorOf(relu) });
  return { y, cache: { x, W, y, convolution, relu } };
}

/** Gradients of `convolveForward`. @throws ShapeError, DTypeError naming `operation` when dout does not fit y. */
export function convolveBackward(
  operation: string,
  dout: Tensor,
  { x, W, y, convolution, relu }: ConvolutionCache,
): ConvolutionGradients {
  checkCotangent(`${operation}: dy`, dout, y);
  // Made again for dx rather than kept until somebody asks for that.
  const beforeRelu = () => (relu ? reluBackward(dout, { out: y }).dx : dout);
  const dx = once(() => {
    const clips = zeros(x.shape, x.dtype);
    using _scratch = scope();
    clipsInto(clips, beforeRelu(), W, convolution);
    return clips;
  });
  const ofParameters = once(() => {
    const dW = zeros(W.shape, x.dtype);
    const db = zeros([convolution.F], x.dtype);
    using _scratch = scope();
    const dy = beforeRelu();
    biasInto(db, dy);
    filtersInto(dW, x, dy, convolution);
    return { dW, db };
  });
  return gradientsOf(dx, ofParameters);
}

/** What `Finish` takes off below: nothing, or all that is negative. */
export function floorOf(relu = false): number {
  return relu ? 0 : Number.NEGATIVE_INFINITY;
}

/** @throws ShapeError when filters that make `perGroup` channels do not fit b; or as `checkGroups`. */
export function checkTransposedFilters(
  operation: string,
  { x, W, b }: { readonly x: Tensor; readonly W: Tensor; readonly b: Tensor },
  groups: number,
  perGroup: number,
): void {
  const [C = 0, F = 0] = [x.shape[1], b.shape[0]];
  checkGroups(operation, groups, { 'channels of x': C, 'values of b': F });
  if (perGroup * groups === F) return;
  throw new ShapeError(
    `${operation}: b ${showShape(b.shape)} does not fit W ${showShape(W.shape)}: ${groups} x ${perGroup} channels come out, one group's after the other's`,
  );
}

/** What x is the maps of under W, and b to every place of it: with the axes that x has. */
export function transposeForward(
  { x, W, convolution }: Operands,
  b: Tensor,
): { y: Tensor; cache: Operands } {
  const shape = shapeOfClips(x, convolution);
  const y = zeros(shape, x.dtype);
  clipsInto(y, x, W, convolution);
  const [N = 0, F = 0, ...places] = shape;
  const P = elementCount(places);
  for (let n = 0; n < N; n++) kernelsFor(y).addBias(y.at(n), b, F, P, P, floorOf());
  return { y, cache: { x, W, convolution } };
}

/** Gradients of `transposeForward`. @throws ShapeError, DTypeError naming `operation` when dy does not fit y. */
export function transposeBackward(
  operation: string,
  dy: Tensor,
  { x, W, convolution }: Operands,
): ConvolutionGradients {
  const shape = shapeOfClips(x, convolution);
  checkCotangent(`${operation}: dy`, dy, { dtype: x.dtype, shape });
  const ofParameters = once(() => {
    const dW = zeros(W.shape, x.dtype);
    const db = zeros([convolution.C], x.dtype);
    biasInto(db, dy);
    filtersInto(dW, dy, x, convolution);
    return { dW, db };
  });
  const dx = once(() => {
    const maps = empty(x.dtype, x.shape);
    mapsInto(maps, 0, dy, W, convolution);
    return maps;
  });
  return gradientsOf(dx, ofParameters);
}

/**
 * Those of x, and those of filters and bias, when they are asked for: a network that is held, or pictures that are
 * looked at, need only one of the two.
 */
function gradientsOf(
  dx: () => Tensor,
  ofParameters: () => Pick<ConvolutionGradients, 'dW' | 'db'>,
): ConvolutionGradients {
  return {
    get dx() {
      return dx();
    },
    get dW() {
      return ofParameters().dW;
    },
    get db() {
      return ofParameters().db;
    },
  };
}

function shapeOfClips(maps: Tensor, { N, C, windows: { T, H, W } }: Convolution): number[] {
  return maps.shape.length === 4 ? [N, C, H, W] : [N, C, T, H, W];
}
