/** Captions as they are written down: text, JSON, a JSON object a line, CSV, a file beside each photo or clip. */

import { jsonText, printableLine } from '../data/text/printable.js';
import type { FileCaption } from '../tasks/captioning.js';
import type { SpokenCaption } from '../tasks/captions/found.js';
import { microseconds } from './running.js';

/** How captions are written down. */
export const captionFormats = ['text', 'json', 'jsonl', 'csv', 'sidecar'] as const;
export type CaptionFormat = (typeof captionFormats)[number];

/** A photo or a clip, and what was said about it. */
export interface CaptionedFile {
  /** The file, as it was named. */
  readonly path: string;
  readonly result: FileCaption;
}

/** What is written of it. */
export interface CaptionStyle {
  /** How captions are spelt: as they are, or as sentences. */
  readonly spell: (caption: string) => string;
  /** What files are called in JSON and CSV: `image` or `clip`. */
  readonly key: string;
  /** In text, whether files are named. */
  readonly named: boolean;
  /** In JSON, each word with what was looked at, and what that is: if it is wanted. */
  readonly attention: object | undefined;
}

/** A document of captions, in pieces that can be written as soon as they are known. */
export interface CaptionDocument {
  readonly start: string;
  entry(captioned: CaptionedFile, index: number): string;
  readonly end: string;
}

/** Captions as a document. Sidecars are documents of one file: its captions, a line each. */
export function captionDocument(format: CaptionFormat, style: CaptionStyle): CaptionDocument {
  const { spell, key, named } = style;
  switch (format) {
    case 'text':
    case 'sidecar':
      return {
        start: '',
        entry: ({ path, result: { alternatives } }) => {
          const lines = alternatives.map(({ caption }) => spell(caption));
          const name = named ? `${path}: ` : '';
          return lines.map((line) => `${printableLine(`${name}${line}`)}\n`).join('');
        },
        end: '',
      };
    case 'json':
      return {
        start: '[',
        entry: (captioned, index) => `${index > 0 ? ',' : ''}\n${jsonOf(captioned, style)}`,
        end: '\n]\n',
      };
    case 'jsonl':
      return { start: '', entry: (captioned) => `${jsonOf(captioned, style)}\n`, end: '' };
    case 'csv':
      return {
        start: csvLine([key, 'caption', 'logProbability']),
        entry: ({ path, result: { alternatives } }) =>
          alternatives
            .map(({ caption, logProbability }) =>
              csvLine([path, spell(caption), String(logProbability)]),
            )
            .join(''),
        end: '',
      };
  }
}

/** A line as RFC 4180 has it, but that it ends as lines do elsewhere. */
function csvLine(fields: readonly string[]): string {
  const quoted = fields.map((field) =>
    /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${quoted.join(',')}\n`;
}

function jsonOf({ path, result }: CaptionedFile, style: CaptionStyle): string {
  return jsonText({ [style.key]: path, ...captionValue(result, style) });
}

/** What is known of a photo, a clip or a stretch of one, for programs. */
export function captionValue(
  { alternatives, seen, ...best }: FileCaption,
  style: Pick<CaptionStyle, 'spell' | 'attention'>,
): object {
  const told = (one: SpokenCaption) => spokenJson(one, style);
  return {
    ...told(best),
    ...(style.attention && {
      attention: style.attention,
      ...(seen && { seen: seen.map(microseconds) }),
    }),
    ...(alternatives.length > 1 && { alternatives: alternatives.map(told) }),
  };
}

function spokenJson(
  { caption, logProbability, words }: SpokenCaption,
  { spell, attention: wanted }: Pick<CaptionStyle, 'spell' | 'attention'>,
) {
  const told = words.map(({ word, logProbability, attention }) => ({
    word,
    logProbability,
    attention: attention && Array.from(attention, (value) => Number(value.toPrecision(6))),
  }));
  return { caption: spell(caption), logProbability, ...(wanted && { words: told }) };
}
