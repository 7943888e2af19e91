import { type Command, Option } from 'commander';
import { type DecodingOptions, decoders, parseDecoding } from '../decoding/options.js';

/** The flags of decoding as commander reads them: numbers still as text where a word may stand. */
export interface DecodingFlags {
  decoder: DecodingOptions['decoder'];
  maxLength: string;
  nBest?: string;
  beam?: string;
  lengthPenalty?: string;
  diverseGroups?: string;
  diversity?: string;
  temperature?: string;
  topK?: string;
  topP?: string;
  seed?: string;
  blockUnknown: boolean;
  blockRepetition?: boolean;
  blockNgrams?: string;
  removeBadEndings?: boolean;
  prefix?: string;
}

/**
 * Adds how captions are decoded to a command.
 * @param options.several whether it has a use for more than one caption for an image (default).
 */
export function addDecodingFlags(command: Command, { several = true } = {}): Command {
  command
    .addOption(
      new Option('--decoder <kind>', 'how words are chosen').choices(decoders).default('greedy'),
    )
    .option('--max-length <words>', 'longest caption', '30');
  if (several) command.option('--n-best <count>', 'beam, sample: captions for each image');
  return command
    .option('--beam <width>', 'beam: hypotheses kept (default 5)')
    .option('--length-penalty <kind>', 'beam: none, average, or the alpha of Wu et al.')
    .option('--diverse-groups <count>', "beam: groups that avoid each other's words")
    .option('--diversity <nats>', 'beam: what an avoided word costs (default 0.5)')
    .option('--temperature <number>', 'sample: below 1 likely words become likelier')
    .option('--top-k <count>', 'sample: from the most probable words only')
    .option('--top-p <share>', 'sample: from the nucleus of this probability')
    .option('--seed <number>', 'sample: the same seed, the same captions')
    .option('--no-block-unknown', 'allow <UNK> in captions')
    .option('--block-repetition', 'no word directly after itself')
    .option('--block-ngrams <n>', 'no sequence of n words twice')
    .option('--remove-bad-endings', 'no caption ends with "a", "with", "of" and the like')
    .option('--prefix <words>', 'words that every caption starts with');
}

/** What the flags say. @throws UsageError naming the flag and its value. */
export function decodingFrom(flags: DecodingFlags): DecodingOptions {
  const { lengthPenalty } = flags;
  const options: DecodingOptions = {
    decoder: flags.decoder,
    maxLength: number(flags.maxLength),
    nBest: number(flags.nBest),
    beam: number(flags.beam),
    lengthPenalty:
      lengthPenalty === 'none' || lengthPenalty === 'average'
        ? lengthPenalty
        : number(lengthPenalty),
    diverseGroups: number(flags.diverseGroups),
    diversity: number(flags.diversity),
    temperature: number(flags.temperature),
    topK: number(flags.topK),
    topP: number(flags.topP),
    seed: number(flags.seed),
    blockUnknown: flags.blockUnknown,
    blockRepetition: flags.blockRepetition,
    blockNgrams: number(flags.blockNgrams),
    removeBadEndings: flags.removeBadEndings,
    prefix: flags.prefix,
  };
  parseDecoding(options);
  return options;
}

/** Text that is no number becomes NaN, which `decode` the schema refuses by name. */
function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.trim() === '' ? Number.NaN : Number(text);
}
