import fc from 'fast-check';
import { expect, test } from 'vitest';
import { altText } from '@/tasks/captions/caption-text.js';

test.each([
  ['a dog runs', 'A dog runs.'],
  ["a man 's dog", "A man's dog."],
  ['the dogs ’s owner', 'The dogs’s owner.'],
  ["they do n't know i 'm here", "They don't know I'm here."],
  ['a t - shirt and a black-and-white dog', 'A t-shirt and a black-and-white dog.'],
  ['grass , water and a dog .', 'Grass, water and a dog.'],
  ['what is it ?', 'What is it?'],
  ['he says " go ! "', 'He says " go! "'],
  ['two dogs ( brown )', 'Two dogs (brown).'],
  ['i see what i-beams are', 'I see what i-beams are.'],
  ['  spaces   everywhere ', 'Spaces everywhere.'],
  ['a man with a hat ,', 'A man with a hat.'],
  ['éclairs on a table', 'Éclairs on a table.'],
  ['2 dogs', '2 dogs.'],
  ['3 - 2', '3-2.'],
  ['', ''],
  [' - ', ''],
])('%j is written %j', (caption, expected) => {
  expect(altText(caption)).toBe(expected);
});

test('what is a sentence already stays one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (caption) => {
      const once = altText(caption);
      expect(altText(once)).toBe(once);
    }),
    { seed: 14, numRuns: 300 },
  );
});
