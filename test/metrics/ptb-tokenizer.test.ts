import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEXER_RULES, Lexer } from '@/metrics/ptb-lexer.js';
import { ptbTokenize, ptbTokens } from '@/metrics/ptb-tokenizer.js';

/** Tokens as a list with one space between, a no-break space inside a token shown as "_". */
const tokens = (caption: string) => ptbTokens(caption).join(' ').replaceAll('\u00A0', '_');
const words = (caption: string) => ptbTokenize(caption).join(' ').replaceAll('\u00A0', '_');

describe("the tokens that CoreNLP's own tests expect", () => {
  // The captions of PTBTokenizerTest.java; 3.4.1 keeps British spelling, / and * as they are.
  test.each([
    ['This is a sentence.', 'This is a sentence .'],
    [
      'U.S. insurance: Conseco acquires Kemper Corp.  U.S insurance',
      'U.S. insurance : Conseco acquires Kemper Corp. . U.S insurance',
    ],
    [
      'Based in Eugene,Ore., PakTech needs Sydney-based Creative Pack Pty. Ltd. went into it.',
      'Based in Eugene , Ore. , PakTech needs Sydney-based Creative Pack Pty. Ltd. went into it .',
    ],
    ['The Iron Age (ca. 1300 – ca. 300 BC).', 'The Iron Age -LRB- ca. 1300 -- ca. 300 BC -RRB- .'],
    ['Indo\u00ADnesian ship\u00ADping \u00AD', 'Indonesian shipping -'],
    ["Gimme a phone, I'm gonna call.", "Gim me a phone , I 'm gon na call ."],
    [
      '"John & Mary\'s dog," Jane thought (to herself). "What a #$%! a- ``I like AT&T\'\'."',
      "`` John & Mary 's dog , '' Jane thought -LRB- to herself -RRB- . `` What a # $ % ! a - `` I like AT&T '' . ''",
    ],
    ['I said at 4:45pm.', 'I said at 4:45 pm .'],
    [
      `I can't believe they wanna keep 40% of that." \`\`Whatcha think?'' "I don't --- think so...,"`,
      "I ca n't believe they wan na keep 40 % of that . '' `` Whatcha think ? '' `` I do n't -- think so ... , ''",
    ],
    [
      "You `paid' US$170,000?! You should've paid only$16.75.",
      "You ` paid ' US$ 170,000 ?! You should 've paid only $ 16.75 .",
    ],
    [
      '1. Buy a new Chevrolet (37%-owned in the U.S..) . 15%',
      '1 . Buy a new Chevrolet -LRB- 37 % - owned in the U.S. . -RRB- . 15 %',
    ],
    [
      "I like you ;-) but do you care :(. I'm happy ^_^ but shy (x.x)!",
      "I like you ;--RRB- but do you care :-LRB- . I 'm happy ^_^ but shy -LRB-x.x-RRB- !",
    ],
    [
      "Diamond (``Not even the chair'') lives near Udaipur (84km). {1. A potential Palmer trade:}",
      "Diamond -LRB- `` Not even the chair '' -RRB- lives near Udaipur -LRB- 84km -RRB- . -LCB- 1 . A potential Palmer trade : -RCB-",
    ],
    ['No. I like No. 24 and no.47.', 'No . I like No. 24 and no. 47 .'],
    [
      '(% time <pH 4) was similar (19.2% v 19.3% p>0.05) [51].',
      '-LRB- % time < pH 4 -RRB- was similar -LRB- 19.2 % v 19.3 % p > 0.05 -RRB- -LSB- 51 -RSB- .',
    ],
    ['with tiotropium/olodaterol 5/2 μg', 'with tiotropium/olodaterol 5/2 μg'],
    ["Sanyo products aren't.", "Sanyo products are n't ."],
    ['  This     is     a      colourful sentence.    ', 'This is a colourful sentence .'],
    ['Hi! <foo bar="baz xy = 422" > Hi!', 'Hi ! <foo_bar="baz_xy_=_422"_> Hi !'],
  ])('%s', (caption, expected) => {
    expect(tokens(caption)).toBe(expected);
  });
});

