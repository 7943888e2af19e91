/** What a captioner is made of: one schema for its type, defaults, checks, flags and model file. */
import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';
import { cnnFeatureSize, cnnMapSize, cnnSchema } from './cnn.js';

/** The recurrent cells that a captioner can be built of. */
export const cells = ['rnn', 'lstm', 'gru'] as const;
export type Cell = (typeof cells)[number];

/** The kinds of attention to a grid of features. */
export const attentionKinds = [
  'location',
  'dot',
  'additive',
  'hard',
  'spatial-transformer',
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

const positive = z.int().positive();
const weight = z.number().min(0);

/** A captioner's attention to a grid of features. */
export const attentionSchema = z.object({
  kind: z
    .enum(attentionKinds)
    .meta({ flag: '--attention <kind>', help: 'attend to the grid of features at every word' }),
  /** Rows and columns of the grid; L is their product. */
  locations: z.tuple([positive, positive]).readonly(),
  /** E: length of the vectors that the features of a place are projected to. */
  valueSize: positive.default(512).meta({
    flag: '--value-size <size>',
    help: "length of a place's vector",
    needs: { attention: true },
  }),
  /** A: length of keys and queries, where there are some. */
  size: positive.default(512).meta({
    flag: '--attention-size <size>',
    help: 'length of keys and queries',
    needs: { attention: ['dot', 'additive', 'hard', 'spatial-transformer'] },
  }),
  /** k: a glimpse has k x k points. */
  glimpse: positive.default(3).meta({
    flag: '--glimpse <points>',
    help: 'k of its k x k points',
    needs: { attention: ['spatial-transformer'] },
  }),
  /**
   * `state`: the hidden state alone moves the window. `places`: its middle is the mean of the places that
   * a query finds, and it is a quarter as large: see `WindowParameters`.
   */
  centre: z
    .enum(['state', 'places'])
    .default('state')
    .meta({
      flag: '--centre <kind>',
      help: 'the state alone moves the window, or its query finds the places',
      needs: { attention: ['spatial-transformer'] },
    }),
  /** A gate on the context vector (Xu et al. 2015, section 4.2.1). */
  gate: z
    .boolean()
    .default(false)
    .meta({ flag: '--gate', help: 'a gate on the context vector', needs: { attention: true } }),
  /** Weight of the penalty for places without attention (ibid., equation 14). */
  doublyStochastic: weight.default(0).meta({
    flag: '--doubly-stochastic <weight>',
    help: 'penalty for places without attention',
    needs: { attention: ['location', 'dot', 'additive', 'hard'] },
  }),
  /** Weight of the entropy of a hard choice (ibid., equation 11). */
  entropy: weight.default(0.002).meta({
    flag: '--entropy <weight>',
    help: 'keeps the choice open',
    needs: { attention: ['hard'] },
  }),
  /**
   * `image`: the first state is made of the mean of all places (ibid., section 3.1.2). `zero`: it is zero,
   * so that all that is known of the image comes by attention.
   */
  initialState: z
    .enum(['image', 'zero'])
    .default('image')
    .meta({
      flag: '--initial-state <kind>',
      help: 'zero: all that is known of the image comes by attention',
      needs: { attention: true },
    }),
  /**
   * `cell`: the context vector goes into the cell with the word. `output`: it goes to the scores of the
   * words, beside the hidden state (Luong, Pham and Manning 2015, equation 5), and never into the state, so
   * that all that a word says of the image comes by attention at that word.
   */
  context: z
    .enum(['cell', 'output'])
    .default('cell')
    .meta({
      flag: '--context <use>',
      help: 'the context vector goes into the cell, or to the output and never into the state',
      needs: { attention: true },
    }),
  /** Adds a learned vector of its position to each place. */
  positions: z
    .boolean()
    .default(false)
    .meta({
      flag: '--positions',
      help: 'learn a vector for where each place is',
      needs: { attention: true },
    }),
});

/** The fields of a captioner's configuration, before it is checked whether they go together. */
export const captionerFields = z.object({
  cell: z.enum(cells).default('lstm').meta({ flag: '--cell <kind>', help: 'recurrent cell' }),
  /** One upon the other; the first one has the attention. */
  layers: positive
    .max(1000)
    .default(1)
    .meta({ flag: '--layers <count>', help: 'recurrent layers, one upon the other' }),
  /** D: length of an image's feature vector, or of the vector of each place of its grid. */
  featureSize: positive,
  /** Bring each image's features to mean 0 and variance 1 first: large ones saturate the cell. */
  normaliseFeatures: z.boolean().default(true).meta({
    flag: '--no-normalise',
    help: 'take features, or the grid of an attention, at their own scale',
  }),
  /** W. */
  embeddingSize: positive
    .default(256)
    .meta({ flag: '--embedding <size>', help: 'length of a word vector' }),
  /** H. */
  hiddenSize: positive
    .default(512)
    .meta({ flag: '--hidden <size>', help: 'length of the hidden state' }),
  /** V: number of words, special ones included. */
  vocabularySize: positive,
  /** Press and Wolf 2017. */
  tiedEmbeddings: z
    .boolean()
    .default(false)
    .meta({ flag: '--tied', help: 'score words by their own vectors' }),
  /** Of what each recurrent layer hands on. */
  layerNorm: z
    .boolean()
    .default(false)
    .meta({ flag: '--layer-norm', help: 'normalise what each recurrent layer hands on' }),
  /** Share of word vectors' and hidden states' values. */
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .meta({ flag: '--dropout <share>', help: 'values dropped in training' }),
  /** `variational` drops the same values at every step (Gal and Ghahramani 2016). */
  dropoutKind: z
    .enum(['elementwise', 'variational'])
    .default('elementwise')
    .meta({
      flag: '--dropout-kind <kind>',
      help: 'variational: the same values at every step',
      needs: { dropout: true },
    }),
  /** Indices of the special words. */
  nullWord: z.int().min(0).default(0),
  startWord: z.int().min(0).default(1),
  endWord: z.int().min(0).default(2),
  /** Attention to a grid of features (M, L, D) at every word; without it, features are (M, D). */
  attention: attentionSchema.optional(),
  /** Makes the features from pixels, trained with the rest; without it, features come in. */
  cnn: cnnSchema.optional(),
});

/** What a captioner is made of; enough to build it anew. */
export const captionerSchema = captionerFields.superRefine((config, context) => {
  const wrong = (message: string, ...path: string[]) =>
    context.addIssue({ code: 'custom', path, message });
  checkWords(config, wrong);
  const { attention, cnn, featureSize } = config;
  if (!cnn) return;
  const features = attention ? (cnn.filters.at(-1) ?? 3) : cnnFeatureSize(cnn);
  if (features !== featureSize) {
    wrong(`the cnn makes ${features} features but featureSize is ${featureSize}`);
  }
  const side = cnnMapSize(cnn);
  if (attention?.locations.some((extent) => extent !== side)) {
    wrong(
      `the cnn makes a grid of ${side} x ${side} places but attention.locations is ${attention.locations.join(' x ')}`,
    );
  }
});

/** A configuration whose attention may be to places in space, or in time and space. */
export type WordsConfig = Omit<z.output<typeof captionerFields>, 'attention'> & {
  readonly attention?: PlacesAttention | undefined;
};

/** An attention to places: L is the product of the extents `locations`, of which the last two are rows and columns. */
export type PlacesAttention = Omit<z.output<typeof attentionSchema>, 'locations'> & {
  readonly locations: readonly number[];
};

/** Tells of special words that are no words, and of a penalty that an attention does not have. */
export function checkWords(
  config: WordsConfig,
  wrong: (message: string, ...path: string[]) => void,
): void {
  const { attention, cnn, vocabularySize } = config;
  if (cnn && cnn.strides.length > Math.max(2, cnn.filters.length)) {
    wrong(
      `has ${cnn.strides.length} steps, but there are ${cnn.filters.length} layers (filters)`,
      'cnn',
      'strides',
    );
  }
  for (const name of ['nullWord', 'startWord', 'endWord'] as const) {
    if (config[name] >= vocabularySize) {
      wrong(`is ${config[name]}, but there are ${vocabularySize} words`, name);
    }
  }
  if (attention?.kind === 'spatial-transformer' && attention.doublyStochastic) {
    wrong(
      'adds up the weights of places, but a spatial transformer has a window',
      'attention',
      'doublyStochastic',
    );
  }
}

/** A configuration as it is written: what has a default may be left out. */
export type CaptionerConfig = z.input<typeof captionerSchema>;
export type AttentionConfig = z.input<typeof attentionSchema>;

/** A configuration with every default filled in. */
export type FullConfig = z.output<typeof captionerSchema>;
export type FullAttention = z.output<typeof attentionSchema>;

/**
 * Fills in the defaults.
 * @param config a `CaptionerConfig`, or anything that may be one.
 * @throws UsageError naming the field that is wrong, and what does not fit together
 */
export function fullConfig(
  config: CaptionerConfig | Readonly<Record<string, unknown>>,
): FullConfig {
  const result = captionerSchema.safeParse(config);
  if (result.success) return result.data;
  throw new UsageError(firstIssue(result.error, config));
}
