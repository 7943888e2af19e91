import type { Dataset, File } from 'h5wasm';
import { FormatError, MissingDependencyError, ValueError } from '../errors.js';
import { isFolder } from './files.js';
import type { SafetensorsDtype } from './safetensors-dtypes.js';

/** What a file says about one of its arrays. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  /** The element type, by the name that safetensors gives it; undefined for texts and the like. */
  readonly dtype: SafetensorsDtype | undefined;
}

type Library = Awaited<typeof import('h5wasm')['ready']>;

/**
 * An HDF5 file, read by the package h5wasm, which is loaded when the first one is opened. Arrays
 * are read in parts, as they are asked for.
 */
export class Hdf5File {
  readonly path: string;
  readonly #file: File;
  readonly #library: Library;

  private constructor(path: string, file: File, library: Library) {
    this.path = path;
    this.#file = file;
    this.#library = library;
  }

  /** @throws FileError; FormatError; MissingDependencyError without the package h5wasm. */
  static async open(path: string): Promise<Hdf5File> {
    if (await isFolder(path)) throw new FormatError(path, 'is a folder, not an HDF5 file');
    const { File: Hdf5, ready } = await importH5wasm();
    const library = await ready;
    // Without it the library writes pages of diagnostics to the terminal.
    library.activate_throwing_error_handler();
    try {
      return new Hdf5File(path, new Hdf5(path, 'r'), library);
    } catch (error) {
      throw unreadable(path, 'is no HDF5 file that can be read', error);
    }
  }

  /** The names of all arrays, those in groups with their path (`group/array`). @throws FormatError */
  names(): string[] {
    try {
      return this.#file.paths().filter((path) => isDataset(this.#file.get(path)));
    } catch (error) {
      throw unreadable(this.path, 'has a table of contents that cannot be read', error);
    }
  }

  /** @throws FormatError when there is no such array. */
  array(name: string): Hdf5Array {
    const { metadata } = this.#dataset(name);
    return { shape: metadata.shape ?? [], dtype: dtypeOf(metadata) };
  }

  /**
   * The little-endian bytes of some entries along the first axis.
   * @throws FormatError; ValueError for elements that are no numbers.
   */
  read(name: string, first: number, count: number): Uint8Array {
    const { path, metadata } = this.#dataset(name);
    const { shape, size } = metadata;
    if (!shape || dtypeOf(metadata) === undefined) {
      throw new ValueError(`${this.path}: ${name} does not hold little-endian numbers`);
    }
    const extent = [count, ...shape.slice(1)];
    const bytes = extent.reduce((product, axis) => product * axis, size);
    const place = this.#library._malloc(bytes);
    if (place === 0) throw new FormatError(this.path, `${name}: no memory for ${bytes} bytes`);
    try {
      this.#library.get_dataset_data(
        this.#file.file_id,
        path,
        extent.map(BigInt),
        shape.map((_, axis) => BigInt(axis === 0 ? first : 0)),
        shape.map(() => 1n),
        BigInt(place),
      );
      return this.#library.HEAPU8.slice(place, place + bytes);
    } catch (error) {
      throw unreadable(this.path, `${name} cannot be read`, error);
    } finally {
      this.#library._free(place);
    }
  }

  /** A list of texts, or of whole numbers as texts. @throws FormatError */
  texts(name: string): string[] {
    let values: unknown;
    try {
      values = this.#dataset(name).value;
    } catch (error) {
      throw unreadable(this.path, `${name} cannot be read`, error);
    }
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
      throw new FormatError(this.path, `${name} is no list of texts`);
    }
    return Array.from(values as ArrayLike<unknown>, String);
  }

  /** Lets go of the file. */
  close(): void {
    this.#file.close();
  }

  #dataset(name: string): Dataset {
    let found: unknown;
    try {
      found = this.#file.get(name);
    } catch (error) {
      throw unreadable(this.path, `${name} cannot be opened`, error);
    }
    if (isDataset(found)) return found;
    throw new FormatError(this.path, `has no array ${name}, only ${this.names().join(', ')}`);
  }
}

function isDataset(found: unknown): found is Dataset {
  return typeof found === 'object' && found !== null && 'type' in found && found.type === 'Dataset';
}

const INTEGER = 0;
const FLOAT = 1;

function dtypeOf({ type, size, signed, littleEndian, vlen }: Dataset['metadata']) {
  if (vlen || (!littleEndian && size > 1)) return undefined;
  if (type === FLOAT) return ({ 2: 'F16', 4: 'F32', 8: 'F64' } as const)[size];
  if (type !== INTEGER) return undefined;
  const bits = ({ 1: 8, 2: 16, 4: 32, 8: 64 } as const)[size];
  return bits === undefined ? undefined : signed ? (`I${bits}` as const) : (`U${bits}` as const);
}

/** The library's stack of complaints, of which the last is the reason. */
function unreadable(path: string, what: string, error: unknown): unknown {
  if (error instanceof FormatError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const reason = [...text.matchAll(/^ +#\d+: .*?\(\): (.*)$/gm)].at(-1)?.[1] ?? text.slice(0, 100);
  return new FormatError(path, `${what} (${reason})`, { cause: error });
}

async function importH5wasm(): Promise<typeof import('h5wasm')> {
  try {
    return await import('h5wasm/node');
  } catch (error) {
    throw new MissingDependencyError(
      'HDF5 files are read by the package "h5wasm", which could not be loaded: npm install h5wasm',
      { cause: error },
    );
  }
}
