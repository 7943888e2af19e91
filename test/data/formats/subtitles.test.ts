import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cue, subtitleDocument, subtitleFormats } from '@/data/formats/subtitles.js';

const whole = (format: 'vtt' | 'srt', cues: readonly Cue[]) => {
  const { start, cue } = subtitleDocument(format);
  return start + cues.map((one, index) => cue(one, index)).join('');
};

test('WebVTT as it stands in a file', () => {
  const cues = [
    { from: 0, to: 2, text: 'wave1 (98.2 %)' },
    { from: 2, to: 3723.4567, text: 'a < b & c --> d\r\n\r\n  two lines ' },
  ];
  expect(whole('vtt', cues)).toBe(
    'WEBVTT\n\n' +
      '00:00:00.000 --> 00:00:02.000\nwave1 (98.2 %)\n\n' +
      '00:00:02.000 --> 01:02:03.457\na &lt; b &amp; c --&gt; d\ntwo lines\n\n',
  );
});

test('SubRip as it stands in a file', () => {
  const cues = [
    { from: 59.9996, to: 61, text: '<i> & --> x' },
    { from: 360_000, to: 360_000.001, text: '' },
  ];
  expect(whole('srt', cues)).toBe(
    '1\n00:01:00,000 --> 00:01:01,000\n<i> & → x\n\n' +
      '2\n100:00:00,000 --> 100:00:00,001\n\u00a0\n\n',
  );
});

describe.each(subtitleFormats)('%s', (format) => {
  const { cue } = subtitleDocument(format);

  test.each([
    [-0.001, 1],
    [1, 1],
    [2, 1],
    [1, 1.0004],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses a cue from %d to %d', (from, to) => {
    expect(() => cue({ from, to, text: 'x' }, 0)).toThrow(/"x" from .* cannot be shown/);
  });

  test('what is written is read again by the rules of the format', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.constantFrom('-->', '\n', '\r', '<b>', '&amp;', '7', ' ', '\u2028')).map(joined),
    );
    const cues = fc.array(fc.tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }), texts));
    fc.assert(
      fc.property(cues, (given) => {
        const written = given.map(([from, length, text]) => {
          return { from: from / 1000, to: (from + length) / 1000, text };
        });
        const read = parsed(format, whole(format, written));
        expect(read.map(({ from, to }) => [from, to])).toEqual(
          given.map(([from, length]) => [from, from + length]),
        );
        for (const [index, { text }] of read.entries()) {
          const meant = plain(written[index]?.text ?? '');
          expect(plain(text)).toBe(format === 'srt' ? meant.replaceAll('-->', '→') : meant);
        }
      }),
    );
  });
});

function joined(parts: readonly string[]): string {
  return parts.join('');
}

/** A text without what no subtitle keeps: how it is broken and spaced, and control characters. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\s\u0085]+/gu, ' ').trim();
}

/** Cues, by the grammar of each format: blocks between empty lines; times in milliseconds. */
function parsed(format: 'vtt' | 'srt', document: string) {
  const blocks = document.split('\n\n');
  expect(blocks.pop()).toBe('');
  if (format === 'vtt') expect(blocks.shift()).toBe('WEBVTT');
  return blocks.map((block, index) => {
    const lines = block.split('\n');
    if (format === 'srt') expect(lines.shift()).toBe(String(index + 1));
    const point = format === 'vtt' ? '\\.' : ',';
    const clock = `(\\d{2,}):([0-5]\\d):([0-5]\\d)${point}(\\d{3})`;
    const [, ...numbers] = new RegExp(`^${clock} --> ${clock}$`).exec(lines.shift() ?? '') ?? [];
    const [h = 0, m = 0, s = 0, ms = 0, h2 = 0, m2 = 0, s2 = 0, ms2 = 0] = numbers.map(Number);
    const text = lines.join('\n');
    expect(text).not.toMatch(format === 'vtt' ? /-->|[<>]|&(?!amp;|lt;|gt;)/ : /-->/);
    expect(text).not.toBe('');
    return {
      from: ((h * 60 + m) * 60 + s) * 1000 + ms,
      to: ((h2 * 60 + m2) * 60 + s2) * 1000 + ms2,
      text:
        format === 'srt'
          ? text
          : text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    };
  });
}
