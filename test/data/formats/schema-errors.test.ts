import { expect, test } from 'vitest';
import { z } from 'zod';
import { firstIssue } from '@/data/formats/schema-errors.js';

/** What is said of a value that a schema refuses. */
function said(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  return error ? firstIssue(error, value) : 'nothing';
}

test.each([
  [z.object({ classes: z.int().min(2) }), { classes: 1 }, 'classes: must be at least 2, not 1'],
  [z.object({ rate: z.number().positive() }), { rate: -0.5 }, 'rate: must be above 0, not -0.5'],
  [z.object({ share: z.number().lt(1) }), { share: 1 }, 'share: must be below 1, not 1'],
  [z.object({ share: z.number().max(1) }), { share: 2 }, 'share: must be at most 1, not 2'],
  [z.object({ size: z.int() }), { size: 2.5 }, 'size: must be a whole number, not 2.5'],
  [z.object({ size: z.int() }), { size: '8' }, 'size: must be a number, not "8"'],
  [z.object({ size: z.int() }), {}, 'size: is missing'],
  [z.object({ name: z.string().min(1) }), { name: '' }, 'name: must not be empty, not ""'],
  [z.object({ tied: z.boolean() }), { tied: null }, 'tied: must be true or false, not null'],
  [z.enum(['rnn', 'lstm']), 'x'.repeat(99), `must be one of rnn, lstm, not "${'x'.repeat(60)}…"`],
  [z.literal('bytes'), 'bits', 'must be bytes, not "bits"'],
  [z.array(z.int()).max(2), [1, 2, 3], 'must have at most 2 entries, not a list of 3'],
  [z.tuple([z.int(), z.int()]), [1], 'must have at least 2 entries, not a list of 1'],
  [z.object({ a: z.object({}) }), { a: [] }, 'a: must be an object, not a list of 0'],
  [z.strictObject({ dev: z.string() }), { dev: '', bogus: '1' }, 'has no place for "bogus"'],
  [z.union([z.string(), z.array(z.string())]), 3, 'must be a text or a list, not 3'],
  [
    z.union([z.string(), z.array(z.string())]),
    ['a', 3],
    'is wrong at 1, which must be a text, not a list of 2',
  ],
  [z.string().regex(/^a/, 'must begin with an a'), 'b', 'must begin with an a, not "b"'],
  [z.string().regex(/^a/), 'b', 'is not of the form it must be, not "b"'],
  [z.array(z.int()), ['a', 'b', 'c'], '0: must be a number, not "a" (and 2 more)'],
])('a schema that refuses says why: %#', (schema, value, sentence) => {
  expect(said(schema, value)).toBe(sentence);
});
