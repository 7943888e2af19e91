/** Finds the photo files that a set of captions names, however it spells them. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { FileError, FormatError } from '../../errors.js';
import { namesIn } from '../formats/folders.js';
import { firstFew, shortened } from '../formats/notes.js';
import { withoutEnding } from '../pictures/photo-files.js';

/** More characters than a path has on any system. */
const LONGEST_PATH = 4096;

/** A photo's name as a set knows it: `/` between folders, without `./`. Two that are equal are one. */
export function plainName(name: string): string {
  return posix.normalize(name.trim().replaceAll('\\', '/'));
}

/**
 * Finds files by names that may be spelled in another way than on the disk: letters composed or
 * decomposed (é is one character or two), other case, `%20` for a space, `.jpeg` for `.jpg`, no ending.
 * What is spelled exactly comes first; of several that could be meant none is taken. Each folder is
 * listed once: asking for 100,000 files one by one takes long on a network.
 */
export class PhotoFinder {
  readonly #folders = new Map<string, Promise<string | undefined>>();
  readonly #listings = new Map<string, Promise<Listing>>();

  constructor(root: string) {
    this.#folders.set('.', Promise.resolve(root));
  }

  /** The path of a file below the root, or undefined. @param name with `/`, without `..` */
  async find(name: string): Promise<string | undefined> {
    if (name.length > LONGEST_PATH) return undefined;
    const folder = await this.#folder(posix.dirname(name));
    if (folder === undefined) return undefined;
    const found = (await this.#listing(folder)).find(posix.basename(name));
    return found === undefined ? undefined : join(folder, found);
  }

  #folder(name: string): Promise<string | undefined> {
    const known = this.#folders.get(name);
    if (known) return known;
    const found = this.find(name);
    this.#folders.set(name, found);
    return found;
  }

  #listing(folder: string): Promise<Listing> {
    const known = this.#listings.get(folder);
    if (known) return known;
    const listing = namesIn(folder).then(
      (names) => new Listing(names),
      () => new Listing(new Set()),
    );
    this.#listings.set(folder, listing);
    return listing;
  }
}

