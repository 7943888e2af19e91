import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText, percent, printable, printableLine } from '@/data/text/printable.js';

/** What no terminal may get from a stranger, by its code. */
function steers(code: number): boolean {
  const isControl = (code < 32 && code !== 9 && code !== 10) || (code >= 0x7f && code <= 0x9f);
  const turns = [0x61c, 0x200e, 0x200f].includes(code);
  return (
    isControl || turns || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
  );
}
const codesOf = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0);
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '\x9b', '\x07', '\r', '\n', '\u202e', '\u2066', '\u2028'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

test('escape sequences are shown', () => {
  expect(printable('a \x1b]0;title\x07dog\r\n\u202egnp.')).toBe(
    'a \\x1b]0;title\\x07dog\\x0d\n\\u202egnp.',
  );
  expect(printableLine('one\ntwo')).toBe('one\\ntwo');
  expect(printable('\tein Hündchen, 犬, ‍👩‍🚀 et\u00a0al.')).toBe(
    '\tein Hündchen, 犬, ‍👩‍🚀 et\u00a0al.',
  );
});

test('nothing that steers a terminal is left, and nothing else is touched', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(codesOf(printable(text)).filter(steers)).toEqual([]);
      if (!codesOf(text).some((code) => steers(code) || code === 0xfeff))
        expect(printable(text)).toBe(text);
      expect(printableLine(text)).not.toContain('\n');
    }),
  );
});

test('JSON says the same with more escapes', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const json = jsonText({ [text]: text });
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ [text]: text })));
      expect(codesOf(json).filter(steers)).toEqual([]);
    }),
  );
});

test('shares as percents, without zeros at the end', () => {
  expect([0.9784, 0.97, 0.97004, 1, 0].map((share) => percent(share))).toEqual([
    '97.8 %',
    '97 %',
    '97 %',
    '100 %',
    '0 %',
  ]);
  expect([percent(0.83333, 2), percent(0.5, 2), percent(0.126, 0)]).toEqual([
    '83.33 %',
    '50 %',
    '13 %',
  ]);
});
