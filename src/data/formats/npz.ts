/** `.npz` files, in which numpy stores several arrays. */
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { FormatError } from '../../errors.js';
import { asFileError, otherKindOf } from './files.js';
import { DeflatedBytes, FileBytes, mostUnpacked, type StoredBytes } from './stored-bytes.js';
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
      const { compressionMethod, compressedSize, uncompressedSize } = entry;
      const isDeflated = compressionMethod === 8;
      if (entry.isEncrypted() || !(isDeflated || compressionMethod === 0)) {
        throw new FormatError(
          this.path,
          `${name} is encrypted or packed in another way than by numpy`,
        );
      }
      if (compressedSize > this.#zip.fileSize) {
        throw new FormatError(this.path, `${name} is longer than the file`);
      }
      const local = await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true });
      const stored = new FileBytes(this.path, local.fileDataStart, compressedSize);
      if (!isDeflated) return stored;
      if (uncompressedSize > mostUnpacked(compressedSize)) {
        throw new FormatError(
          this.path,
          `${name} would be ${uncompressedSize} bytes in memory, of ${compressedSize}: unpack the file (unzip) and name the .npy, which is read in parts`,
        );
      }
      return new DeflatedBytes(stored, uncompressedSize);
    } catch (error) {
      throw damaged(this.path, error);
    }
  }

  /** Closes the file. What `bytes` returned stays readable. */
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
