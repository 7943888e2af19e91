/** What zod found wrong, as a sentence: the field, what it must be, and what it is. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/**
 * What is wrong first, on one line: `classes: must be at least 2, not 1 (and 2 more)`. A hostile file
 * can have thousands of mistakes; one is enough to refuse it.
 * @param value what was looked at.
 */
export function firstIssue({ issues: [first, ...others] }: z.ZodError, value: unknown): string {
  if (!first) return 'is not as it must be';
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  const field = first.path.length > 0 ? `${first.path.map(String).join('.')}: ` : '';
  const found = valueAt(value, first.path);
  const is = found === undefined || saysAll(first) ? '' : `, not ${shown(found)}`;
  return `${field}${requirement(first, found)}${is}${more}`;
}

/** What is asked of a value: `must be at least 2`, `is missing`. */
export function requirement(issue: Issue, found: unknown): string {
  if (found === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) {
    return 'is missing';
  }
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'above', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'below', issue.maximum);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `has no place for ${issue.keys.map(shown).join(', ')}`;
    case 'invalid_union':
      return anyOf(issue.errors, found);
    default:
      // Our own words, where there are some.
      return issue.message.startsWith('Invalid') ? 'is not of the form it must be' : issue.message;
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'an object',
  record: 'an object',
  map: 'an object',
  null: 'null',
};

const counted: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'entries',
  set: 'entries',
  map: 'entries',
  object: 'entries',
};

function bound(origin: string, comparison: string, limit: number | bigint): string {
  const what = counted[origin];
  if (what === undefined) return `must be ${comparison} ${limit}`;
  if (comparison === 'at least' && limit === 1) return 'must not be empty';
  return `must have ${comparison} ${limit} ${what}`;
}

/** What each of several forms asks for; of one that fits but inside, what is wrong inside. */
function anyOf(forms: readonly (readonly Issue[])[], found: unknown): string {
  const inside = forms.flatMap((issues) => issues.filter(({ path }) => path.length > 0))[0];
  if (inside) {
    const value = valueAt(found, inside.path);
    return `is wrong at ${inside.path.map(String).join('.')}, which ${requirement(inside, value)}`;
  }
  const asked = forms.flatMap(([first]) => (first ? [requirement(first, found)] : []));
  return [...new Set(asked)].join(' or ').replaceAll(' or must be ', ' or ');
}

/** Whether a requirement names what it is about by itself. */
function saysAll({ code }: Issue): boolean {
  return code === 'unrecognized_keys' || code === 'custom';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** A value that was given, in short. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
