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

/** What the worker can do. */
interface Requests {
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

/** What a worker gets to answer with. */
interface Channel {
  readonly port: MessagePort;
  /** Counts the answers; the caller waits on it. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

type Answer = { readonly value: unknown } | { readonly fault: string };

/** Milliseconds that the library may take to load, on a machine with other things to do. */
const LOAD_TIMEOUT = 120_000;

/**
 * The HDF5 library in a worker thread, for one file only. The library reports a fault by an exception in the
 * middle of its work, which leaves it in a state that would abort the next call or answer for the next file. A
 * worker can be called synchronously in the middle of a training step, and ended when it does not answer.
 */
export class Hdf5Worker {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered: Int32Array<SharedArrayBuffer>;
  readonly #timeout: number;

  private constructor(worker: Worker, port: MessagePort, channel: Channel, timeout: number) {
    this.#worker = worker;
    this.#port = port;
    this.#answered = channel.answered;
    this.#timeout = timeout;
  }

  /**
   * @param timeout milliseconds that an answer may take.
   * @throws MissingDependencyError without the package h5wasm.
   */
  static async start(timeout: number): Promise<Hdf5Worker> {
    const { port1, port2 } = new MessageChannel();
    const channel: Channel = { port: port2, answered: new Int32Array(new SharedArrayBuffer(4)) };
    let worker: Worker | undefined;
    try {
      // Its inner module, since the outer one makes a copy that prints when it aborts.
      const library = new URL('hdf5_util.js', import.meta.resolve('h5wasm/node')).href;
      const program = `import(${JSON.stringify(library)}).then(({ default: create }) => (${serve})(create, require('node:worker_threads').workerData))`;
      worker = new Worker(program, {
        eval: true,
        workerData: channel,
        transferList: [port2],
        // It does not load what this process was started with.
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: 1024 },
      });
      await started(worker, port1);
      worker.unref();
      port1.unref();
      return new Hdf5Worker(worker, port1, channel, timeout);
    } catch (error) {
      await worker?.terminate();
      throw new MissingDependencyError(
        'HDF5 files are read by the package "h5wasm", which could not be loaded: npm install h5wasm',
        { cause: error },
      );
    }
  }

  /** @throws Error with the library's words, or that it did not answer in time. */
  call<Q extends keyof Requests>(
    request: Q,
    ...args: Parameters<Requests[Q]>
  ): ReturnType<Requests[Q]> {
    const before = Atomics.load(this.#answered, 0);
    this.#port.postMessage({ request, args });
    const outcome = Atomics.wait(this.#answered, 0, before, this.#timeout);
    const answer: { message: Answer } | undefined = receiveMessageOnPort(this.#port);
    if (outcome === 'timed-out' || !answer) {
      throw new Error(
        `no end of it after ${Math.round(this.#timeout) / 1000} s: the file is damaged`,
      );
    }
    if ('fault' in answer.message) throw new Error(answer.message.fault);
    // The worker answers as `Requests` says.
    return answer.message.value as ReturnType<Requests[Q]>;
  }

  /** Ends the worker, whatever it is doing, and closes its file. */
  async end(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }
}

/** Waits for the first message. @throws what the worker fails with */
function started(worker: Worker, port: MessagePort): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('it did not load in time')), LOAD_TIMEOUT);
    const settle = (then: () => void) => {
      clearTimeout(late);
      port.removeAllListeners('message');
      then();
    };
    port.on('message', () => settle(resolve));
    // Later failures leave requests unanswered, which is noticed there.
    worker.on('error', (error) => settle(() => reject(error)));
  });
}

/** What runs in the worker. Its text travels there, so it uses nothing from around it. */
async function serve(create: (options: object) => Promise<Library>, { port, answered }: Channel) {
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
  const requests: Requests = {
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
  port.on('message', ({ request, args }: { request: keyof Requests; args: never }) => {
    let answer: Answer;
    try {
      const answering: (...args: never) => unknown = requests[request];
      answer = { value: answering(...args) };
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
