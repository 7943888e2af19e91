/** Captions as they are written down: text, JSON, a JSON object a line, CSV, a file beside each photo. */

import { jsonText, printableLine } from '../data/text/printable.js';
import type { AttentionForm } from '../tasks/captioner/kind.js';
import type { FoundCaption as PhotoCaption, SpokenCaption } from '../tasks/captions/found.js';

/** How captions are written down. */
export const captionFormats = ['text', 'json', 'jsonl', 'csv', 'sidecar'] as const;
export type CaptionFormat = (typeof captionFormats)[number];

/** A photo and what was said about it. */
export interface CaptionedPhoto {
  /** The photo, as it was named. */
  readonly image: string;
  readonly result: PhotoCaption;
}

/** What is written of it. */
export interface CaptionStyle {
  /** How captions are spelt: as they are, or as sentences. */
  readonly spell: (caption: string) => string;
  /** In text, whether photos are named. */
  readonly named: boolean;
  /** In JSON, each word with what was looked at, and what that is: if it is wanted. */
  readonly attention: AttentionForm | undefined;
}

/** A document of captions, in pieces that can be written as soon as they are known. */
export interface CaptionDocument {
  readonly start: string;
  entry(captioned: CaptionedPhoto, index: number): string;
  readonly end: string;
}

/** Captions as a document. Sidecars are documents of one photo: its captions, a line each. */
export function captionDocument(format: CaptionFormat, style: CaptionStyle): CaptionDocument {
  const { spell, named } = style;
  switch (format) {
    case 'text':
    case 'sidecar':
      return {
        start: '',
        entry: ({ image, result: { alternatives } }) => {
          const lines = alternatives.map(({ caption }) => spell(caption));
          const name = named ? `${image}: ` : '';
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
        start: csvLine(['image', 'caption', 'logProbability']),
        entry: ({ image, result: { alternatives } }) =>
          alternatives
            .map(({ caption, logProbability }) =>
              csvLine([image, spell(caption), String(logProbability)]),
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

function jsonOf(
  { image, result: { alternatives, ...best } }: CaptionedPhoto,
  style: CaptionStyle,
): string {
  const told = (one: SpokenCaption) => spokenJson(one, style);
  return jsonText({
    image,
    ...told(best),
    ...(style.attention && { attention: style.attention }),
    ...(alternatives.length > 1 && { alternatives: alternatives.map(told) }),
  });
}

function spokenJson(
  { caption, logProbability, words }: SpokenCaption,
  { spell, attention: wanted }: CaptionStyle,
) {
  const told = words.map(({ word, logProbability, attention }) => ({
    word,
    logProbability,
    attention: attention && Array.from(attention, (value) => Number(value.toPrecision(6))),
  }));
  return { caption: spell(caption), logProbability, ...(wanted && { words: told }) };
}
