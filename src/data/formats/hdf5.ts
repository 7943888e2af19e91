/** HDF5 files: the names, shapes and values of their arrays. */
import { stat } from 'node:fs/promises';
import { FileError, FormatError, ValueError } from '../../errors.js';
import { checkReadable, otherKindOf } from './files.js';
import { isFolder } from './folders.js';
import { type Hdf5Metadata, Hdf5Worker } from './hdf5-worker.js';
import { MOST_TEXTS } from './npy.js';
import { byteLengthOf, type SafetensorsDtype, safetensorsValues } from './safetensors-dtypes.js';
import { listed } from './strict-json.js';

/** What a file says about one of its arrays. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  /** The element type, by the name that safetensors gives it; undefined for texts and the like. */
  readonly dtype: SafetensorsDtype | undefined;
}

/**
 * An HDF5 file, read by the package h5wasm, which is loaded when the first one is opened. Arrays
 * are read in parts, as they are asked for. The library runs in a worker of its own for each file, which
 * is ended when the library does not answer in time: a damaged file can send it round in circles. A file
 * that turns out damaged is closed.
 */
export class Hdf5File {
  readonly path: string;
  #worker: Hdf5Worker | undefined;
  #names: ReadonlySet<string> | undefined;
  readonly #metadata = new Map<string, Hdf5Metadata>();

  private constructor(path: string, worker: Hdf5Worker) {
    this.path = path;
    this.#worker = worker;
  }

  /**
   * @param options.timeout milliseconds that reading a part may take (default: it follows the size).
   * @throws FileError; FormatError; MissingDependencyError without the package h5wasm.
   */
  static async open(path: string, options: { timeout?: number } = {}): Promise<Hdf5File> {
    if (await isFolder(path)) throw new FormatError(path, 'is a folder, not an HDF5 file');
    await checkReadable(path);
    const other = await otherKindOf(path, '.h5');
    if (other !== undefined) throw new FormatError(path, other);
    const { size } = await stat(path);
    const worker = await Hdf5Worker.start(options.timeout ?? timeFor(size));
    try {
      worker.call('open', path);
      return new Hdf5File(path, worker);
    } catch (error) {
      await worker.end();
      throw unreadable(path, 'is no HDF5 file that can be read', error);
    }
  }

  /** The names of all arrays, those in groups with their path (`group/array`). @throws FormatError */
  names(): readonly string[] {
    return [...this.#known()];
  }

  #known(): ReadonlySet<string> {
    this.#names ??= new Set(
      this.#call('has a table of contents that cannot be read', (worker) => worker.call('names')),
    );
    return this.#names;
  }

  /** @throws FormatError when there is no such array. */
  array(name: string): Hdf5Array {
    const metadata = this.#metadataOf(name);
    return { shape: metadata.shape, dtype: dtypeOf(metadata) };
  }

  /**
   * The little-endian bytes of some entries along the first axis.
   * @throws FormatError; ValueError for elements that are no numbers.
   */
  read(name: string, first: number, count: number): Uint8Array<ArrayBuffer> {
    const { shape, dtype } = this.array(name);
    if (dtype === undefined || shape.length === 0) {
      throw new ValueError(`${this.path}: ${name} does not hold a list of numbers`);
    }
    const extent = [count, ...shape.slice(1)];
    const begin = shape.map((_, axis) => (axis === 0 ? first : 0));
    return this.#read(name, byteLengthOf(dtype, extent), extent, (worker, size) =>
      worker.call('read', name, size, extent, begin),
    );
  }

  /** A list of texts, or of whole numbers as texts. @throws FormatError */
  texts(name: string): string[] {
    const metadata = this.#metadataOf(name);
    const { shape, type, size: width, vlen } = metadata;
    const [count = 0] = shape;
    const dtype = dtypeOf(metadata);
    const texts = type === TEXT;
    if (shape.length !== 1 || !(texts || (type === INTEGER && dtype !== undefined))) {
      throw new FormatError(this.path, `${name} is no list of texts`);
    }
    if (count > MOST_TEXTS) {
      throw new FormatError(this.path, `${name} lists ${count} texts, more than are read`);
    }
    const bytes = byteLengthOf('U8', [count, width]);
    if (vlen) {
      return this.#read(name, bytes, shape, (worker, size) =>
        worker.call('texts', name, size, shape),
      );
    }
    const stored = this.#read(name, bytes, shape, (worker, size) =>
      worker.call('read', name, size, shape, [0]),
    );
    if (dtype !== undefined) {
      const numbers = safetensorsValues({ dtype, shape, bytes: stored });
      return Array.from<number | bigint, string>(numbers, String);
    }
    return Array.from({ length: count }, (_, index) => {
      const text = stored.subarray(index * width, (index + 1) * width);
      const end = text.indexOf(0);
      return new TextDecoder().decode(end < 0 ? text : text.subarray(0, end));
    });
  }

  /** Closes the file; it is closed when the promise resolves. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.end();
  }

  /** @param size bytes that `extent` elements take. */
  #read<T>(
    name: string,
    size: number | undefined,
    extent: readonly number[],
    request: (worker: Hdf5Worker, size: number) => T | undefined,
  ): T {
    const read =
      size === undefined
        ? undefined
        : this.#call(`${name} cannot be read`, (worker) => request(worker, size));
    if (read !== undefined) return read;
    void this.close();
    throw new FormatError(
      this.path,
      `${name}: no memory for (${extent.join(', ')}) elements of it at once, ${size ?? 'an impossible number of'} bytes`,
    );
  }

  #metadataOf(name: string): Hdf5Metadata {
    if (!this.#known().has(name)) {
      throw new FormatError(this.path, `has no array ${name}, only ${listed(this.names())}`);
    }
    const known = this.#metadata.get(name);
    if (known) return known;
    const metadata = this.#call(`${name} cannot be opened`, (worker) =>
      worker.call('metadata', name),
    );
    this.#metadata.set(name, metadata);
    return metadata;
  }

  /** @param fault what to say of the file when the library finds one. */
  #call<T>(fault: string, request: (worker: Hdf5Worker) => T): T {
    if (!this.#worker) throw new FileError(this.path, `${fault}: the file is closed`);
    try {
      return request(this.#worker);
    } catch (error) {
      void this.close();
      throw unreadable(this.path, fault, error);
    }
  }
}

/** Milliseconds that an answer may take: a slow disk reads two bytes in a microsecond. */
function timeFor(fileBytes: number): number {
  return 5000 + fileBytes / 2000;
}

const INTEGER = 0;
const FLOAT = 1;
const TEXT = 3;

/** Big-endian numbers too: the library turns them round. */
function dtypeOf({ type, size, signed, vlen }: Hdf5Metadata): SafetensorsDtype | undefined {
  if (vlen) return undefined;
  if (type === FLOAT) return ({ 2: 'F16', 4: 'F32', 8: 'F64' } as const)[size];
  if (type !== INTEGER) return undefined;
  const bits = ({ 1: 8, 2: 16, 4: 32, 8: 64 } as const)[size];
  return bits === undefined ? undefined : signed ? (`I${bits}` as const) : (`U${bits}` as const);
}

/** Of the library's stack of error messages the last is the reason. */
function unreadable(path: string, what: string, error: unknown): FormatError {
  if (error instanceof FormatError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const reason = [...text.matchAll(/^ +#\d+: .*?\(\): (.*)$/gm)].at(-1)?.[1] ?? text;
  return new FormatError(path, `${what} (${reason.slice(0, 100)})`, { cause: error });
}
