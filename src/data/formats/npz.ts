/** `.npz` files, in which numpy stores several arrays. */
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { FormatError } from '../../errors.js';
import { asFileError, otherKindOf } from './files.js';
import { NPY_HEADER_ROOM, type NpyHeader, parseNpyHeader, parseNpyTexts } from './npy.js';
import { safetensorsValues } from './safetensors-dtypes.js';
import {
  allBytes,
  DeflatedBytes,
  FileBytes,
  mostUnpacked,
  type StoredBytes,
} from './stored-bytes.js';
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

  /** An array, of which rows are read when they are asked for. @throws FormatError */
  async array(name: string): Promise<StoredArray> {
    return new StoredArray(await this.bytes(name), `${this.path}, ${name}`);
  }

  /** Closes the file. What `bytes` and `array` returned stays readable. */
  close(): void {
    this.#zip.close();
  }
}

/** Numbers as an array stores them; whole numbers of 64 bits as the nearest float64. */
export type ArrayValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** An array in a file of numpy's. */
export class StoredArray {
  /** File and array, for errors. */
  readonly source: string;
  readonly shape: readonly number[];
  /** Whether it holds texts, and no numbers. */
  readonly isText: boolean;
  /** Whether its elements are bytes. */
  readonly isBytes: boolean;
  /** Whether its elements are floats. */
  readonly isFloat: boolean;
  readonly #header: NpyHeader;
  readonly #bytes: StoredBytes;

  /** @throws FormatError */
  constructor(bytes: StoredBytes, source: string) {
    const start = new Uint8Array(Math.min(bytes.size, NPY_HEADER_ROOM));
    bytes.read(0, start);
    const header = parseNpyHeader(start, bytes.size, source);
    this.source = source;
    this.shape = header.shape;
    this.isText = header.dtype === undefined;
    this.isBytes = header.dtype === 'U8';
    this.isFloat = header.dtype?.startsWith('F') ?? false;
    this.#header = header;
    this.#bytes = bytes;
  }

  /** All its numbers. @throws FormatError for texts */
  values(): ArrayValues {
    const [count = 1, ...row] = this.shape;
    return this.#read(0, count * elements(row));
  }

  /** The numbers of `count` entries of the first axis, from number `first` on. @throws FormatError for texts */
  rows(first: number, count: number): ArrayValues {
    const size = elements(this.shape.slice(1));
    return this.#read(first * size, count * size);
  }

  /** The texts of a list of them. @throws FormatError for what is no list */
  texts(): string[] {
    return parseNpyTexts(allBytes(this.#bytes), this.source);
  }

  #read(first: number, count: number): ArrayValues {
    const { dtype, descr, begin } = this.#header;
    if (dtype === undefined) {
      throw new FormatError(this.source, `holds texts (${descr}), not numbers`);
    }
    const width = Number(descr.slice(2));
    const bytes = new Uint8Array(count * width);
    this.#bytes.read(begin + first * width, bytes);
    const values = safetensorsValues({ dtype, shape: [count], bytes });
    return values instanceof BigInt64Array || values instanceof BigUint64Array
      ? Float64Array.from(values, Number)
      : values;
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** System errors as they are everywhere; all others are what yauzl or zlib finds wrong. */
function damaged(path: string, error: unknown): unknown {
  if (error instanceof FormatError) return error;
  const known = asFileError(path, 'read', error);
  if (known !== error) return known;
  const fault = 'is damaged or cut short, or no .npz file: copy it again';
  return new FormatError(path, fault, { cause: error });
}
