import { UsageError } from '../errors.js';
import { type VisionConfig, visionFeatureSize, visionMapSize } from './vision.js';

/** The recurrent cells that a captioner can be built of. */
export const cells = ['rnn', 'lstm', 'gru'] as const;
export type Cell = (typeof cells)[number];

/** The ways of looking at a grid of features while speaking. */
export const attentionKinds = [
  'location',
  'dot',
  'additive',
  'hard',
  'spatial-transformer',
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

/** What the state is before the first word. */
export const initialStates = ['image', 'zero'] as const;
export type InitialState = (typeof initialStates)[number];

/** Where what is seen goes. */
export const contextUses = ['cell', 'output'] as const;
export type ContextUse = (typeof contextUses)[number];

/** What says where the middle of a spatial transformer's window is. */
export const windowCentres = ['state', 'places'] as const;
export type WindowCentre = (typeof windowCentres)[number];

/** Whether dropout draws anew at every step. */
export const dropoutKinds = ['elementwise', 'variational'] as const;
export type DropoutKind = (typeof dropoutKinds)[number];

/** How a captioner looks at a grid of features. */
export interface AttentionConfig {
  kind: AttentionKind;
  /** Rows and columns of the grid; L is their product. */
  locations: readonly [height: number, width: number];
  /** E: length of the vectors that the features of a place are projected to. */
  valueSize: number;
  /** A: length of keys and queries, where there are some. */
  size: number;
  /** Of `spatial-transformer`: k, a glimpse has k x k points (default 3). */
  glimpse?: number;
  /**
   * Of `spatial-transformer`: the hidden state alone moves the window (default), or its middle is the
   * mean of the places that a query finds, and it is a quarter as large: see `WindowParameters`.
   */
  centre?: WindowCentre;
  /** A gate on what is seen (Xu et al. 2015, section 4.2.1; default false). */
  gate?: boolean;
  /** Weight of the penalty that makes every place be looked at (ibid.; default 0). */
  doublyStochastic?: number;
  /**
   * `image` (default): of the mean of all places (ibid., section 3.1.2). `zero`: of nothing, so that
   * all that is known of the image has been looked at.
   */
  initialState?: InitialState;
  /**
   * `cell` (default): what is seen goes into the cell with the word. `output`: it goes to the scores
   * of the words, beside the hidden state (Luong, Pham and Manning 2015, equation 5), and never into
   * the state, so that what is said of the image is looked at when it is said.
   */
  context?: ContextUse;
  /** Places are told apart by where they are, by a vector of each that is learned (default false). */
  positions?: boolean;
  /** Of `hard`: weight of the entropy of the choice (ibid., equation 11; default 0.002). */
  entropy?: number;
}

/** What a captioner is made of; enough to build it anew. */
export interface CaptionerConfig {
  cell: Cell;
  /** Recurrent layers, one upon the other (default 1). The first one looks. */
  layers?: number;
  /** D: length of an image's feature vector, or of the vector of each place of its grid. */
  featureSize: number;
  /** Looks at a grid of features (M, L, D) while speaking; without it, features are (M, D). */
  attention?: AttentionConfig | undefined;
  /** Makes the features from pixels, trained with the rest; without it, features come in. */
  vision?: VisionConfig | undefined;
  /**
   * Bring each image's features to mean 0 and variance 1 first (default false, as in the lecture).
   * Encoders differ in scale by orders of magnitude, and large features saturate the cell.
   */
  normaliseFeatures?: boolean;
  /** W: length of a word's vector. */
  embeddingSize: number;
  /** H: length of the hidden state. */
  hiddenSize: number;
  /** V: number of words, special ones included. */
  vocabularySize: number;
  /** Score words by their own vectors (Press and Wolf 2017; default false). */
  tiedEmbeddings?: boolean;
  /** Layer normalisation of what each recurrent layer hands on (default false). */
  layerNorm?: boolean;
  /** Share of word vectors' and hidden states' values dropped in training (default 0). */
  dropout?: number;
  /** `variational` drops the same values at every step (Gal and Ghahramani 2016). */
  dropoutKind?: DropoutKind;
  /** Indices of the special words (default 0, 1, 2). */
  nullWord?: number;
  startWord?: number;
  endWord?: number;
}

/** An attention with every default filled in. */
export type FullAttention = Required<AttentionConfig>;

/** A configuration with every default filled in. */
export type FullConfig = Required<Omit<CaptionerConfig, 'attention'>> & {
  attention: FullAttention | undefined;
};

/**
 * Fills in the defaults.
 * @throws UsageError for a size that is no positive integer, an unknown cell or kind of attention,
 *   and for parts that do not fit together.
 */
export function fullConfig(config: CaptionerConfig): FullConfig {
  const full: FullConfig = {
    layers: 1,
    tiedEmbeddings: false,
    layerNorm: false,
    dropout: 0,
    dropoutKind: 'elementwise',
    nullWord: 0,
    startWord: 1,
    endWord: 2,
    vision: undefined,
    normaliseFeatures: false,
    ...config,
    attention: config.attention && fullAttention(config.attention),
  };
  check(full);
  return full;
}

function fullAttention(attention: AttentionConfig): FullAttention {
  return {
    glimpse: 3,
    centre: 'state',
    gate: false,
    doublyStochastic: 0,
    initialState: 'image',
    context: 'cell',
    positions: false,
    entropy: 0.002,
    ...attention,
  };
}

/** More recurrent layers than anybody trains; each is a tree of its own. */
const mostLayers = 1000;

function check(config: FullConfig): void {
  oneOf('cell', config.cell, cells);
  oneOf('dropoutKind', config.dropoutKind, dropoutKinds);
  const sizes = ['layers', 'featureSize', 'embeddingSize', 'hiddenSize', 'vocabularySize'] as const;
  for (const name of sizes) positive(name, config[name]);
  if (config.layers > mostLayers) {
    throw new UsageError(`layers must be at most ${mostLayers}, not ${config.layers}`);
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) {
    throw new UsageError(`dropout must lie in [0, 1), not ${config.dropout}`);
  }
  if (config.attention) checkAttention(config.attention);
  if (config.vision) checkVision(config, config.vision);
}

function checkAttention(attention: FullAttention): void {
  oneOf('attention', attention.kind, attentionKinds);
  const [height, width] = attention.locations;
  positive('attention.locations[0]', height);
  positive('attention.locations[1]', width);
  positive('attention.valueSize', attention.valueSize);
  positive('attention.size', attention.size);
  positive('attention.glimpse', attention.glimpse);
  if (attention.kind === 'spatial-transformer' && attention.doublyStochastic) {
    throw new UsageError(
      'attention.doublyStochastic adds up the weights of places, but a spatial transformer has a window',
    );
  }
  oneOf('attention.centre', attention.centre, windowCentres);
  oneOf('attention.context', attention.context, contextUses);
  oneOf('attention.initialState', attention.initialState, initialStates);
  for (const name of ['doublyStochastic', 'entropy'] as const) {
    if (!(attention[name] >= 0)) {
      throw new UsageError(`attention.${name} must be 0 or more, not ${attention[name]}`);
    }
  }
}

function checkVision({ featureSize, attention }: FullConfig, vision: VisionConfig): void {
  const [features, side] = attention
    ? [vision.filters.at(-1) ?? 3, visionMapSize(vision)]
    : [visionFeatureSize(vision), 0];
  if (features !== featureSize) {
    throw new UsageError(
      `the vision network makes ${features} features but featureSize is ${featureSize}`,
    );
  }
  if (attention?.locations.some((extent) => extent !== side)) {
    throw new UsageError(
      `the vision network makes a grid of ${side} x ${side} places but attention.locations is ${attention.locations.join(' x ')}`,
    );
  }
}

function oneOf(name: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) {
    throw new UsageError(`${name} must be one of ${known.join(', ')}, not ${value}`);
  }
}

function positive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new UsageError(`${name} must be a positive integer, not ${value}`);
  }
}
