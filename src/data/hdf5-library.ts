import { MissingDependencyError } from '../errors.js';

/** The HDF5 library compiled to WebAssembly, with a memory of its own. */
export type Hdf5Library = Outer & { readonly FS: { readonly streams: readonly (Stream | null)[] } };

type Outer = Awaited<typeof import('h5wasm')['ready']>;
type Stream = Parameters<Outer['FS']['close']>[0] & { readonly fd: number };

/**
 * A fresh copy of the package h5wasm, for one file only. It tells of a fault by throwing out of the
 * middle of its work, and what it then left half done would abort the next call, or answer for the
 * next file: so no file shares it with another. Taken from the package's inner module, since the
 * outer one makes a single copy, which prints when it aborts.
 * @throws MissingDependencyError
 */
export async function freshHdf5Library(): Promise<Hdf5Library> {
  try {
    const inner = new URL('hdf5_util.js', import.meta.resolve('h5wasm/node')).href;
    const { default: create }: { default: (options: object) => Promise<Hdf5Library> } =
      await import(inner);
    const silent = () => {};
    const library = await create({ noInitialRun: true, print: silent, printErr: silent });
    // Without it the library writes pages of diagnostics to the terminal.
    library.activate_throwing_error_handler();
    return library;
  } catch (error) {
    throw new MissingDependencyError(
      'HDF5 files are read by the package "h5wasm", which could not be loaded: npm install h5wasm',
      { cause: error },
    );
  }
}

/** Closes what a copy of the library has open: the file, and a temporary one for every fault told. */
export function closeFilesOf({ FS }: Hdf5Library): void {
  for (const stream of FS.streams) if (stream && stream.fd > 2) FS.close(stream);
}