/** The names in a folder, found by other spellings of them. */
class Listing {
  readonly #names: ReadonlySet<string>;
  #spelled: readonly ReadonlyMap<string, string | undefined>[] | undefined;

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  find(name: string): string | undefined {
    if (this.#names.has(name)) return name;
    this.#spelled ??= SPELLINGS.map((spelling) => spelledBy(spelling, this.#names));
    for (const [index, spelling] of SPELLINGS.entries()) {
      for (const written of [name, decoded(name)]) {
        const found = this.#spelled[index]?.get(spelling(written));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

/** From the narrowest to the widest: names for which one of these is equal may be the same. */
const SPELLINGS: readonly ((name: string) => string)[] = [
  (name) => name.normalize('NFC'),
  folded,
  (name) => withoutEnding(folded(name)),
];

function folded(name: string): string {
  return name
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replace(/\.jpeg$/, '.jpg');
}

function spelledBy(spelling: (name: string) => string, names: ReadonlySet<string>) {
  const found = new Map<string, string | undefined>();
  for (const name of names) {
    const spelled = spelling(name);
    found.set(spelled, found.has(spelled) ? undefined : name);
  }
  return found;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** How many photos are looked for in a folder before it is said not to hold them. */
const SAMPLE = 20;

/** Where the photos that a file of captions names may lie. */
export interface PhotoPlaces {
  /** The file of captions, for errors. */
  readonly source: string;
  /** The set's folder, outside of which no photo may be. */
  readonly root: string;
  /** Folders in it that names may be relative to; `.` is the set's folder itself. */
  readonly folders: readonly string[];
  /** The folder that was named for the photos: it takes the place of the others. */
  readonly chosen?: string | undefined;
}

/**
 * The files that names of photos mean. Where the folder is found, all photos must be there. Where none
 * has any of them nothing is checked: whoever trains on stored features does not need the photos. What
 * all names begin with, such as the folders of another machine, is passed over where it is not here.
 *
 * @param names as `plainName` makes them.
 * @throws FileError when `chosen` does not exist; FormatError naming photos without a file, and photos
 *   outside of the set's folder.
 */
export async function locatePhotos(
  names: readonly string[],
  { source, root, folders, chosen }: PhotoPlaces,
): Promise<{ paths: string[]; notes: string[] }> {
  if (chosen !== undefined && !(await stat(chosen).catch(() => undefined))?.isDirectory()) {
    throw new FileError(chosen, 'no such folder (images=)');
  }
  const base = chosen ?? root;
  const places = chosen === undefined ? folders : ['.'];
  const finder = new PhotoFinder(base);
  const step = Math.max(1, Math.floor(names.length / SAMPLE));
  const sample = names.filter((_, index) => index % step === 0).slice(0, SAMPLE);
  const placeOf = async (before: string): Promise<string | undefined> => {
    for (const place of places) {
      const paths = sample.flatMap((name) => within(base, place, name.slice(before.length)) ?? []);
      const files = await Promise.all(paths.map((path) => finder.find(path)));
      if (files.some((file) => file !== undefined)) return place;
    }
    return undefined;
  };
  const asWritten = await placeOf('');
  const common = asWritten === undefined ? commonFolders(names) : '';
  const cut = common === '' ? undefined : await placeOf(common);
  const before = cut === undefined ? '' : common;
  const found = asWritten ?? cut ?? (chosen && '.');
  const paths: string[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const path = within(base, found ?? places[0] ?? '.', name.slice(before.length));
    if (path === undefined) {
      throw new FormatError(
        source,
        `${shortened(name)} lies outside of ${base}: say in which folder the photos are, with ,images=<folder>`,
      );
    }
    const file = found === undefined ? undefined : await finder.find(path);
    if (file === undefined) missing.push(name);
    paths.push(file ?? join(base, path));
  }
  if (found === undefined) {
    const looked = places.map((place) => join(base, place)).join(', ');
    const photos = firstFew(names);
    return {
      paths,
      notes: [
        `the photos (${photos}) are in none of ${looked}: ,images=<folder> says where they are; whoever has their features needs none`,
      ],
    };
  }
  refusePhotos(source, 'have no file', missing, names.length, `looked in ${join(base, found)}`);
  const notes =
    before === '' ? [] : [`the photos are in ${join(base, found)}, not in ${shortened(before)}`];
  return { paths, notes };
}

/** The folders that all names begin with, such as `C:/photos/`; empty where there are none. */
function commonFolders(names: readonly string[]): string {
  let [common = ''] = names;
  for (const name of names) {
    while (!name.startsWith(common)) common = common.slice(0, -1);
  }
  return common.slice(0, common.lastIndexOf('/') + 1);
}

/** A name's path from `base`, where it is relative to a folder in there; undefined outside of it. */
function within(base: string, folder: string, name: string): string | undefined {
  const path = relative(resolve(base), resolve(base, folder, name));
  return path.split(sep)[0] === '..' || isAbsolute(path) ? undefined : path.replaceAll(sep, '/');
}

/** @throws FormatError naming the first of `photos`, unless there are none. */
export function refusePhotos(
  source: string,
  fault: string,
  photos: readonly string[],
  total: number,
  where = '',
): void {
  if (photos.length === 0) return;
  const looked = where && ` (${where})`;
  throw new FormatError(
    source,
    `${photos.length} of ${total} photos ${fault}: ${firstFew(photos)}${looked}. Is the download complete?`,
  );
}

/** @throws FormatError when two of the names are one file: it could be trained on and judged on. */
export function refuseTwoNames(
  names: readonly string[],
  paths: readonly string[],
  source: string,
): void {
  const known = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    const path = (paths[index] ?? '').normalize('NFC');
    const other = known.get(path);
    if (other !== undefined) {
      const both = other === name ? shortened(name) : firstFew([other, name]);
      throw new FormatError(source, `two entries are one photo: ${both}`);
    }
    known.set(path, name);
  }
}
