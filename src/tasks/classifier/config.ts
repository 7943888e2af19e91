/** What a classifier is made of: its configuration, its plan and the shapes of its parameters. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { firstIssue } from '../../data/formats/schema-errors.js';
import type { PictureShape } from '../../data/labels/labelled-pictures.js';
import { UsageError } from '../../errors.js';
import { squeezenetClassifierShapes } from '../../models/encoders/squeezenet.js';
import { type ShapesOf, shapesCount } from '../../models/parameters.js';
import {
  planTransformer,
  type Transformer,
  transformerSchema,
  transformerShapes,
} from '../../models/spatial-transformer.js';
import { planStack, type Stack, type StackParameters, stackShapes } from '../../models/stack.js';

/** Networks that can classify: fully connected, convolutions first, or SqueezeNet 1.0. */
export const networks = ['fcn', 'cnn', 'squeezenet'] as const;
export type Network = (typeof networks)[number];

/** Whether each of several transformers takes the output of the one before, or all take the picture. */
export const arrangements = ['sequence', 'parallel'] as const;

const positive = z.int().positive();

/** What a classifier is, as a model file holds it. */
export const classifierSchema = z.object({
  network: z.enum(networks),
  /** (C, H, W) of the pictures. */
  picture: z.tuple([positive, positive, positive]),
  classes: z.int().min(2).max(100_000),
  /** Units of each hidden layer of `fcn`, filters of each convolution of `cnn`; `squeezenet` has one size: 1. */
  size: positive.meta({
    flag: '--size <count>',
    help: 'units of a layer, or filters (default: as 400,000 parameters allow)',
    needs: { model: ['fcn', 'cnn', 'st-fcn', 'st-cnn'] },
  }),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .meta({ flag: '--dropout <share>', help: 'of the values before the last layer' }),
  /** None for a classifier that takes the picture as it is. */
  transformers: z.array(transformerSchema).max(16).default([]),
  arrangement: z
    .enum(arrangements)
    .default('sequence')
    .meta({ flag: '--arrangement <kind>', help: 'of several transformers' }),
});
export type ClassifierConfig = z.infer<typeof classifierSchema>;
export type ClassifierOptions = Omit<z.input<typeof classifierSchema>, 'size'> & { size?: number };

/** Parameters that a classifier has unless its size is given, as in Jaderberg et al. 2015. */
const BUDGET = 400_000;

/**
 * A configuration with every field. Without a size the network is as large as 400,000 parameters
 * allow, those of the transformers included, so that networks of all kinds compare.
 * @throws UsageError naming the field that is wrong.
 */
export function fullClassifier({ size, ...options }: ClassifierOptions): ClassifierConfig {
  const result = classifierSchema.safeParse({ ...options, size: size ?? 1 });
  if (!result.success)
    throw new UsageError(`classifier: ${firstIssue(result.error, { ...options, size })}`);
  const config = result.data;
  const [first] = config.transformers;
  if (config.arrangement === 'parallel') {
    const other = config.transformers.find(({ window }) => `${window}` !== `${first?.window}`);
    if (other) {
      throw new UsageError(
        `classifier: parallel transformers need windows of one size, not ${first?.window.join('x')} and ${other.window.join('x')}`,
      );
    }
  }
  if (config.network === 'squeezenet') return checkedSqueezenet(config);
  return size === undefined ? { ...config, size: sizeWithin(config) } : config;
}

/** @throws UsageError for pictures without three colours, or too small to be pooled. */
function checkedSqueezenet(config: ClassifierConfig): ClassifierConfig {
  const { picture, transformers, size } = config;
  const [height, width] = transformers.at(-1)?.window ?? [picture[1], picture[2]];
  const parallel = config.arrangement === 'parallel' && transformers.length > 1;
  if (picture[0] !== 3 || parallel || size !== 1) {
    throw new UsageError(
      `classifier: squeezenet takes one picture of 3 colours and has no size, not ${parallel ? 'several windows' : `${picture[0]} colours and size ${size}`}`,
    );
  }
  const least = 29;
  if (Math.min(height, width) < least) {
    throw new UsageError(
      `classifier: squeezenet needs pictures of ${least}x${least} or more, not ${height}x${width}`,
    );
  }
  return config;
}

/** The largest size within the budget; at least 8. */
function sizeWithin(config: ClassifierConfig): number {
  let [low, high] = [8, 2 ** 16];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (shapesCount(classifierShapes(planClassifier({ ...config, size: middle }))) <= BUDGET)
      low = middle;
    else high = middle;
  }
  return low;
}

/** A classifier with all its shapes known. */
export interface ClassifierPlan {
  readonly config: ClassifierConfig;
  readonly transformers: readonly Transformer[];
  readonly network: Stack | 'squeezenet';
}

/**
 * `fcn`: two hidden layers. `cnn`: convolutions 9 x 9 and 7 x 7, each pooled, and one affine layer. After
 * Jaderberg et al. 2015, appendix A. `squeezenet`: Iandola et al. 2016, see `runSqueezenet`.
 */
export function planClassifier(config: ClassifierConfig): ClassifierPlan {
  const { network, classes, size, arrangement } = config;
  let picture: PictureShape = config.picture;
  const transformers = config.transformers.map((transformer) => {
    const planned = planTransformer(
      transformer,
      arrangement === 'parallel' ? config.picture : picture,
    );
    picture = [picture[0], ...transformer.window];
    return planned;
  });
  // What parallel transformers make comes side by side.
  if (arrangement === 'parallel' && transformers.length > 1) {
    picture = [picture[0] * transformers.length, picture[1], picture[2]];
  }
  const convolutions =
    network === 'cnn'
      ? ([
          [size, 9],
          [size, 7],
        ] as const)
      : [];
  const affines = network === 'fcn' ? [size, size, classes] : [classes];
  if (network === 'squeezenet') return { config, transformers, network };
  return {
    config,
    transformers,
    network: planStack({ picture, convolutions, affines }),
  };
}

/** A classifier's parameters: `transformer1`, ..., and the network after them. */
export interface ClassifierParameters extends TensorTree {
  readonly transformers: { readonly [name: string]: StackParameters };
  readonly network: StackParameters;
}

/** Fresh parameters: transformers begin as the identity, scores near 0, so that the loss is log K. */
export function classifierShapes({
  config,
  transformers,
  network,
}: ClassifierPlan): ShapesOf<ClassifierParameters> {
  return {
    transformers: Object.fromEntries(
      transformers.map((one, i) => [transformerName(i), transformerShapes(one)]),
    ),
    network:
      network === 'squeezenet' ? squeezenetClassifierShapes(config.classes) : stackShapes(network),
  };
}

/** `transformer1`, ... */
export function transformerName(index: number): string {
  return `transformer${index + 1}`;
}

/** "st-cnn of 86, affine 28x28". */
export function describeClassifier({ network, size, transformers }: ClassifierConfig): string {
  const each = transformers.map(({ transform, window }) => `${transform} ${window.join('x')}`);
  const own = network === 'squeezenet' ? network : `${network} of ${size}`;
  return [`${each.length > 0 ? 'st-' : ''}${own}`, ...each].join(', ');
}
