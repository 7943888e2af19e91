import { FileError, FormatError, ValueError } from '../errors.js';
import { checkReadable, isFolder, otherKindOf } from './files.js';
import { closeFilesOf, freshHdf5Library, type Hdf5Library } from './hdf5-library.js';
import { MOST_TEXTS } from './npy.js';
import { byteLengthOf, type SafetensorsDtype, safetensorsValues } from './safetensors-dtypes.js';
import { listed } from './strict-json.js';

/** What a file says about one of its arrays. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  /** The element type, by the name that safetensors gives it; undefined for texts and the like. */
  readonly dtype: SafetensorsDtype | undefined;
}

type Metadata = ReturnType<Hdf5Library['get_dataset_metadata']>;

/**
 * An HDF5 file, read by the package h5wasm, which is loaded when the first one is opened. Arrays
 * are read in parts, as they are asked for. A file that turns out damaged is closed.
 */
export class Hdf5File {
  readonly path: string;
  readonly #file: bigint;
  #library: Hdf5Library | undefined;
  #names: readonly string[] | undefined;
  readonly #metadata = new Map<string, Metadata>();

  private constructor(path: string, library: Hdf5Library, file: bigint) {
    this.path = path;
    this.#library = library;
    this.#file = file;
  }

  /** @throws FileError; FormatError; MissingDependencyError without the package h5wasm. */
  static async open(path: string): Promise<Hdf5File> {
    if (await isFolder(path)) throw new FormatError(path, 'is a folder, not an HDF5 file');
    await checkReadable(path);
    const library = await freshHdf5Library();
    try {
      const file = library.open(path, library.H5F_ACC_RDONLY, false, -1, -1);
      return new Hdf5File(path, library, file);
    } catch (error) {
      closeFilesOf(library);
      const other = await otherKindOf(path, '.h5');
      if (other !== undefined) throw new FormatError(path, other);
      throw unreadable(path, 'is no HDF5 file that can be read', error);
    }
  }

  /** The names of all arrays, those in groups with their path (`group/array`). @throws FormatError */
  names(): readonly string[] {
    this.#names ??= this.#ask('has a table of contents that cannot be read', (library) =>
      library
        .get_names(this.#file, '/', true)
        .filter((name) => isDataset(library, this.#file, name)),
    );
    return this.#names;
  }

  /** @throws FormatError when there is no such array. */
  array(name: string): Hdf5Array {
    const metadata = this.#metadataOf(name);
    return { shape: metadata.shape ?? [], dtype: dtypeOf(metadata) };
  }

  /**
   * The little-endian bytes of some entries along the first axis.
   * @throws FormatError; ValueError for elements that are no numbers.
   */
  read(name: string, first: number, count: number): Uint8Array {
    const { shape, dtype } = this.array(name);
    if (dtype === undefined || shape.length === 0) {
      throw new ValueError(`${this.path}: ${name} does not hold a list of numbers`);
    }
    const extent = [count, ...shape.slice(1)];
    const begin = shape.map((_, axis) => (axis === 0 ? first : 0));
    return this.#read(name, byteLengthOf(dtype, extent), extent, begin, (bytes) => bytes);
  }

  /** A list of texts, or of whole numbers as texts. @throws FormatError */
  texts(name: string): string[] {
    const { shape, type, size, vlen } = this.#metadataOf(name);
    const [count = 0] = shape ?? [];
    const dtype = this.array(name).dtype;
    const texts = type === TEXT;
    if (shape?.length !== 1 || !(texts || (type === INTEGER && dtype !== undefined))) {
      throw new FormatError(this.path, `${name} is no list of texts`);
    }
    if (count > MOST_TEXTS) {
      throw new FormatError(this.path, `${name} lists ${count} texts, more than are read`);
    }
    return this.#read(name, byteLengthOf('U8', [count, size]), shape, [0], (bytes, library) => {
      if (dtype !== undefined) {
        return Array.from<number | bigint, string>(
          safetensorsValues({ dtype, shape, bytes }),
          String,
        );
      }
      // Texts of any length are read as pointers to them.
      if (vlen) {
        const places = new Uint32Array(bytes.buffer);
        return Array.from(places, (place) => library.UTF8ToString(place));
      }
      return Array.from({ length: count }, (_, index) => {
        const text = bytes.subarray(index * size, (index + 1) * size);
        const end = text.indexOf(0);
        return new TextDecoder().decode(end < 0 ? text : text.subarray(0, end));
      });
    });
  }

