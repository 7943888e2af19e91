/** Writes subtitles: WebVTT, which web pages show, and SubRip (.srt), which players show. */
import { ValueError } from '../../errors.js';

/** How subtitles are written down. */
export const subtitleFormats = ['vtt', 'srt'] as const;
export type SubtitleFormat = (typeof subtitleFormats)[number];

/** A text that is shown for a while. */
export interface Cue {
  /** Seconds from the begin of the video. */
  readonly from: number;
  readonly to: number;
  /** Its line breaks stay; empty lines, which would end it, do not. */
  readonly text: string;
}

/** Subtitles as a document in pieces, which can be written as soon as they are known. */
export interface SubtitleDocument {
  readonly start: string;
  /**
   * A cue as it stands in the file.
   * @param index how many cues come before it.
   * @throws ValueError for a cue without a duration, or one that begins before time 0.
   */
  cue(cue: Cue, index: number): string;
}

/**
 * Subtitles of one format. Both write times in milliseconds and a cue as its times, its text and an empty line.
 *
 *     vtt  W3C's WebVTT: a heading line; & < > in texts are written as character references
 *     srt  a number before each cue, from 1 on. It has no escapes: `-->` in a text, which means a time, becomes `→`
 */
export function subtitleDocument(format: SubtitleFormat): SubtitleDocument {
  if (format === 'srt') {
    return {
      start: '',
      cue: (cue, index) =>
        `${index + 1}\n${timing(cue, ',')}\n${textOf(cue).replaceAll('-->', '→')}\n\n`,
    };
  }
  return {
    start: 'WEBVTT\n\n',
    cue: (cue) => `${timing(cue, '.')}\n${escaped(textOf(cue))}\n\n`,
  };
}

/** `00:00:02.000 --> 00:00:04.000` */
function timing({ from, to, text }: Cue, point: '.' | ','): string {
  const [begin, end] = [milliseconds(from), milliseconds(to)];
  if (begin >= 0 && end > begin && Number.isSafeInteger(end)) {
    return `${clock(begin, point)} --> ${clock(end, point)}`;
  }
  throw new ValueError(
    `The subtitle ${JSON.stringify(text)} from ${from} to ${to} seconds cannot be shown: it must begin at 0 or later, and end a millisecond or more after that.`,
  );
}

function milliseconds(seconds: number): number {
  return Math.round(1000 * seconds);
}

/** `01:02:03.004`; hours have as many digits as they need, at least two. */
function clock(time: number, point: '.' | ','): string {
  const digits = (value: number, count = 2) => String(Math.floor(value)).padStart(count, '0');
  const seconds = Math.floor(time / 1000);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => digits(part));
  return `${parts.join(':')}${point}${digits(time % 1000, 3)}`;
}

/** The lines of a text, without control characters and without empty lines; at least a space. */
function textOf({ text }: Cue): string {
  const lines = text
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim())
    .filter((line) => line !== '');
  return lines.join('\n') || '\u00a0';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
