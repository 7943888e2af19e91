import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captionDocument } from '@/cli/caption-formats.js';

/** A photo whose captions are given. */
function captioned(path: string, captions: readonly string[]) {
  const alternatives = captions.map((caption, index) => ({
    caption,
    logProbability: -1.5 - index,
    words: [{ word: caption, logProbability: -0.5, attention: Float32Array.of(1 / 3, 0.5) }],
  }));
  const [first = { caption: '', logProbability: 0, words: [] }] = alternatives;
  return { path, result: { ...first, alternatives } };
}

const style = {
  spell: (caption: string) => caption,
  key: 'image',
  named: true,
  attention: undefined,
};
const photos = fc.array(
  fc.tuple(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 })),
  { maxLength: 4 },
);

test('whatever photos are called and captions say, CSV and JSON give it back', () => {
  fc.assert(
    fc.property(photos, (all) => {
      const written = (format: 'csv' | 'json' | 'jsonl') => {
        const document = captionDocument(format, style);
        const entries = all.map(([photo, captions], index) =>
          document.entry(captioned(photo, captions), index),
        );
        return document.start + entries.join('') + document.end;
      };
      const rows: string[][] = parse(written('csv'));
      expect(rows.slice(1)).toEqual(
        all.flatMap(([photo, captions]) =>
          captions.map((caption, index) => [photo, caption, String(-1.5 - index)]),
        ),
      );
      const list: unknown[] = JSON.parse(written('json'));
      expect(list).toEqual(
        all.map(([image, captions]) => ({
          image,
          caption: captions[0],
          logProbability: -1.5,
          ...(captions.length > 1 && {
            alternatives: captions.map((caption, index) => ({
              caption,
              logProbability: -1.5 - index,
            })),
          }),
        })),
      );
      const lines = written('jsonl').split('\n').slice(0, -1);
      expect(lines.map((line) => JSON.parse(line))).toEqual(list);
    }),
    { seed: 15 },
  );
});

test('what was looked at is told word by word, in numbers that are short', () => {
  const attention = { form: 'weights', locations: [1, 2] } as const;
  const document = captionDocument('jsonl', { ...style, attention });
  expect(JSON.parse(document.entry(captioned('x', ['dog']), 0))).toEqual({
    image: 'x',
    caption: 'dog',
    logProbability: -1.5,
    words: [{ word: 'dog', logProbability: -0.5, attention: [0.333333, 0.5] }],
    attention,
  });
});

test('captions in text are shown; in JSON and CSV they are what they are', () => {
  const evil = 'dog \x1b[2J\nglimpse: all is well';
  const one = { caption: evil, logProbability: -1, words: [] };
  const captioned = { path: 'a\x1b[31m.png', result: { ...one, alternatives: [one] } };
  const style = {
    spell: (caption: string) => caption,
    key: 'image',
    named: true,
    attention: undefined,
  };
  const told = (format: Parameters<typeof captionDocument>[0]) =>
    captionDocument(format, style).entry(captioned, 0);
  expect(told('text')).toBe('a\\x1b[31m.png: dog \\x1b[2J\\nglimpse: all is well\n');
  expect(told('sidecar')).not.toContain('\x1b');
  expect(JSON.parse(told('jsonl'))).toMatchObject({ image: captioned.path, caption: evil });
  expect(told('csv')).toBe(`a\x1b[31m.png,"${evil}",-1\n`);
});
