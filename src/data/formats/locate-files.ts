/** Finds the files that a set names, photos or clips, however it spells them. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { FileError, FormatError } from '../../errors.js';
import { namesIn } from './folders.js';
import { counted, firstFew, isOrAre, shortened } from './notes.js';

/** More characters than a path has on any system. */
const LONGEST_PATH = 4096;

/** A kind of files. */
export interface FileKind {
  /** What one of them is called: `photo`. */
  readonly what: string;
  /** The setting of a set that says in which folder they are. */
  readonly setting: string;
  /** Folders beside a set's own file in which they often lie; `.` is its own. */
  readonly folders: readonly string[];
  /** What the column of them is called in tables; the second names count where none of the first is there. */
  readonly columns: readonly [first: readonly string[], second: readonly string[]];
  /** Whether a row of a table may mean a part of a file, from one second to another. */
  readonly hasParts: boolean;
  /** Whether a file is called as one of them. */
  isName(name: string): boolean;
  /** A name without its ending. */
  withoutEnding(name: string): string;
}

/** A file's name as a set knows it: `/` between folders, without `./`. Two that are equal are one. */
export function plainName(name: string): string {
  return posix.normalize(name.trim().replaceAll('\\', '/'));
}

/**
 * Finds files by names that may be spelled in another way than on the disk: letters composed or
 * decomposed (é is one character or two), other case, `%20` for a space, `.jpeg` for `.jpg`, no ending.
 * What is spelled exactly comes first; of several that could be meant none is taken. Each folder is
 * listed once: asking for 100,000 files one by one takes long on a network.
 */
export class FileFinder {
  readonly #folders = new Map<string, Promise<string | undefined>>();
  readonly #listings = new Map<string, Promise<Listing>>();
  readonly #spellings: readonly Spelling[];

  constructor(root: string, { withoutEnding }: FileKind) {
    this.#folders.set('.', Promise.resolve(root));
    this.#spellings = spellingsOf(withoutEnding);
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
      (names) => new Listing(names, this.#spellings),
      () => new Listing(new Set(), this.#spellings),
    );
    this.#listings.set(folder, listing);
    return listing;
  }
}

/** The names in a folder, found by other spellings of them. */
class Listing {
  readonly #names: ReadonlySet<string>;
  readonly #spellings: readonly Spelling[];
  #spelled: readonly ReadonlyMap<string, string | undefined>[] | undefined;

  constructor(names: ReadonlySet<string>, spellings: readonly Spelling[]) {
    this.#names = names;
    this.#spellings = spellings;
  }

