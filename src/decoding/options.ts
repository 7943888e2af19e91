/** The options of decoding: their schema, defaults, and what they mean in a vocabulary. */
import { z } from 'zod';
import { UNKNOWN_INDEX, type Vocabulary } from '../data/text/vocabulary.js';
import { UsageError } from '../errors.js';
import { type Constraints, englishBadEndings } from './constraints.js';

/** The ways to decode. */
export const decoders = ['greedy', 'beam', 'sample'] as const;
export type Decoder = (typeof decoders)[number];

const defaultBeam = 5;

const count = z.int('must be a whole number').min(1, 'must be at least 1');
const notNegative = z.number('must be a number').min(0, 'must not be negative');
const flag = z.boolean('must be true or false');

/** Options that mean something to one decoder only. */
const belongingTo = {
  beam: ['beam', 'lengthPenalty', 'diverseGroups', 'diversity'],
  sample: ['temperature', 'topK', 'topP', 'seed'],
} as const;

/**
 * How captions are decoded, as a caller or a command line asks for it. Every field may be left out;
 * those that do not go together are refused. Each is the flag of the same name.
 */
export const decodingFields = z.strictObject({
  decoder: z
    .enum(decoders, `must be one of ${decoders.join(', ')}`)
    .default('greedy')
    .meta({ flag: '--decoder <kind>', help: 'how words are chosen' }),
  /** The prefix included. */
  maxLength: count.default(30).meta({ flag: '--max-length <words>', help: 'longest caption' }),
  /** The best of a beam, or so many draws (default 1). */
  nBest: count.optional().meta({
    flag: '--n-best <count>',
    help: 'captions for each image',
    needs: { decoder: ['beam', 'sample'] },
  }),

  beam: count.optional().meta({
    flag: '--beam <width>',
    help: 'hypotheses kept (default 5)',
    needs: { decoder: ['beam'] },
  }),
  /** See `LengthPenalty` (default none). */
  lengthPenalty: z
    .union([z.enum(['none', 'average']), notNegative], {
      error: 'must be none, average, or a number from 0 on',
    })
    .optional()
    .meta({
      flag: '--length-penalty <kind>',
      help: 'none, average, or the alpha of Wu et al.',
      needs: { decoder: ['beam'] },
    }),
  /** Divides the beam (default 1). */
  diverseGroups: count.optional().meta({
    flag: '--diverse-groups <count>',
    help: "groups that avoid each other's words",
    needs: { decoder: ['beam'] },
  }),
  /** In nats, with groups (default 0.5). */
  diversity: notNegative.optional().meta({
    flag: '--diversity <nats>',
    help: 'what an avoided word costs (default 0.5)',
    needs: { decoder: ['beam'] },
  }),

  /** Default 1. */
  temperature: z
    .number('must be a number')
    .positive('must be above 0')
    .optional()
    .meta({
      flag: '--temperature <number>',
      help: 'below 1 likely words become likelier',
      needs: { decoder: ['sample'] },
    }),
  topK: count.optional().meta({
    flag: '--top-k <count>',
    help: 'from the most probable words only',
    needs: { decoder: ['sample'] },
  }),
  topP: z
    .number('must be a number')
    .positive('must be above 0')
    .max(1, 'must be at most 1')
    .optional()
    .meta({
      flag: '--top-p <share>',
      help: 'from the nucleus of this probability',
      needs: { decoder: ['sample'] },
    }),
  /** Default 1. */
  seed: z
    .int('must be a whole number')
    .min(0, 'must not be negative')
    .optional()
    .meta({
      flag: '--seed <number>',
      help: 'the same seed, the same captions',
      needs: { decoder: ['sample'] },
    }),

  blockUnknown: flag
    .default(true)
    .meta({ flag: '--no-block-unknown', help: 'allow <UNK> in captions' }),
  blockRepetition: flag
    .default(false)
    .meta({ flag: '--block-repetition', help: 'no word directly after itself' }),
  /** Paulus et al. 2018: 3. */
  blockNgrams: count
    .optional()
    .meta({ flag: '--block-ngrams <n>', help: 'no sequence of n words twice' }),
  /** See `englishBadEndings`. */
  removeBadEndings: flag.default(false).meta({
    flag: '--remove-bad-endings',
    help: 'no caption ends with "a", "with", "of" and the like',
  }),
  prefix: z
    .string('must be text')
    .default('')
    .meta({ flag: '--prefix <words>', help: 'words that every caption starts with' }),
});

