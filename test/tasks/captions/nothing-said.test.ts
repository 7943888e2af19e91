import { expect, test } from 'vitest';
import { nothingSaid } from '@/tasks/captions/caption-text.js';

test.each([
  [[''], '1 of 1 captions is empty or the same few words again and again'],
  [['a dog', ' ', 'a a a a'], '2 of 3 captions are empty or the same few words again and again'],
  [['a dog', 'a dog', 'a dog'], 'all 3 photos have the same caption'],
  [['a dog', 'a dog'], undefined],
  [['a dog', 'a dog', 'a cat'], undefined],
  [['dog', 'bye bye', 'a man in a red shirt and a woman in a blue shirt'], undefined],
  [
    ['a dog a dog on a dog a dog'],
    '1 of 1 captions is empty or the same few words again and again',
  ],
  [[], undefined],
  // Spoken without spaces.
  [
    ['狗狗狗狗狗狗狗狗狗狗黑狗黑狗黑狗', '一只狗在草地上跑'],
    '1 of 2 captions is empty or the same few words again and again',
  ],
  [['หมาหมาหมาหมาหมาหมา'], '1 of 1 captions is empty or the same few words again and again'],
])('of %j: %s', (captions, said) => {
  expect(nothingSaid(captions, 'photos')).toBe(said);
});