  find(name: string): string | undefined {
    if (this.#names.has(name)) return name;
    this.#spelled ??= this.#spellings.map((spelling) => spelledBy(spelling, this.#names));
    for (const [index, spelling] of this.#spellings.entries()) {
      for (const written of [name, decoded(name)]) {
        const found = this.#spelled[index]?.get(spelling(written));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

type Spelling = (name: string) => string;

/** From the narrowest to the widest: names for which one of these is equal may be the same. */
function spellingsOf(withoutEnding: FileKind['withoutEnding']): readonly Spelling[] {
  return [(name) => name.normalize('NFC'), folded, (name) => withoutEnding(folded(name))];
}

function folded(name: string): string {
  return name
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replace(/\.jpeg$/, '.jpg');
}

function spelledBy(spelling: Spelling, names: ReadonlySet<string>) {
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

/** How many files are looked for in a folder before it is said not to hold them. */
const SAMPLE = 20;

/** Where the files that a set names may lie. */
export interface FilePlaces {
  readonly kind: FileKind;
  /** The file that names them, for errors. */
  readonly source: string;
  /** The set's folder, outside of which no file may be. */
  readonly root: string;
  /** Folders in it that names may be relative to; `.` is the set's folder itself. */
  readonly folders: readonly string[];
  /** The folder that was named for the files: it takes the place of the others. */
  readonly chosen?: string | undefined;
  /** Whether they are needed: then it is an error that none is there. */
  readonly needed?: boolean;
  /** What happens where some are missing, of sets with this setting; `skip` leaves those out. */
  readonly missing?: 'stop' | 'skip' | undefined;
}

/** Files that were found. */
export interface Located {
  /** In the order of the names; undefined where a file is missing and left out. */
  readonly paths: readonly (string | undefined)[];
  readonly notes: readonly string[];
}

/**
 * The files that names mean. Where the folder is found, all must be there, unless `missing` is `skip`. Where none
 * has any of them nothing is checked, unless they are needed: whoever trains on stored features does not need the files. What
 * all names begin with, such as the folders of another machine, is passed over where it is not here.
 *
 * @param names as `plainName` makes them.
 * @throws FileError when `chosen` does not exist; FormatError for names without a file, for files outside of
 *   the set's folder, and where all are missing that are needed.
 */
export async function locateFiles(
  names: readonly string[],
  { kind, source, root, folders, chosen, needed = false, missing: whenMissing }: FilePlaces,
): Promise<Located> {
  const { what, setting } = kind;
  if (chosen !== undefined && !(await stat(chosen).catch(() => undefined))?.isDirectory()) {
    throw new FileError(chosen, `no such folder (${setting}=)`);
  }
  const base = chosen ?? root;
  const places = chosen === undefined ? folders : ['.'];
  const finder = new FileFinder(base, kind);
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
  const paths: (string | undefined)[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const path = within(base, found ?? places[0] ?? '.', name.slice(before.length));
    if (path === undefined) {
      throw new FormatError(
        source,
        `${shortened(name)} lies outside of ${base}: say in which folder the ${what}s are, with ,${setting}=<folder>`,
      );
    }
    const file = found === undefined ? undefined : await finder.find(path);
    if (file === undefined) missing.push(name);
    paths.push(
      file ?? (found !== undefined && whenMissing === 'skip' ? undefined : join(base, path)),
    );
  }
  if (found === undefined) {
    const looked = places.map((place) => join(base, place)).join(', ');
    const lost = noneThere(kind, names, looked);
    if (needed) throw new FormatError(source, lost);
    return { paths, notes: [`${lost}; whoever has their features needs none`] };
  }
  const folder = join(base, found);
  const notes = before === '' ? [] : [`the ${what}s are in ${folder}, not in ${shortened(before)}`];
  notes.push(...missingNote(missing, names.length, { kind, source, folder, missing: whenMissing }));
  return { paths, notes };
}

/** That none of the files is there. @param looked the folders that were looked into. */
export function noneThere({ what, setting }: FileKind, names: readonly string[], looked: string) {
  return `the ${what}s (${firstFew(names)}) are in none of ${looked}: ,${setting}=<folder> says where they are`;
}

/**
 * That files are missing and left out, if any are.
 * @param total how many there should be.
 * @param options.folder in which they were looked for.
 * @throws FormatError naming the first of them, unless those may be left out; where all are missing they may not.
 */
export function missingNote(
  names: readonly string[],
  total: number,
  {
    kind,
    source,
    folder,
    missing,
  }: Pick<FilePlaces, 'kind' | 'source' | 'missing'> & { readonly folder: string },
): string[] {
  if (names.length === 0) return [];
  const looked = `looked in ${folder}`;
  if (missing === 'skip' && names.length < total) {
    return [
      `${counted(names.length, kind.what)} of ${total} ${isOrAre(names.length)} missing and left out: ${firstFew(names)} (${looked})`,
    ];
  }
  const advice =
    missing === undefined
      ? ''
      : names.length === total
        ? ` Or are they elsewhere: ,${kind.setting}=<folder>?`
        : ' (,missing=skip goes on with the others.)';
  refuseFiles(kind, source, 'have no file', names, total, { looked, advice });
  return [];
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

/** @throws FormatError naming the first of `names`, unless there are none. */
export function refuseFiles(
  { what }: FileKind,
  source: string,
  fault: string,
  names: readonly string[],
  total: number,
  { looked: where = '', advice = '' } = {},
): void {
  if (names.length === 0) return;
  const looked = where && ` (${where})`;
  throw new FormatError(
    source,
    `${names.length} of ${total} ${what}s ${fault}: ${firstFew(names)}${looked}. Is the download complete?${advice}`,
  );
}

/** @throws FormatError when two of the names are one file: it could be trained on and judged on. */
export function refuseTwoNames(
  { what }: FileKind,
  names: readonly string[],
  paths: readonly (string | undefined)[],
  source: string,
): void {
  const known = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    const path = paths[index]?.normalize('NFC');
    if (path === undefined) continue;
    const other = known.get(path);
    if (other !== undefined) {
      const both = other === name ? shortened(name) : firstFew([other, name]);
      throw new FormatError(source, `two entries are one ${what}: ${both}`);
    }
    known.set(path, name);
  }
}