/** The same with what goes together checked, and everything filled in. */
export const decodingSchema = decodingFields
  .superRefine((options, context) => {
    const complain = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    for (const [decoder, names] of Object.entries(belongingTo)) {
      for (const name of names) {
        if (options[name] === undefined || options.decoder === decoder) continue;
        complain(name, `needs --decoder ${decoder}, not --decoder ${options.decoder}`);
      }
    }
    const { decoder, nBest = 1, beam = defaultBeam, diverseGroups = 1 } = options;
    if (decoder === 'greedy' && nBest > 1) {
      complain('nBest', 'needs --decoder beam or sample: --decoder greedy finds one caption');
    }
    if (decoder === 'beam' && nBest > beam) complain('nBest', `is more than --beam ${beam} finds`);
    if (decoder === 'beam' && beam % diverseGroups !== 0) {
      complain('diverseGroups', `must divide --beam ${beam}`);
    }
    if (options.diversity !== undefined && diverseGroups === 1) {
      complain('diversity', 'needs --diverse-groups of at least 2');
    }
  })
  .transform((options) => ({
    ...options,
    nBest: options.nBest ?? 1,
    beam: options.beam ?? defaultBeam,
    lengthPenalty: options.lengthPenalty ?? ('none' as const),
    diverseGroups: options.diverseGroups ?? 1,
    diversity: options.diversity ?? 0.5,
    temperature: options.temperature ?? 1,
    topP: options.topP ?? 1,
    seed: options.seed ?? 1,
    blockNgrams: options.blockNgrams ?? 0,
  }));

/** Options as they are written: everything may be left out. */
export type DecodingOptions = z.input<typeof decodingSchema>;

/** Options with everything filled in; `topK` stays undefined where all words are drawn from. */
export type Decoding = z.output<typeof decodingSchema>;

/** Checks options and fills in what is left out. @throws UsageError naming flags and values. */
export function parseDecoding(options: unknown): Decoding {
  const result = decodingSchema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const given =
    typeof options === 'object' && options !== null
      ? new Map(Object.entries(options))
      : new Map<string, unknown>();
  if (issue?.code === 'unrecognized_keys') {
    throw new UsageError(`no option of decoding is called ${issue.keys.join(', ')}`);
  }
  const name = String(issue?.path[0] ?? '');
  throw new UsageError(`${flagOf(name)} ${show(given.get(name))} ${issue?.message ?? 'is wrong'}`);
}

/**
 * What options mean in a vocabulary: the words that are blocked, and those of the prefix.
 * @throws UsageError when the prefix has a word that the vocabulary lacks, or is too long.
 */
export function constraintsOf(
  decoding: Decoding,
  model: { vocabulary: Vocabulary; endWord: number; suppressed: readonly number[] },
): Constraints & { prefix: number[] } {
  const { vocabulary, endWord } = model;
  const { prefix, maxLength, blockUnknown, blockNgrams, blockRepetition } = decoding;
  const words = vocabulary.tokenize(prefix);
  const unknown = words.find((word) => !vocabulary.has(word));
  if (unknown !== undefined) {
    throw new UsageError(`--prefix "${prefix}": the model does not know the word "${unknown}"`);
  }
  if (words.length > maxLength) {
    throw new UsageError(
      `--prefix "${prefix}" has ${words.length} words, more than --max-length ${maxLength}`,
    );
  }
  const bad = decoding.removeBadEndings ? englishBadEndings : [];
  return {
    endWord,
    never: [...model.suppressed, ...(blockUnknown ? [UNKNOWN_INDEX] : [])],
    badEndings: new Set(
      bad.filter((word) => vocabulary.has(word)).map((word) => vocabulary.indexOf(word)),
    ),
    blockRepetition,
    blockNgrams,
    maxLength,
    prefix: words.map((word) => vocabulary.indexOf(word)),
  };
}

/** `lengthPenalty` as `--length-penalty`. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function show(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? String(value)
    : JSON.stringify(value);
}