describe('captions', () => {
  test.each([
    // Contractions and possessives, with either apostrophe.
    ["The dogs don't, won't and can’t.", "the dogs do n't wo n't and ca n't"],
    ["it's a man's, the dogs' toys", "it 's a man 's the dogs toys"],
    ["they're we've I'll I'd I'm", "they 're we 've i 'll i 'd i 'm"],
    ['He cannot, is gonna, Lemme!', 'he can not is gon na lem me'],
    ["rock 'n' roll at five o'clock, y'all", "rock 'n' roll at five o'clock y' all"],
    ["a '57 Chevy from the '80s and 1990's", "a '57 chevy from the '80s and 1990 's"],
    // Hyphens, slashes, dashes.
    ['A 10-year-old in a t-shirt', 'a 10-year-old in a t-shirt'],
    ['black/white and/or 1/2', 'black/white and/or 1/2'],
    ['black - white – grey—blue -- red', 'black white grey blue red'],
    ['80,000-man crowd, U.S.-made', '80,000-man crowd u.s.-made'],
    // Quotes, brackets, dots.
    ['A sign says "STOP" and \'go\'', 'a sign says stop and go'],
    ['A “quoted” ‘word’', 'a quoted word'],
    [
      'A man (left) and [right] {both}',
      'a man -lrb- left -rrb- and -lsb- right -rsb- -lcb- both -rcb-',
    ],
    ['Wait... what… . . .', 'wait what'],
    ['What?! No!! Yes?', 'what ?! no !! yes'],
    // Abbreviations; a letter before the full stop keeps it.
    ['Mr. Smith in the U.S. at 5 a.m. with Dr. No.', 'mr. smith in the u.s. at 5 a.m. with dr. no'],
    ['St. Bernard sits on a.', 'st. bernard sits on a.'],
    // Numbers, money, symbols.
    ['3 dogs, 1,000.5 cats, 5 1/2 feet, ½ cup', '3 dogs 1,000.5 cats 5_1/2 feet 1/2 cup'],
    ['$5 £3 €2 20% #1', '$ 5 # 3 $ 2 20 % # 1'],
    ['a & b, AT&T, H&M', 'a & b at&t h&m'],
    ['<UNK> dog <unk>', '<unk> dog <unk>'],
    // Spelling stays as it is, and so do / and *.
    ['Grey and gray colours near the theatre', 'grey and gray colours near the theatre'],
    ['http://a.org/b 10/11/2014 a * b / **', 'http://a.org/b 10/11/2014 a * b / **'],
    // Joined words, either apostrophe; names with digits, dots and signs.
    ["'Tis, ’tis, 'twas and 'Twasn't", "'t is ’t is 't was and 't was n't"],
    ['C# and C++, f# or c+', 'c# and c++ f# or c +'],
    ['A Ph.D., a Ph. D. and an Ed.D.', 'a ph.d. a ph. d. and an ed.d.'],
    ['ball.x2 FEV1.a2 2x4 x2.5', 'ball.x2 fev1.a2 2x4 x2 .5'],
    ['see img001.jpg, 7.tar.gz and 7.q', 'see img001.jpg 7.tar.gz and 7 q'],
    ['Yahoo! sells E! today! Really!', 'yahoo! sells e! today really'],
    ['#dog.cat @me_2 <a@b.org> it`s didn`t', '#dog cat @me_2 <a@b.org> it s did n`t'],
    // A smiley before a letter or a digit is none.
    [':)5 :D5 :) :-(.', '-rrb- 5 d5 :-rrb- :--lrb-'],
    ['a ==> b (^-^)', 'a == > b -lrb-^-^-rrb-'],
    // A letter before a new sentence gives its dot up; states and firms keep theirs.
    ['vitamin C. The dog', 'vitamin c the dog'],
    ['Az. and Ct. Bldg. 5, the la. in LA', 'az. and ct. bldg. 5 the la in la'],
    // What the lexer does not know is dropped.
    ['a dog😀runs \u0001 fast', 'a dog runs fast'],
    // Languages without spaces; divided by hand they stay so.
    ['一只狗，在草地上跑。', '一只 狗 在 草地 上 跑'],
    ['一 只 狗 在 草地上 跑 。', '一 只 狗 在 草地上 跑'],
    ['「犬」が公園で走る', '犬 が 公園 で 走る'],
    ['สุนัขวิ่งบนหญ้า', 'สุนัข วิ่ง บน หญ้า'],
    ['Ein Mädchen fährt', 'ein mädchen fährt'],
    ['', ''],
    [' . , ', ''],
    ['two\nlines\r\nand\u2028three', 'two lines and three'],
  ])('%s', (caption, expected) => {
    expect(words(caption)).toBe(expected);
  });
});

