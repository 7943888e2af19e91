import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { FormatError } from '../errors.js';
import { asFileError, otherKindOf } from './files.js';
import { mostUnpacked } from './gzip.js';
import { FileBytes, MemoryBytes, type StoredBytes } from './stored-bytes.js';
import { listed } from './strict-json.js';

/**
 * numpy's file of several arrays: a zip file of `.npy` files. Those that are stored as they are
 * (`numpy.savez`) are read in parts; those that are deflated (`numpy.savez_compressed`) are unpacked
 * into memory.
 */
export class NpzFile {
  readonly path: string;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(path: string, zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.path = path;
    this.#zip = zip;
    this.#entries = entries;
  }

  /** @throws FileError; FormatError for what is no zip file. */
  static async open(path: string): Promise<NpzFile> {
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, { lazyEntries: true, autoClose: false });
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) {
        const name = String(entry.fileName);
        if (name.endsWith('.npy')) entries.set(name.slice(0, -'.npy'.length), entry);
      }
      const other = entries.size === 0 ? await otherKindOf(path, '.npz') : undefined;
      if (other !== undefined) throw new FormatError(path, other);
      return new NpzFile(path, zip, entries);
    } catch (error) {
      zip?.close();
      const fault = damaged(path, error);
      const other = fault instanceof FormatError && (await otherKindOf(path, '.npz'));
      throw other ? new FormatError(path, other, { cause: error }) : fault;
    }
  }

  /** The names of its arrays. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The `.npy` file of an array. @throws FormatError also for one that is not there */
  async bytes(name: string): Promise<StoredBytes> {
    const entry = this.#entries.get(name);
    if (!entry) {
      throw new FormatError(this.path, `has no array ${name}, only ${listed(this.names())}`);
    }
    try {
      if (entry.compressionMethod === 0 && !entry.isEncrypted()) {
        const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, {
          minimal: true,
        });
        return new FileBytes(this.path, fileDataStart, entry.compressedSize);
      }
      return new MemoryBytes(this.path, await this.#unpack(name, entry));
    } catch (error) {
      throw damaged(this.path, error);
    }
  }

  async #unpack(name: string, entry: Entry): Promise<Uint8Array> {
    const size = entry.uncompressedSize;
    if (size > mostUnpacked(entry.compressedSize)) {
      throw new FormatError(
        this.path,
        `${name} would be ${size} bytes in memory, of ${entry.compressedSize}: unpack the file (unzip) and name the .npy, which is read in parts`,
      );
    }
    if (entry.compressedSize > this.#zip.fileSize) {
      throw new FormatError(this.path, `${name} is longer than the file`);
    }
    const bytes = new Uint8Array(size);
    let filled = 0;
    for await (const chunk of await this.#zip.openReadStreamPromise(entry)) {
      if (!(chunk instanceof Uint8Array)) throw new FormatError(this.path, `${name} is no bytes`);
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    return bytes;
  }

  /** Lets go of the file. What `bytes` returned stays readable. */
  close(): void {
    this.#zip.close();
  }
}

/** System errors as they are everywhere; all others are what yauzl or zlib finds wrong. */
function damaged(path: string, error: unknown): unknown {
  if (error instanceof FormatError) return error;
  const known = asFileError(path, 'read', error);
  if (known !== error) return known;
  const fault = 'is damaged or cut short, or no .npz file: copy it again';
  return new FormatError(path, fault, { cause: error });
}
