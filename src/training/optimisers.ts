/** Optimisers: SGD with momentum, Adam and AdamW, and the clipping of gradients. */
import { leaves, mapTree, type TensorTree } from '../autograd/tree.js';
import { ShapeError, UsageError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** How far and with which gradient one step goes. */
export interface StepOptions {
  /** Learning rate. */
  rate: number;
  /** The gradients are multiplied by this first (gradient clipping); default 1. */
  scale?: number;
}

/** The optimisers that a recipe can name. */
export const optimiserKinds = ['adam', 'adamw', 'sgd'] as const;
export type OptimiserKind = (typeof optimiserKinds)[number];

/** Changes parameters in place so that the loss falls. */
export interface Optimiser {
  readonly kind: OptimiserKind;
  /** Steps taken so far. */
  steps: number;
  /** Running averages, one tree the form of the parameters each; a checkpoint saves them. */
  readonly state: TensorTree;
  /** One step in place. @throws ShapeError, before anything changes, when a gradient does not fit. */
  step(parameters: TensorTree, gradients: TensorTree, options: StepOptions): void;
}

/** The optimiser that a recipe asks for, at rest. */
export function createOptimiser(
  recipe: {
    readonly optimiser: OptimiserKind;
    readonly weightDecay: number;
    readonly momentum: number;
  },
  parameters: TensorTree,
): Optimiser {
  switch (recipe.optimiser) {
    case 'adam':
      return new Adam(parameters);
    case 'adamw':
      return new AdamW(parameters, recipe);
    case 'sgd':
      return new SGD(parameters, recipe);
  }
}

/** Adam's constants, and AdamW's. */
export interface AdamOptions {
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1):
 *
 *     m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g²
 *     w -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
 */
export class Adam implements Optimiser {
  readonly kind: OptimiserKind = 'adam';
  steps = 0;
  readonly state: { readonly m: TensorTree; readonly v: TensorTree };
  readonly #options: Required<AdamOptions>;

  constructor(
    parameters: TensorTree,
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {},
  ) {
    this.#options = { beta1, beta2, epsilon };
    this.state = { m: zerosLike(parameters), v: zerosLike(parameters) };
  }

  step(parameters: TensorTree, gradients: TensorTree, { rate, scale = 1 }: StepOptions): void {
    const { beta1, beta2, epsilon } = this.#options;
    const all = together(parameters, gradients, this.state.m, this.state.v);
    this.steps++;
    // The two corrections of bias, folded into the rate and into epsilon.
    const root = Math.sqrt(1 - beta2 ** this.steps);
    for (const [path, w, g, m, v] of all) {
      kernelsFor(w).adam(
        w,
        g,
        m,
        v,
        w.size,
        scale,
        (rate * root) / (1 - beta1 ** this.steps),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        epsilon * root,
        1 - rate * this.decayOf(path, w),
      );
    }
  }

  /** Share of the rate by which a parameter shrinks at each step. */
  protected decayOf(_path: string, _parameter: Tensor): number {
    return 0;
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2, in PyTorch's form):
 *
 *     w = (1 - rate decay) w, then Adam's step
 *
 * Only what multiplies an activation decays: matrices and filters. Biases and the gains of
 * normalisation (one axis) are left alone, and so are word vectors, since a rare word would fade
 * between the few steps that meet it. `decays` says otherwise.
 */
export class AdamW extends Adam {
  override readonly kind = 'adamw';
  readonly #weightDecay: number;
  readonly #decays: (path: string, parameter: Tensor) => boolean;

  /** @throws UsageError when `weightDecay` is not in [0, 1). */
  constructor(
    parameters: TensorTree,
    {
      weightDecay = 0.01,
      decays = decaysByDefault,
      ...options
    }: AdamOptions & {
      weightDecay?: number;
      decays?: (path: string, parameter: Tensor) => boolean;
    } = {},
  ) {
    super(parameters, options);
    if (!(weightDecay >= 0 && weightDecay < 1)) {
      throw new UsageError(`weightDecay must lie in [0, 1), not ${weightDecay}`);
    }
    this.#weightDecay = weightDecay;
    this.#decays = decays;
  }

  protected override decayOf(path: string, parameter: Tensor): number {
    return this.#decays(path, parameter) ? this.#weightDecay : 0;
  }
}

/** Whether weight decay applies: to matrices and filters, except word vectors (`embedding`). */
export function decaysByDefault(path: string, parameter: Tensor): boolean {
  return parameter.shape.length > 1 && !path.split('.').includes('embedding');
}

/**
 * Stochastic gradient descent with momentum: velocity = mu velocity + g; w -= rate velocity.
 * mu = 0 is plain gradient descent.
 */
export class SGD implements Optimiser {
  readonly kind = 'sgd';
  steps = 0;
  readonly state: { readonly velocity: TensorTree };
  readonly #momentum: number;

  constructor(parameters: TensorTree, { momentum = 0.9 } = {}) {
    if (!(momentum >= 0 && momentum < 1)) {
      throw new UsageError(`momentum must lie in [0, 1), not ${momentum}`);
    }
    this.#momentum = momentum;
    this.state = { velocity: zerosLike(parameters) };
  }

  step(parameters: TensorTree, gradients: TensorTree, { rate, scale = 1 }: StepOptions): void {
    const all = together(parameters, gradients, this.state.velocity);
    this.steps++;
    for (const [, w, g, v] of all) {
      kernelsFor(w).momentum(w, g, v, w.size, scale, rate, this.#momentum);
    }
  }
}

/** sqrt of the sum of squares of all gradients; NaN or infinite when any of them is. */
export function globalNorm(gradients: TensorTree): number {
  let sum = 0;
  for (const [, g] of leaves(gradients)) sum += kernelsFor(g).sumSquares(g, g.size);
  return Math.sqrt(sum);
}

/**
 * The factor that brings the global norm of the gradients down to `maximum`, 1 when it is below.
 * Source: Pascanu et al. 2013.
 */
export function clippingScale(norm: number, maximum: number): number {
  return norm > maximum ? maximum / norm : 1;
}

function zerosLike(tree: TensorTree): TensorTree {
  return mapTree(tree, (leaf) => zeros(leaf.shape, leaf.dtype));
}

/** The leaves of several trees of one form, side by side; all are checked before any is used. */
function together(
  parameters: TensorTree,
  ...others: readonly TensorTree[]
): [path: string, Tensor, Tensor, Tensor, Tensor][] {
  const rest = others.map((tree) => new Map(leaves(tree)));
  return [...leaves(parameters)].map(([path, w]) => {
    const found = rest.map((byPath) => byPath.get(path));
    for (const other of found) {
      if (other?.size !== w.size || other.dtype !== w.dtype) {
        const what = other ? `${other.dtype} ${showShape(other.shape)}` : 'nothing';
        throw new ShapeError(
          `${path} is ${w.dtype} ${showShape(w.shape)} but its gradient is ${what}`,
        );
      }
    }
    return [path, w, ...(found as [Tensor, Tensor, Tensor])];
  });
}