const pieces = fc.constantFrom(
  ...[
    "don't",
    "it's",
    'U.S.',
    'Mr.',
    'a',
    'A',
    'cannot',
    'grey',
    'n',
    't',
    "'",
    '"',
    '.',
    ',',
    '-',
  ],
  ...[' ', ' ', ' ', '/', '&', '1', '23', '(', ')', '$', ':', '!', '?', '`', '’', '“', '<', '>'],
  ...[
    '_',
    '@',
    '#',
    'o',
    'Co',
    'com',
    'http://',
    'www',
    '½',
    'é',
    '\u00A0',
    '\u00AD',
    '%',
    '*',
    's',
  ],
  ...['<!a', 'www.', '.jpg', '+', '\uFFFF', 'etc.', '='],
);
const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));

describe('for any text', () => {
  test('every rule takes the longest that its pattern can match', () => {
    const wholes = LEXER_RULES.map(({ pattern }) => new RegExp(`^(?:${pattern.source})$`, 'u'));
    fc.assert(
      fc.property(texts, (text) => {
        const line = `${text}\n`;
        for (const [index, { name, pattern }] of LEXER_RULES.entries()) {
          pattern.lastIndex = 0;
          const taken = pattern.exec(line)?.[0].length ?? 0;
          let longest = line.length;
          while (longest > 0 && !wholes[index]?.test(line.slice(0, longest))) longest--;
          expect(`${name}: ${taken}`).toBe(`${name}: ${longest}`);
        }
      }),
      { seed: 4, numRuns: 3000 },
    );
  });

  test('where a rule fails, it fails in all that it ran through', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const line = `${text}\n`;
        for (const { name, pattern, run } of LEXER_RULES) {
          if (run === undefined) continue;
          run.lastIndex = 0;
          const end = run.exec(line)?.[0].length ?? 0;
          const found = Array.from({ length: end }, (_, position) => {
            pattern.lastIndex = position;
            return pattern.test(line);
          });
          expect(`${name}: ${found[0] || !found.includes(true)}`).toBe(`${name}: true`);
        }
      }),
      { seed: 7, numRuns: 3000 },
    );
  });

  test('rules left out at a position would not have matched there', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const line = `${text}\n`;
        const lexer = new Lexer(line);
        for (let position = 0; position < line.length; ) {
          let longest = -1;
          let best = '';
          for (const { name, pattern } of LEXER_RULES) {
            pattern.lastIndex = position;
            const length = pattern.exec(line)?.[0].length ?? -1;
            if (length > longest) [longest, best] = [length, name];
          }
          const { rule, next } = lexer.at(position);
          expect(rule).toBe(best);
          position = next;
        }
      }),
      { seed: 8, numRuns: 3000 },
    );
  });

  // With the square of the length, each of these would take hours.
  test.each([
    ['a,', 1],
    ['😀', 0],
    ['1.a.', 2],
    ['www.+', 2],
    ['<!a ', 2],
    ['etc. <!a ', 3],
    ['a,@ ', 2],
    ["n't", 1],
  ])('a caption of 250,000 characters: %s', (part, tokensEach) => {
    const times = Math.floor(250_000 / part.length);
    const found = ptbTokenize(part.repeat(times)).length;
    expect(Math.abs(found - times * tokensEach)).toBeLessThanOrEqual(2);
  });

  test('the short way for plain words gives what the rules give', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const line = `${text}\n`;
        const lexer = new Lexer(line);
        const byRules: string[] = [];
        for (let position = 0; position < line.length; ) {
          const { token, next } = lexer.at(position);
          if (token !== undefined) byRules.push(token);
          expect(next).toBeGreaterThan(position);
          position = next;
        }
        expect(ptbTokens(text)).toEqual(byRules);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  test('no token is empty or holds a plain space', () => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.string({ unit: 'binary' })), (text) => {
        for (const token of ptbTokenize(text)) expect(token).toMatch(/^[^ \n]+$/);
      }),
      { seed: 6, numRuns: 1000 },
    );
  });
});