  /** Lets go of the file. */
  close(): void {
    if (this.#library) closeFilesOf(this.#library);
    this.#library = undefined;
  }

  /** @param size bytes that `extent` elements from `begin` on take. */
  #read<T>(
    name: string,
    size: number | undefined,
    extent: readonly number[],
    begin: readonly number[],
    use: (bytes: Uint8Array, library: Hdf5Library) => T,
  ): T {
    return this.#ask(`${name} cannot be read`, (library) => {
      // More would be taken modulo 2^32.
      const fits = size !== undefined && size <= library.MAXIMUM_MEMORY;
      const place = fits ? library._malloc(size) : 0;
      if (size === undefined || place === 0) {
        throw new FormatError(
          this.path,
          `${name}: no memory for (${extent.join(', ')}) elements of it at once, ${size ?? 'an impossible number of'} bytes`,
        );
      }
      library.get_dataset_data(
        this.#file,
        name,
        extent.map(BigInt),
        begin.map(BigInt),
        extent.map(() => 1n),
        BigInt(place),
      );
      const result = use(library.HEAPU8.slice(place, place + size), library);
      library._free(place);
      return result;
    });
  }

  #metadataOf(name: string): Metadata {
    if (!this.names().includes(name)) {
      throw new FormatError(this.path, `has no array ${name}, only ${listed(this.names())}`);
    }
    const known = this.#metadata.get(name);
    if (known) return known;
    const metadata = this.#ask(`${name} cannot be opened`, (library) =>
      library.get_dataset_metadata(this.#file, name),
    );
    this.#metadata.set(name, metadata);
    return metadata;
  }

  /** @param fault what to say of the file when the library finds one. */
  #ask<T>(fault: string, question: (library: Hdf5Library) => T): T {
    if (!this.#library) throw new FileError(this.path, `${fault}: the file is closed`);
    try {
      return question(this.#library);
    } catch (error) {
      this.close();
      throw unreadable(this.path, fault, error);
    }
  }
}

/** A link that leads nowhere is none, and no damage; anything else that cannot be followed is. */
function isDataset(library: Hdf5Library, file: bigint, name: string): boolean {
  try {
    return library.get_type(file, name) === library.H5G_DATASET;
  } catch (error) {
    if (error instanceof Error && error.message.includes('special link traversal failed')) {
      return false;
    }
    throw error;
  }
}

const INTEGER = 0;
const FLOAT = 1;
const TEXT = 3;

/** Big-endian numbers too: the library turns them round. */
function dtypeOf({ type, size, signed, vlen }: Metadata): SafetensorsDtype | undefined {
  if (vlen) return undefined;
  if (type === FLOAT) return ({ 2: 'F16', 4: 'F32', 8: 'F64' } as const)[size];
  if (type !== INTEGER) return undefined;
  const bits = ({ 1: 8, 2: 16, 4: 32, 8: 64 } as const)[size];
  return bits === undefined ? undefined : signed ? (`I${bits}` as const) : (`U${bits}` as const);
}

/** The library's stack of complaints, of which the last is the reason. */
function unreadable(path: string, what: string, error: unknown): FormatError {
  if (error instanceof FormatError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const reason = [...text.matchAll(/^ +#\d+: .*?\(\): (.*)$/gm)].at(-1)?.[1] ?? text;
  return new FormatError(path, `${what} (${reason.slice(0, 100)})`, { cause: error });
}
