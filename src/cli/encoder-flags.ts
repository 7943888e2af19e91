import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import {
  describePreprocessing,
  type Preprocessing,
  type PreprocessingName,
  preprocessingNames,
} from '../data/pictures/preprocessing.js';
import { UsageError } from '../errors.js';
import type { Encoder, EncoderOptions } from '../models/encoders/encoder.js';
import { isOnnxName } from '../models/encoders/open.js';
import {
  openEncoder,
  preprocessingBeside,
  readPreprocessing,
} from '../models/encoders/open-file.js';
import { wholeNumber } from './options.js';
import { note } from './terminal.js';

/** The flags that say how the network of `--encoder` is used. */
export interface EncoderFlags {
  preprocessing?: string;
  pooledOutput?: string;
  gridOutput?: string;
  registerTokens?: number;
}

const names = preprocessingNames.join(', ');

/** Adds the flags to a command that has `--encoder`. */
export function addEncoderFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--preprocessing <name or file>',
        `how photos become the encoder's input: ${names}, or a preprocessor_config.json; one beside an .onnx is read by itself`,
      ),
    )
    .option('--pooled-output <name>', 'ONNX: the output that is the vector')
    .option('--grid-output <name>', 'ONNX: the output that is the grid')
    .option(
      '--register-tokens <count>',
      'ONNX: tokens between the class token and those of the places',
      wholeNumber,
    );
}

/**
 * Opens the encoder of `--encoder` and says how photos become its input, where its file does not.
 * @throws UsageError for a preprocessing that is neither known nor a file; otherwise as `openEncoder`.
 */
export async function openGivenEncoder(path: string, flags: EncoderFlags): Promise<Encoder> {
  const encoder = await openEncoder(path, await encoderOptions(flags));
  if (isOnnxName(path) || flags.preprocessing !== undefined) {
    note(
      `${encoder.name} sees photos ${describePreprocessing(encoder.preprocessing)} (${await sourceOf(path, flags)})`,
    );
  }
  return encoder;
}

async function sourceOf(path: string, { preprocessing }: EncoderFlags): Promise<string> {
  if (preprocessing !== undefined) return `--preprocessing ${preprocessing}`;
  const beside = await preprocessingBeside(path);
  return beside
    ? `by ${beside.path}`
    : 'the default; --preprocessing says otherwise: see docs/encoders.md';
}

/** The flags as `openEncoder` takes them. @throws as `openGivenEncoder` */
export async function encoderOptions(flags: EncoderFlags): Promise<EncoderOptions> {
  const { preprocessing, pooledOutput: pooled, gridOutput: grid, registerTokens } = flags;
  return {
    ...(preprocessing !== undefined && { preprocessing: await preprocessingOf(preprocessing) }),
    ...(pooled !== undefined && { pooled }),
    ...(grid !== undefined && { grid }),
    ...(registerTokens !== undefined && { registerTokens }),
  };
}

async function preprocessingOf(text: string): Promise<Preprocessing | PreprocessingName> {
  const name = preprocessingNames.find((known) => known === text);
  if (name) return name;
  if (existsSync(text)) return readPreprocessing(text);
  throw new UsageError(
    `--preprocessing ${text}: is neither a file nor one of ${names}: name a preprocessor_config.json, or one of these`,
  );
}

/** Where it is known already how an encoder is used, flags about it are refused. @throws UsageError */
export function refuseEncoderFlags(flags: EncoderFlags, reason: string): void {
  const given = Object.entries({
    '--preprocessing': flags.preprocessing,
    '--pooled-output': flags.pooledOutput,
    '--grid-output': flags.gridOutput,
    '--register-tokens': flags.registerTokens,
  }).find(([, value]) => value !== undefined);
  if (given) throw new UsageError(`${given[0]}: ${reason}: leave ${given[0]} out`);
}
