/** The HDF5 library in a worker thread, which answers one request at a time or is ended. */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { MissingDependencyError } from '../../errors.js';

/** What the library says of an array. */
export interface Hdf5Metadata {
  readonly shape: readonly number[];
  /** The library's number of the kind of elements. */
  readonly type: number;
  /** Bytes of an element. */
  readonly size: number;
  readonly signed: boolean;
  /** Whether elements are of any length. */
  readonly vlen: boolean;
}

/** What can be asked. */
interface Questions {
  open(path: string): boolean;
  /** The names of all arrays. */
  names(): string[];
  metadata(name: string): Hdf5Metadata;
  /** The bytes of a part of an array; undefined where there is no memory for `size` bytes. */
  read(
    name: string,
    size: number,
    extent: readonly number[],
    begin: readonly number[],
  ): Uint8Array<ArrayBuffer> | undefined;
  /** A list of texts of any length. */
  texts(name: string, size: number, extent: readonly number[]): string[] | undefined;
}

type Library = Awaited<typeof import('h5wasm')['ready']> & {
  readonly FS: { readonly streams: readonly ({ readonly fd: number } | null)[] };
};

/** What a worker is given, and how it answers. */
interface Desk {
  readonly port: MessagePort;
  /** Counts the answers; who asks sleeps on it. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

type Answer = { readonly value: unknown } | { readonly fault: string };

/** Milliseconds that the library may take to load, on a machine with other things to do. */
const LOADING = 120_000;

/**
 * The HDF5 library in a worker, for one file only. It tells of a fault by throwing out of the middle of
 * its work, and what it then left half done would abort the next call, or answer for the next file. It
 * can be asked and waited for in the middle of a training step, and ended when it does not answer.
 */
export class Hdf5Worker {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered: Int32Array<SharedArrayBuffer>;
  readonly #patience: number;

  private constructor(worker: Worker, port: MessagePort, desk: Desk, patience: number) {
    this.#worker = worker;
    this.#port = port;
    this.#answered = desk.answered;
    this.#patience = patience;
  }

  /**
   * @param patience milliseconds that an answer may take.
   * @throws MissingDependencyError without the package h5wasm.
   */
  static async start(patience: number): Promise<Hdf5Worker> {
    const { port1, port2 } = new MessageChannel();
    const desk: Desk = { port: port2, answered: new Int32Array(new SharedArrayBuffer(4)) };
    let worker: Worker | undefined;
    try {
      // Its inner module, since the outer one makes a copy that prints when it aborts.
      const library = new URL('hdf5_util.js', import.meta.resolve('h5wasm/node')).href;
      const program = `import(${JSON.stringify(library)}).then(({ default: create }) => (${serve})(create, require('node:worker_threads').workerData))`;
      worker = new Worker(program, {
        eval: true,
        workerData: desk,
        transferList: [port2],
        // What this process was told to load is none of its business.
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: 1024 },
      });
      await started(worker, port1);
      worker.unref();
      port1.unref();
      return new Hdf5Worker(worker, port1, desk, patience);
    } catch (error) {
      await worker?.terminate();
      throw new MissingDependencyError(
        'HDF5 files are read by the package "h5wasm", which could not be loaded: npm install h5wasm',
        { cause: error },
      );
    }
  }

  /** @throws Error with the library's words, or that it did not answer in time. */
  ask<Q extends keyof Questions>(
    question: Q,
    ...asked: Parameters<Questions[Q]>
  ): ReturnType<Questions[Q]> {
    const before = Atomics.load(this.#answered, 0);
    this.#port.postMessage({ question, asked });
    const outcome = Atomics.wait(this.#answered, 0, before, this.#patience);
    const answer: { message: Answer } | undefined = receiveMessageOnPort(this.#port);
    if (outcome === 'timed-out' || !answer) {
      throw new Error(
        `no end of it after ${Math.round(this.#patience) / 1000} s: the file is damaged`,
      );
    }
    if ('fault' in answer.message) throw new Error(answer.message.fault);
    // The worker answers as `Questions` says.
    return answer.message.value as ReturnType<Questions[Q]>;
  }

  /** Ends it, in the middle of whatever it does, and closes what it has open. */
  async end(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }
}

/** Waits for the first message. @throws what the worker fails with */
function started(worker: Worker, port: MessagePort): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('it did not load in time')), LOADING);
    const settle = (then: () => void) => {
      clearTimeout(late);
      port.removeAllListeners('message');
      then();
    };
    port.on('message', () => settle(resolve));
    // Later failures leave questions unanswered, which is noticed there.
    worker.on('error', (error) => settle(() => reject(error)));
  });
}

/** What runs in the worker. Its text travels there, so it uses nothing from around it. */
async function serve(create: (options: object) => Promise<Library>, { port, answered }: Desk) {
  const silent = () => {};
  const library = await create({ noInitialRun: true, print: silent, printErr: silent });
  // Without it the library writes pages of diagnostics to the terminal.
  library.activate_throwing_error_handler();
  let file = 0n;

  /** A link that leads nowhere is none, and no damage; anything else that cannot be followed is. */
  const isDataset = (name: string) => {
    try {
      return library.get_type(file, name) === library.H5G_DATASET;
    } catch (error) {
      if (`${error}`.includes('special link traversal failed')) return false;
      throw error;
    }
  };
  const readTo = <T>(
    [name, size, extent, begin]: readonly [string, number, readonly number[], readonly number[]],
    use: (place: number) => T,
  ): T | undefined => {
    // More would be taken modulo 2^32.
    const place = size <= library.MAXIMUM_MEMORY ? library._malloc(size) : 0;
    if (place === 0) return undefined;
    library.get_dataset_data(
      file,
      name,
      extent.map(BigInt),
      begin.map(BigInt),
      extent.map(() => 1n),
      BigInt(place),
    );
    const result = use(place);
    library._free(place);
    return result;
  };
  const questions: Questions = {
    open: (path) => {
      file = library.open(path, library.H5F_ACC_RDONLY, false, -1, -1);
      return true;
    },
    names: () => library.get_names(file, '/', true).filter(isDataset),
    metadata: (name) => {
      const { shape, type, size, signed, vlen } = library.get_dataset_metadata(file, name);
      return { shape: shape ?? [], type, size, signed, vlen };
    },
    read: (name, size, extent, begin) =>
      readTo([name, size, extent, begin], (place) => library.HEAPU8.slice(place, place + size)),
    texts: (name, size, extent) =>
      readTo([name, size, extent, extent.map(() => 0)], (place) => {
        // The array is one of pointers to the texts.
        const places = new Uint32Array(library.HEAPU8.slice(place, place + size).buffer);
        return Array.from(places, (at) => library.UTF8ToString(at));
      }),
  };
  port.on('message', ({ question, asked }: { question: keyof Questions; asked: never }) => {
    let answer: Answer;
    try {
      const answering: (...asked: never) => unknown = questions[question];
      answer = { value: answering(...asked) };
    } catch (error) {
      answer = { fault: error instanceof Error ? error.message : `${error}` };
    }
    const bytes =
      'value' in answer && answer.value instanceof Uint8Array ? answer.value.buffer : undefined;
    port.postMessage(answer, bytes instanceof ArrayBuffer ? [bytes] : []);
    Atomics.add(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
  port.postMessage('ready');
}
