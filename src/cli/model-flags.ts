import { type Command, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from '../errors.js';
import {
  type AttentionConfig,
  type AttentionKind,
  attentionKinds,
  type CaptionerConfig,
  type Cell,
  type ContextUse,
  cells,
  contextUses,
  type DropoutKind,
  dropoutKinds,
  type InitialState,
  initialStates,
  type WindowCentre,
  windowCentres,
} from '../models/captioner-config.js';
import { type VisionConfig, visionFeatureSize, visionMapSize } from '../models/vision.js';
import type { Sight } from '../training/prepare.js';
import { notNegative, pictureSide, positiveInteger, share } from './options.js';

/** The flags that say what a captioner is made of. */
export interface ModelFlags {
  normalise: boolean;
  pictureSize: number;
  filters: string;
  cell: Cell;
  layers: number;
  hidden: number;
  embedding: number;
  tied?: boolean;
  layerNorm?: boolean;
  dropout: number;
  dropoutKind: DropoutKind;
  attention?: AttentionKind;
  attentionSize: number;
  valueSize: number;
  glimpse: number;
  centre: WindowCentre;
  gate?: boolean;
  doublyStochastic: number;
  entropy: number;
  initialState: InitialState;
  context: ContextUse;
  positions?: boolean;
}

/** Adds them to a command. */
export function addModelFlags(command: Command): Command {
  return command
    .option(
      '--no-normalise',
      'take features, or the grid that attention looks at, at their own scale',
    )
    .option(
      '--picture-size <pixels>',
      'without features: side of the pictures that the model sees itself',
      pictureSide,
      48,
    )
    .option('--filters <list>', 'without features: filters of its convolution layers', '16,32,32')
    .addOption(new Option('--cell <kind>', 'recurrent cell').choices(cells).default('lstm'))
    .option('--layers <count>', 'recurrent layers, one upon the other', positiveInteger, 1)
    .option('--hidden <size>', 'length of the hidden state', positiveInteger, 512)
    .option('--embedding <size>', 'length of a word vector', positiveInteger, 256)
    .option('--tied', 'score words by their own vectors')
    .option('--layer-norm', 'normalise what each recurrent layer hands on')
    .option('--dropout <share>', 'values dropped in training', share, 0.5)
    .addOption(
      new Option('--dropout-kind <kind>', 'variational: the same values at every step')
        .choices(dropoutKinds)
        .default('elementwise'),
    )
    .addOption(
      new Option('--attention <kind>', 'look at the grid of features while speaking').choices(
        attentionKinds,
      ),
    )
    .option(
      '--attention-size <size>',
      'attention: length of keys and queries',
      positiveInteger,
      512,
    )
    .option('--value-size <size>', "attention: length of a place's vector", positiveInteger, 512)
    .option('--glimpse <points>', 'spatial transformer: k of its k x k points', positiveInteger, 3)
    .addOption(
      new Option(
        '--centre <kind>',
        'spatial transformer: the state alone moves the window, or its query finds the places',
      )
        .choices(windowCentres)
        .default('state'),
    )
    .option('--gate', 'attention: a gate on what is seen')
    .option('--doubly-stochastic <weight>', 'attention: every place is looked at', notNegative, 0)
    .option('--entropy <weight>', 'hard attention: keeps the choice open', notNegative, 0.002)
    .addOption(
      new Option(
        '--initial-state <kind>',
        'attention: zero, so that all that is known of the image has been looked at',
      )
        .choices(initialStates)
        .default('image'),
    )
    .addOption(
      new Option(
        '--context <use>',
        'attention: what is seen goes into the cell, or to the output and never into the state',
      )
        .choices(contextUses)
        .default('cell'),
    )
    .option('--positions', 'attention: learn a vector for where each place is');
}

/** The captioner that the flags describe, for images that are seen like this. */
export function captionerConfig(
  flags: ModelFlags,
  { shape, locations }: Sight,
  vocabularySize: number,
): CaptionerConfig {
  const vision =
    shape.length === 3
      ? {
          size: flags.pictureSize,
          filters: parseFilters(flags.filters),
        }
      : undefined;
  const attention = flags.attention && attentionConfig(flags.attention, flags, locations, vision);
  return {
    cell: flags.cell,
    layers: flags.layers,
    featureSize: vision ? featuresOf(vision, attention) : (shape.at(-1) ?? 0),
    vision,
    attention,
    normaliseFeatures: (!vision || attention !== undefined) && flags.normalise,
    embeddingSize: flags.embedding,
    hiddenSize: flags.hidden,
    vocabularySize,
    tiedEmbeddings: flags.tied ?? false,
    layerNorm: flags.layerNorm ?? false,
    dropout: flags.dropout,
    dropoutKind: flags.dropoutKind,
  };
}

function featuresOf(vision: VisionConfig, attention: AttentionConfig | undefined): number {
  return attention ? (vision.filters.at(-1) ?? 0) : visionFeatureSize(vision);
}

function attentionConfig(
  kind: AttentionKind,
  flags: ModelFlags,
  locations: Sight['locations'],
  vision: VisionConfig | undefined,
): AttentionConfig {
  const side = vision ? visionMapSize(vision) : 0;
  const places = vision ? ([side, side] as const) : locations;
  if (!places) {
    throw new UsageError(
      `--attention ${kind} looks at grids of features: extract them with glimpse features --grid`,
    );
  }
  const { attentionSize: size, valueSize, glimpse, centre, doublyStochastic, entropy } = flags;
  const { gate = false, positions = false, initialState, context } = flags;
  return {
    kind,
    locations: places,
    size,
    valueSize,
    glimpse,
    centre,
    gate,
    doublyStochastic,
    entropy,
    initialState,
    context,
    positions,
  };
}

/** A model's configuration by the flags that made it; the others did not matter to it. */
export function modelFlags(config: CaptionerConfig): Readonly<Record<string, unknown>> {
  const { vision, attention } = config;
  return {
    cell: config.cell,
    layers: config.layers,
    hidden: config.hiddenSize,
    embedding: config.embeddingSize,
    tied: config.tiedEmbeddings,
    layerNorm: config.layerNorm,
    dropout: config.dropout,
    dropoutKind: config.dropoutKind,
    attention: attention?.kind,
    ...(attention && {
      attentionSize: attention.size,
      valueSize: attention.valueSize,
      glimpse: attention.glimpse,
      centre: attention.centre,
      gate: attention.gate,
      doublyStochastic: attention.doublyStochastic,
      entropy: attention.entropy,
      initialState: attention.initialState,
      context: attention.context,
      positions: attention.positions,
    }),
    ...(vision && { pictureSize: vision.size, filters: vision.filters.join(',') }),
    ...((!vision || attention) && { normalise: config.normaliseFeatures }),
  };
}

/**
 * Flags of the model that the others leave without meaning: an encoder's features and a vision
 * network of its own exclude each other, and without attention there is nothing to say about it.
 * @param given the first of some flags that stands on the command line.
 * @throws UsageError naming both.
 */
export function refuseIdleModelFlags(
  { attention, centre }: ModelFlags,
  encoded: string | undefined,
  given: (flags: readonly string[]) => string | undefined,
): void {
  const unscaled = attention ? [] : ['--no-normalise'];
  const idle = given(encoded ? ['--picture-size', '--filters'] : unscaled);
  if (idle) {
    throw new UsageError(
      encoded
        ? `${idle} is for a model that sees pictures itself, but ${encoded} gives it features: leave one out`
        : `${idle} is about an encoder's features, or the grid of an attention: add --features, --encoder or --attention, or leave it out`,
    );
  }
  const about = [
    '--value-size',
    '--glimpse',
    '--centre',
    '--gate',
    '--doubly-stochastic',
    '--initial-state',
    '--context',
    '--positions',
  ];
  const unattended = attention ? undefined : given(['--attention-size', '--entropy', ...about]);
  if (unattended) {
    throw new UsageError(`${unattended} needs --attention: add it, or leave ${unattended} out`);
  }
  const needs: readonly [flag: string, needed: string, is: boolean][] = [
    ['--entropy', '--attention hard', attention === 'hard'],
    ['--glimpse', '--attention spatial-transformer', attention === 'spatial-transformer'],
    ['--centre', '--attention spatial-transformer', attention === 'spatial-transformer'],
    [
      '--attention-size',
      'an attention with keys: dot, additive, hard, or a window with --centre places',
      attention !== 'location' && (attention !== 'spatial-transformer' || centre === 'places'),
    ],
    [
      '--doubly-stochastic',
      'an attention with weights, not a window',
      attention !== 'spatial-transformer',
    ],
  ];
  for (const [flag, needed, is] of needs) {
    if (!is && given([flag])) throw new UsageError(`${flag} needs ${needed}: leave ${flag} out`);
  }
}

/** `16,32,32` as numbers. @throws UsageError */
export function parseFilters(text: string): number[] {
  const result = z.array(z.coerce.number().int().positive()).min(1).safeParse(text.split(','));
  if (result.success) return result.data;
  throw new UsageError(
    `--filters ${text}: must be positive whole numbers with commas between, such as 16,32,32`,
  );
}
