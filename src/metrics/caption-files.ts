/** Reads the files of captions that are scored, and of the references. */
import { isRecord, quote } from '../data/formats/strict-json.js';
import { FormatError } from '../errors.js';

/** A caption of an image, and where in its file it stands. */
export interface CaptionEntry {
  readonly id: string;
  readonly caption: string;
  readonly place: string;
}

/** Keys of an image's name in an entry; the first that is there counts. */
const IDS = ['image_id', 'photo', 'picture', 'image', 'file', 'file_name', 'filename', 'path'];
const CAPTIONS = ['caption', 'captions', 'text', 'sentence', 'sentences'];

/**
 * The captions to be scored, by image, from one of
 *
 * - a list `[{ "image_id": 1, "caption": "a dog" }, ...]`, as coco-caption takes results; images may
 *   go by `photo`, `picture`, `image` or `file` instead, as in what `glimpse caption` writes;
 * - a COCO file `{ "annotations": [the same] }`;
 * - an object `{ "1": "a dog", ... }`.
 *
 * An image id is a whole number or a text; 1 and "1" are the same image.
 *
 * @param source the name of the file in errors.
 * @throws FormatError naming the entry; also when an image has two captions.
 */
export function parseCandidates(json: unknown, source: string): Map<string, string> {
  return oneEach(captionEntries(json, source), source);
}

/** One caption for each image. @throws FormatError when an image has two */
export function oneEach(entries: Iterable<CaptionEntry>, source: string): Map<string, string> {
  const captions = new Map<string, string>();
  for (const { id, caption, place } of entries) {
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
  const references = allOfEach(captionEntries(json, source));
  requireAllImages(json, references, source);
  return references;
}

/** @throws FormatError naming an image that a COCO file lists and that is not among `captions`. */
export function requireAllImages(
  json: unknown,
  captions: ReadonlyMap<string, unknown>,
  source: string,
): void {
  if (!isRecord(json) || !Array.isArray(json.annotations) || !Array.isArray(json.images)) return;
  for (const [index, image] of json.images.entries()) {
    const id = idOf(isRecord(image) ? image.id : undefined, source, `images[${index}].id`);
    if (captions.has(id)) continue;
    throw new FormatError(source, `images[${index}]: image ${id} has no caption`);
  }
}

/** All captions of each image. */
export function allOfEach(entries: Iterable<CaptionEntry>): Map<string, string[]> {
  const captions = new Map<string, string[]>();
  for (const { id, caption } of entries) {
    const known = captions.get(id);
    if (known) known.push(caption);
    else captions.set(id, [caption]);
  }
  return captions;
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

/** The captions of JSON that `parseCandidates` and `parseReferences` take. @throws FormatError */
export function* captionEntries(json: unknown, source: string): Generator<CaptionEntry> {
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

function* listed(list: readonly unknown[], source: string, name: string): Generator<CaptionEntry> {
  for (const [index, entry] of list.entries()) {
    yield* captionsOfEntry(entry, source, `${name}[${index}]`);
  }
}

/** The captions of one entry, `{ "image_id", "caption" }` or the like. @throws FormatError */
export function* captionsOfEntry(
  entry: unknown,
  source: string,
  place: string,
): Generator<CaptionEntry> {
  if (!isRecord(entry)) {
    throw new FormatError(source, `${place} must be an object with "image_id" and "caption"`);
  }
  const idName = IDS.find((name) => entry[name] !== undefined) ?? 'image_id';
  const id = idOf(entry[idName], source, `${place}.${idName}`);
  const captionName = CAPTIONS.find((name) => entry[name] !== undefined) ?? 'caption';
  const captions = entry[captionName];
  for (const caption of Array.isArray(captions) ? captions : [captions]) {
    yield { id, caption: captionOf(caption, source, `${place}.${captionName}`), place };
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
