import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { joinUnspaced, tokenize } from '@/data/text/tokenize.js';
import {
  END_INDEX,
  NULL_INDEX,
  START_INDEX,
  UNKNOWN_INDEX,
  Vocabulary,
} from '@/data/text/vocabulary.js';
import { FormatError, MissingDependencyError, ValueError } from '@/errors.js';

describe('tokenize', () => {
  test.each<[string, string[]]>([
    ['A child in a pink dress .', ['a', 'child', 'in', 'a', 'pink', 'dress']],
    ["A man's dog", ['a', 'man', "'s", 'dog']],
    ["A man 's dog", ['a', 'man', "'s", 'dog']],
    ['A man’s dog', ['a', 'man', "'s", 'dog']],
    ["it's five o'clock, don't go!", ['it', "'s", 'five', "o'clock", "don't", 'go']],
    ["'slide' the tikes' (red) T-shirt -- ok", ['slide', 'the', 'tikes', 'red', 't-shirt', 'ok']],
    ['Ein Mädchen fährt 2 Räder', ['ein', 'mädchen', 'fährt', '2', 'räder']],
    ['E\u0301te\u0301', ['été']],
    ['一个 人', ['一个', '人']],
    ['"Hello,world";#5 & <START>', ['hello', 'world', '5', 'start']],
    [' \t\n', []],
    ['', []],
    // Written without spaces: words of one character or of several.
    ['狗。', ['狗']],
    ['一只狗，在草地上跑！', ['一只', '狗', '在', '草地', '上', '跑']],
    ['犬が公園で走る', ['犬', 'が', '公園', 'で', '走る']],
    ['สุนัขวิ่งบนหญ้า', ['สุนัข', 'วิ่ง', 'บน', 'หญ้า']],
    ['ໝາແລ່ນ', ['ໝາ', 'ແລ່ນ']],
    ['ឆ្កែរត់', ['ឆ្កែ', 'រត់']],
    ['ခွေးသည်မြက်ပေါ်တွင်ပြေးနေသည်', ['ခွေး', 'သည်', 'မြက်', 'ပေါ်', 'တွင်', 'ပြေး', 'နေသည်']],
    // A space between phrases divides no words; Latin letters and digits stand by themselves.
    ['สุนัขวิ่งบนหญ้า เด็กนั่ง', ['สุนัข', 'วิ่ง', 'บน', 'หญ้า', 'เด็ก', 'นั่ง']],
    ['２个男人穿着T-shirt和NBA衣服', ['２', '个', '男人', '穿着', 't-shirt', '和', 'nba', '衣服']],
    // Divided by hand already: by characters, or otherwise than the segmenter would.
    ['一 只 狗 在 草地上 跑', ['一', '只', '狗', '在', '草地上', '跑']],
    ['T恤 的\u3000男人', ['t恤', '的', '男人']],
    ['ឆ្កែ\u200Bរត់\u200Bនៅលើ', ['ឆ្កែ', 'រត់', 'នៅលើ']],
  ])('%j', (caption, words) => expect(tokenize(caption)).toEqual(words));

  test('tokens joined by spaces are the same tokens, whatever the text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom("'s", "'", '-', 'Dog', 's', ' ', "n't", 'É'),
      fc.constantFrom(
        '一只狗',
        '在草地上跑',
        'テレビ',
        'สุนัข',
        'วิ่งบนหญ้า',
        '，',
        ' ',
        '一 只',
        '\u{20000}',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const tokens = tokenize(pieces.join(''));
        expect(tokenize(tokens.join(' '))).toEqual(tokens);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  test('a long line of one kind takes no long time', () => {
    expect(tokenize("'".repeat(200_000))).toEqual([]);
    expect(tokenize("a'".repeat(100_000)).length).toBe(1);
    // The segmenter's own time grows with the square: this would take minutes at once.
    expect(tokenize('一只狗在草地上跑'.repeat(10_000)).length).toBe(60_000);
  });

  test('without a segmenter only what needs it is refused', async () => {
    vi.stubGlobal('Intl', { ...Intl, Segmenter: undefined });
    try {
      expect(tokenize('Ein Mädchen, 2 кошки')).toEqual(['ein', 'mädchen', '2', 'кошки']);
      expect(() => tokenize('一只狗')).toThrow(MissingDependencyError);
      expect(() => tokenize('一只狗')).toThrow(/"一只狗".*Intl\.Segmenter.*by spaces/);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('a vocabulary of a language without spaces', () => {
  const captions = ['一只狗在草地上跑', '穿着T恤的男人'];
  const vocabulary = Vocabulary.build(captions.map(tokenize), { unspaced: true });
  const spoken = (words: Vocabulary, caption: string) =>
    words.decode(words.encode(words.tokenize(caption)));

  test('speaks without spaces, and says in a file what found its words', () => {
    const read = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
    expect(read.segmenter).toMatch(/^Intl\.Segmenter, ICU \d/);
    for (const caption of captions) expect(spoken(read, caption)).toBe(caption.toLowerCase());
  });

  test('without that entry, as in older files, spaces divide', () => {
    const { words } = vocabulary.toJSON();
    const older = Vocabulary.fromJSON({ words });
    expect(older.tokenize('一只狗')).toEqual(['一只狗']);
    expect(spoken(older, '一只 狗 在')).toBe('一只 狗 在');
    expect(older.toJSON()).toEqual({ words });
    expect(() => Vocabulary.fromJSON({ words, segmenter: 3 })).toThrow(FormatError);
  });

  test('words meet as their languages write them', () => {
    expect(joinUnspaced(['一只', 'dog', '和', '2', '只', 'big', 'cats', '<UNK>', '狗'])).toBe(
      '一只dog和2只big cats <UNK> 狗',
    );
    expect(joinUnspaced(['สุนัข', '2', 'ตัว', 'วิ่ง'])).toBe('สุนัข 2 ตัววิ่ง');
    expect(joinUnspaced(['a', 'dog'])).toBe('a dog');
  });
});

describe('Vocabulary', () => {
  const captions = ['a dog runs', 'a cat', 'a dog'].map(tokenize);
  const vocabulary = Vocabulary.build(captions);

  test('puts the special words first, then falling counts, then code units', () => {
    expect(vocabulary.toJSON().words).toEqual([
      '<NULL>',
      '<START>',
      '<END>',
      '<UNK>',
      'a',
      'dog',
      'cat',
      'runs',
    ]);
    expect(vocabulary.size).toBe(8);
    expect(Vocabulary.build(captions.toReversed()).toJSON()).toEqual(vocabulary.toJSON());
  });

  test('leaves rare words out', () => {
    const frequent = Vocabulary.build(captions, { minimumCount: 2 });
    expect(frequent.toJSON().words.slice(4)).toEqual(['a', 'dog']);
    expect(frequent.indexOf('cat')).toBe(UNKNOWN_INDEX);
    expect(frequent.has('cat')).toBe(false);
    expect(() => Vocabulary.build(captions, { minimumCount: 0 })).toThrow(ValueError);
  });

  test('encodes with start and end, pads, and cuts before the end', () => {
    const tokens = ['a', 'dog', 'flies'];
    expect([...vocabulary.encode(tokens)]).toEqual([START_INDEX, 4, 5, UNKNOWN_INDEX, END_INDEX]);
    expect([...vocabulary.encode(tokens, 7)]).toEqual([1, 4, 5, 3, 2, NULL_INDEX, NULL_INDEX]);
    expect([...vocabulary.encode(tokens, 4)]).toEqual([1, 4, 5, 2]);
    expect([...vocabulary.encode(tokens, 2)]).toEqual([1, 2]);
    expect([...vocabulary.encode([])]).toEqual([1, 2]);
    expect(() => vocabulary.encode(tokens, 1)).toThrow(ValueError);
  });

  test('decodes up to the end', () => {
    expect(vocabulary.decode([1, 4, 5, 2, 4, 99])).toBe('a dog');
    expect(vocabulary.decode(Int32Array.of(4, 0, 5))).toBe('a dog');
    expect(vocabulary.decode([])).toBe('');
    expect(() => vocabulary.decode([8])).toThrow(/index 8 .* 8 words/);
    expect(() => vocabulary.word(-1)).toThrow(ValueError);
    expect(() => vocabulary.word(4.5)).toThrow(ValueError);
    const possessive = tokenize("a man's dog");
    const own = Vocabulary.build([possessive]);
    expect(own.decode(own.encode(possessive))).toBe("a man's dog");
  });

  test('keeps words that objects treat in a special way', () => {
    const odd = Vocabulary.build([['__proto__', 'constructor', 'toString']]);
    expect(odd.decode(odd.encode(['toString', '__proto__']))).toBe('toString __proto__');
    expect(odd.indexOf('valueOf')).toBe(UNKNOWN_INDEX);
  });

  test('decode undoes encode for known words, at every length that holds them', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 8 });
    fc.assert(
      fc.property(words, fc.nat(5), (tokens, extra) => {
        const all = Vocabulary.build([tokens]);
        const encoded = all.encode(tokens, tokens.length + 2 + extra);
        expect(encoded.length).toBe(tokens.length + 2 + extra);
        expect(all.decode(encoded)).toBe(tokens.join(' '));
      }),
      { seed: 4 },
    );
  });

  test('survives JSON, and refuses what is no vocabulary', () => {
    const copy = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
    expect(copy.toJSON()).toEqual(vocabulary.toJSON());
    expect(copy.indexOf('cat')).toBe(6);
    const special = ['<NULL>', '<START>', '<END>', '<UNK>'];
    const bad: [unknown, RegExp][] = [
      [null, /^m\.json: a vocabulary must be/],
      [{ words: 'a' }, /must be an object/],
      [{ words: [1] }, /must be an object/],
      [{ words: ['<NULL>', 'a'] }, /word 1 must be <START>, not "a"/],
      [{ words: [...special, 'a', 'b', 'a'] }, /word 6 "a" is word 4 already/],
      [{ words: [...special, ''] }, /word 4 is empty/],
    ];
    for (const [json, message] of bad) {
      expect(() => Vocabulary.fromJSON(json, 'm.json')).toThrow(FormatError);
      expect(() => Vocabulary.fromJSON(json, 'm.json')).toThrow(message);
    }
  });
});
