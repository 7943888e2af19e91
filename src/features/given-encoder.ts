/** The network of `--encoder`: what may be said of how it is used, and opening it so. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
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

const names = preprocessingNames.join(', ');
const needs = { encoder: true };

/** How an encoder is used, where its own file does not say it. */
export const encoderUseSchema = z.object({
  preprocessing: z
    .string()
    .optional()
    .meta({
      flag: '--preprocessing <name or file>',
      help: `how photos become the encoder's input: ${names}, or a preprocessor_config.json; one beside an .onnx is read by itself`,
      needs,
    }),
  pooledOutput: z
    .string()
    .optional()
    .meta({ flag: '--pooled-output <name>', help: 'ONNX: the output that is the vector', needs }),
  gridOutput: z
    .string()
    .optional()
    .meta({ flag: '--grid-output <name>', help: 'ONNX: the output that is the grid', needs }),
  registerTokens: z.int().min(0).optional().meta({
    flag: '--register-tokens <count>',
    help: 'ONNX: tokens between the class token and those of the places',
    needs,
  }),
});
export type EncoderUse = z.input<typeof encoderUseSchema>;

/**
 * Opens an encoder and says how photos become its input, where its file does not.
 * @throws UsageError for a preprocessing that is neither known nor a file; otherwise as `openEncoder`.
 */
export async function openGivenEncoder(
  path: string,
  use: EncoderUse,
  note: (text: string) => void,
): Promise<Encoder> {
  const encoder = await openEncoder(path, await encoderOptions(use));
  if (isOnnxName(path) || use.preprocessing !== undefined) {
    note(
      `${encoder.name} sees photos ${describePreprocessing(encoder.preprocessing)} (${await sourceOf(path, use)})`,
    );
  }
  return encoder;
}

async function sourceOf(path: string, { preprocessing }: EncoderUse): Promise<string> {
  if (preprocessing !== undefined) return `--preprocessing ${preprocessing}`;
  const beside = await preprocessingBeside(path);
  return beside
    ? `by ${beside.path}`
    : 'the default; --preprocessing says otherwise: see docs/encoders.md';
}

/** The same as `openEncoder` takes it. @throws as `openGivenEncoder` */
export async function encoderOptions(use: EncoderUse): Promise<EncoderOptions> {
  const { preprocessing, pooledOutput: pooled, gridOutput: grid, registerTokens } = use;
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

/** Where it is known already how an encoder is used, nothing may be said of it. @throws UsageError */
export function refuseEncoderUse(use: EncoderUse, reason: string): void {
  const given = Object.entries({
    '--preprocessing': use.preprocessing,
    '--pooled-output': use.pooledOutput,
    '--grid-output': use.gridOutput,
    '--register-tokens': use.registerTokens,
  }).find(([, value]) => value !== undefined);
  if (given) throw new UsageError(`${given[0]}: ${reason}: leave ${given[0]} out`);
}
