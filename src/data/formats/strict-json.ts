/** JSON that is not trusted: parsed with limits, and shown in errors cut short. */
import { FormatError } from '../../errors.js';

const [QUOTE, BACKSLASH, COMMA, OPEN_OBJECT, OPEN_LIST] = Array.from('"\\,{[', (c) =>
  c.charCodeAt(0),
);

/**
 * Members and elements that one text may have, as many as a file of 70,000 tensors needs. Each takes
 * up to a hundred bytes of memory, for which a hostile text needs two bytes.
 */
const MOST_PARTS = 2 ** 20;

/**
 * JSON from bytes that are not trusted: UTF-8 without exceptions, not more members and elements than
 * the memory is to hold, and no object with two members of the same name, of which `JSON.parse` would
 * silently keep the last.
 *
 * @param source the name of the file in errors.
 * @param firstByte where in the file `bytes` starts, for the positions in errors.
 * @throws FormatError naming the file and the byte.
 */
export function parseJsonStrictly(bytes: Uint8Array, source: string, firstByte = 0): unknown {
  if (!hasFewerParts(bytes, MOST_PARTS)) {
    throw new FormatError(
      source,
      `the JSON from byte ${firstByte} on has more than ${MOST_PARTS} members and elements, which no file needs`,
    );
  }
  const text = decodeUtf8(bytes, source, firstByte);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw new FormatError(source, `the text from byte ${firstByte} on is not JSON (${reason})`, {
      cause: error,
    });
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate) {
    const byte = firstByte + new TextEncoder().encode(text.slice(0, duplicate.index)).length;
    const key = JSON.stringify(duplicate.key.slice(0, 100));
    throw new FormatError(source, `byte ${byte}: ${key} stands twice in the same object`);
  }
  return value;
}

/** Whether `value` is an object with named members: no list, no null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as an error shows it: JSON, cut where a hostile file makes it long or deep. */
export function quote(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'undefined';
    return text.length > 100 ? `${text.slice(0, 100)}…` : text;
  } catch {
    // Deeper than the stack, though JSON.parse took it.
    return 'a value too deep to show';
  }
}

/** Names of a file's parts as an error lists them: the first ten, each cut where it is long. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names
    .slice(0, 10)
    .map((name) => (name.length > 60 ? `${name.slice(0, 60)}…` : name));
  return shown.join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');
}

function decodeUtf8(bytes: Uint8Array, source: string, firstByte: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(source, `the text from byte ${firstByte} on is not UTF-8`, {
      cause: error,
    });
  }
}

/** Counts what opens or divides objects and lists, outside of texts. */
function hasFewerParts(json: Uint8Array, most: number): boolean {
  let parts = 0;
  let inText = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === QUOTE) inText = !inText;
    else if (inText) i += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === OPEN_OBJECT || byte === OPEN_LIST) parts++;
    if (parts > most) return false;
  }
  return true;
}

/** The first repeated member name of `json`, which must be valid JSON. */
function findDuplicateKey(json: string): { key: string; index: number } | undefined {
  const enclosing: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '{') enclosing.push(new Set());
    else if (character === '[') enclosing.push(undefined);
    else if (character === '}' || character === ']') enclosing.pop();
    else if (character === '"') {
      const end = endOfString(json, i);
      const keys = enclosing.at(-1);
      if (keys && isFollowedByColon(json, end)) {
        const key = String(JSON.parse(json.slice(i, end)));
        if (keys.has(key)) return { key, index: i };
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

function isFollowedByColon(json: string, index: number): boolean {
  let i = index;
  while (json[i] === ' ' || json[i] === '\n' || json[i] === '\r' || json[i] === '\t') i++;
  return json[i] === ':';
}

/** What a text of JSON says; undefined when it is none. */
export function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
