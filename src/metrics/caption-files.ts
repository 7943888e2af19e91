import { isRecord, quote } from '../data/strict-json.js';
import { FormatError } from '../errors.js';

/**
 * The captions to be scored, by image, from one of
 *
 * - a list `[{ "image_id": 1, "caption": "a dog" }, ...]`, as coco-caption takes results;
 * - a COCO file `{ "annotations": [the same] }`;
 * - an object `{ "1": "a dog", ... }`.
 *
 * An image id is a whole number or a text; 1 and "1" are the same image.
 *
 * @param source the name of the file in errors.
 * @throws FormatError naming the entry; also when an image has two captions.
 */
export function parseCandidates(json: unknown, source: string): Map<string, string> {
  const captions = new Map<string, string>();
  for (const { id, caption, place } of entriesOf(json, source)) {
    if (captions.has(id)) {
      throw new FormatError(source, `${place}: image ${id} has a caption already; give one each`);
    }
    captions.set(id, caption);
  }
  return captions;
}

/**
 * The true captions, by image: the formats of `parseCandidates`, where an image may have any
 * number of entries, and an object may hold lists of captions, `{ "1": ["a dog", "the dog"] }`.
 *
 * @throws FormatError naming the entry, or an image of a COCO file that no annotation describes.
 */
export function parseReferences(json: unknown, source: string): Map<string, string[]> {
  const references = new Map<string, string[]>();
  for (const { id, caption } of entriesOf(json, source)) {
    const captions = references.get(id);
    if (captions) captions.push(caption);
    else references.set(id, [caption]);
  }
  if (isRecord(json) && Array.isArray(json.annotations) && Array.isArray(json.images)) {
    for (const [index, image] of json.images.entries()) {
      const id = idOf(isRecord(image) ? image.id : undefined, source, `images[${index}].id`);
      if (!references.has(id)) {
        throw new FormatError(source, `images[${index}]: image ${id} has no caption`);
      }
    }
  }
  return references;
}

/**
 * Captions by image as the text of a COCO results file, `[{ "image_id", "caption" }, ...]`: what
 * `parseCandidates` reads, and pycocotools where the ids are numbers, as they are in COCO.
 */
export function candidatesFile(captions: Iterable<readonly [id: string, caption: string]>): string {
  const entries = Array.from(captions, ([id, caption]) => {
    const number = Number(id);
    const image_id = Number.isSafeInteger(number) && String(number) === id ? number : id;
    return JSON.stringify({ image_id, caption });
  });
  return `[${entries.join(',\n')}]\n`;
}

interface Entry {
  readonly id: string;
  readonly caption: string;
  /** Where in the file it stands. */
  readonly place: string;
}

function* entriesOf(json: unknown, source: string): Generator<Entry> {
  if (Array.isArray(json)) {
    yield* listed(json, source, '');
  } else if (isRecord(json) && Array.isArray(json.annotations)) {
    yield* listed(json.annotations, source, 'annotations');
  } else if (isRecord(json)) {
    for (const [id, value] of Object.entries(json)) {
      const place = JSON.stringify(id);
      for (const caption of Array.isArray(value) ? value : [value]) {
        yield { id, caption: captionOf(caption, source, place), place };
      }
    }
  } else {
    throw new FormatError(
      source,
      'captions must be a list of {"image_id", "caption"}, a COCO file with "annotations", or an object of captions by image id',
    );
  }
}

function* listed(list: readonly unknown[], source: string, name: string): Generator<Entry> {
  for (const [index, entry] of list.entries()) {
    const place = `${name}[${index}]`;
    if (!isRecord(entry)) {
      throw new FormatError(source, `${place} must be an object with "image_id" and "caption"`);
    }
    const id = idOf(entry.image_id, source, `${place}.image_id`);
    yield { id, caption: captionOf(entry.caption, source, `${place}.caption`), place };
  }
}

function idOf(value: unknown, source: string, place: string): string {
  if (Number.isSafeInteger(value) || (typeof value === 'string' && value !== '')) {
    return String(value);
  }
  throw new FormatError(source, `${place} must be a whole number or a text, not ${show(value)}`);
}

function captionOf(value: unknown, source: string, place: string): string {
  if (typeof value === 'string') return value;
  throw new FormatError(source, `${place} must be a text, not ${show(value)}`);
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : quote(value).slice(0, 60);
}
