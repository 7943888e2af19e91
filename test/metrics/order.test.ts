import { describe, expect, test } from 'vitest';
import { orderOf } from '@/metrics/order.js';

const reference = 'a small red circle moves left slowly, then a big blue square appears';
const turned = 'a big blue square appears after a small red circle moves left slowly';

/** What comes of one caption. */
function verdict(caption: string, ...references: string[]): string {
  const found = orderOf([caption], [references]);
  if (!found) return 'nothing to tell';
  return found.right === 1 ? 'right' : found.reversed === 1 ? 'reversed' : 'neither';
}

describe('the order of a caption', () => {
  test.each([
    [reference, 'right'],
    [turned, 'right'],
    ['a red circle moves, then a square appears', 'right'],
    // Wrongly named in part, but in order.
    ['a small green circle moves up quickly, then a big blue star appears', 'right'],
    ['a red circle before a blue square', 'right'],
    ['a big blue square appears, then a small red circle moves left slowly', 'reversed'],
    ['a red circle moves left after a blue square appears', 'reversed'],
    ['a blue square, then a red circle', 'reversed'],
    ['a small red circle moves left slowly', 'neither'],
    ['a red square moves and appears, then a red square moves and appears', 'neither'],
    ['', 'neither'],
  ])('%s: %s', (caption, expected) => {
    expect(verdict(caption, reference)).toBe(expected);
    expect(verdict(caption, turned)).toBe(expected);
    expect(verdict(caption, 'things happen', reference)).toBe(expected);
  });

  test('is not asked where no reference tells one', () => {
    expect(verdict(reference, 'a red circle moves left')).toBe('nothing to tell');
    expect(orderOf([], [])).toBeUndefined();
  });

  test('with things that have words in common', () => {
    const alike = 'a big red circle appears, then a big blue circle appears';
    expect(verdict('a big red circle appears, then a big blue circle appears', alike)).toBe(
      'right',
    );
    expect(verdict('a big blue circle appears, then a big red circle appears', alike)).toBe(
      'reversed',
    );
  });
});

test('is counted over clips', () => {
  const other = 'a red circle, then a blue square';
  const found = orderOf(
    ['a red circle, then a blue square', 'a blue square, then a red circle', 'a dog', 'a cat'],
    [[other], [other], [other], ['a cat sleeps']],
  );
  expect(found).toEqual({
    count: 3,
    right: 1,
    reversed: 1,
    rightShare: 1 / 3,
    reversedShare: 1 / 3,
  });
});
