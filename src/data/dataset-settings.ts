/** How a dataset is named in one text: its format, a file or folder, and settings, `coco:photos,dev=0.2`. */
import { z } from 'zod';
import type { UsageError } from '../errors.js';
import { firstIssue } from './formats/schema-errors.js';

/** A setting that counts: at most nine digits. */
export const countSetting = z
  .string()
  .regex(/^\d{1,9}$/, 'must be an integer of 0 or more')
  .transform(Number);

/** A setting that is a share of a set, from 0 to 1. */
export const shareSetting = z.coerce
  .number('must be a share')
  .min(0)
  .lt(1, 'must be a share below 1');

/** The settings of a set that is divided by a seed. */
export const splitSettings = {
  dev: shareSetting.optional(),
  test: shareSetting.optional(),
  seed: countSetting.optional(),
};

const SETTINGS = /^(.*?)((?:,[a-z]+=[^,]*)*)$/s;

/** `<path>,key=value,...` without its settings. */
export function withoutSettings(rest: string): string {
  return SETTINGS.exec(rest)?.[1] ?? rest;
}

/**
 * The parts of `<path>,key=value,...`.
 * @param refusal makes the error of a reason.
 * @throws the refusal, when there is no path or a setting is not what `schema` says.
 */
export function readSettings<T>(
  rest: string,
  schema: z.ZodType<T>,
  refusal: (reason: string) => UsageError,
): { path: string; settings: T } {
  const [, path = '', list = ''] = SETTINGS.exec(rest) ?? [];
  if (path === '') throw refusal('The file or folder is missing after the colon.');
  const pairs = list
    .split(',')
    .slice(1)
    .map((setting) => setting.split('='));
  const settings: Record<string, unknown> = {};
  for (const [key = '', value = ''] of pairs) settings[key] = value;
  const result = schema.safeParse(settings);
  if (!result.success) throw refusal(`${rest}: ${firstIssue(result.error, settings)}.`);
  return { path, settings: result.data };
}

/** The word before the colon, and what follows: one letter alone would be a Windows drive. */
export function splitSpecification(specification: string): { name?: string; rest: string } {
  const [, name, rest] = /^([A-Za-z][\w-]+):(.*)$/s.exec(specification) ?? [];
  return name === undefined || rest === undefined ? { rest: specification } : { name, rest };
}
