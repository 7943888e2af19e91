import { expect, test } from 'vitest';
import { nothingSaid } from '../../src/captioning/nothing-said.js';

test.each([
  [[''], '1 of 1 captions is empty or one word again and again'],
  [['a dog', ' ', 'a a a a'], '2 of 3 captions are empty or one word again and again'],
  [['a dog', 'a dog', 'a dog'], 'all 3 photos have the same caption'],
  [['a dog', 'a dog'], undefined],
  [['a dog', 'a dog', 'a cat'], undefined],
  [['dog', 'bye bye'], undefined],
  [[], undefined],
])('of %j: %s', (captions, said) => {
  expect(nothingSaid(captions)).toBe(said);
});
