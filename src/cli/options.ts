import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { LARGEST_SIDE } from '../data/pictures/preprocessing.js';
import { squeezenetModules } from '../models/encoders/squeezenet.js';

/** A parser of a flag's value for commander, from a zod schema: its message names what is wrong. */
function parser<T>(schema: z.ZodType<T>): (text: string) => T {
  return (text) => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    const result = schema.safeParse(number);
    if (result.success) return result.data;
    throw new InvalidArgumentError(result.error.issues[0]?.message ?? 'invalid');
  };
}

export const positiveInteger = parser(z.int('must be a whole number').positive('must be above 0'));
/** As wide as a network's input may be, see `parsePreprocessing`. */
export const pictureSide = parser(
  z
    .int('must be a whole number')
    .min(8, 'must be at least 8')
    .max(LARGEST_SIDE, `must be at most ${LARGEST_SIDE}`),
);
export const wholeNumber = parser(z.int('must be a whole number').min(0, 'must not be negative'));
export const positiveNumber = parser(z.number('must be a number').positive('must be above 0'));
export const notNegative = parser(z.number('must be a number').min(0, 'must not be negative'));
export const share = parser(
  z.number('must be a number').min(0, 'must not be negative').lt(1, 'must be below 1'),
);
export const shareOrAll = parser(
  z.number('must be a number').min(0, 'must not be negative').max(1, 'must be at most 1'),
);
export const factor = parser(
  z.number('must be a number').positive('must be above 0').max(1, 'must be at most 1'),
);

/** `from=features.9`: the name of the module of SqueezeNet that training begins with. */
export function fromModule(text: string): string {
  const [setting, name = ''] = text.split('=');
  if (setting === 'from' && squeezenetModules.includes(name) && text === `from=${name}`)
    return name;
  throw new InvalidArgumentError(
    `must be from= and one of SqueezeNet's modules: ${squeezenetModules.join(', ')}`,
  );
}
