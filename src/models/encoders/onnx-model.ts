/** An ONNX network in onnxruntime: opened, probed for its outputs, run on photos. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { importOnnxRuntime } from '#onnx-runtime';
import { safetensorsValues } from '../../data/formats/safetensors-dtypes.js';
import type { Preprocessing, PreprocessingName } from '../../data/pictures/preprocessing.js';
import { FormatError } from '../../errors.js';
import { inputValues, type PhotoInput, photoInput, preprocessingFor } from './onnx-input.js';
import type { OnnxOutput } from './onnx-outputs.js';
import { outsideTensors } from './onnx-weights.js';

type OnnxRuntime = typeof import('onnxruntime-node');

/** What onnxruntime writes to the terminal by itself: its errors are thrown, too, and its warnings no user can heed. */
const FATAL = 4;

/** A network in ONNX that takes photos, see `photoInput`. */
export class OnnxModel {
  readonly preprocessing: Preprocessing;
  /** Whether it takes photos as (N, height, width, 3). */
  readonly channelsLast: boolean;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #input: PhotoInput;
  /** How many photos a run takes; undefined when it does not matter. */
  #batch: number | undefined;
  readonly #source: string;

  private constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    source: string,
    asked: Preprocessing | PreprocessingName | undefined,
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#input = photoInput(session.inputMetadata, source);
    this.preprocessing = preprocessingFor(this.#input, asked, source);
    this.channelsLast = this.#input.channelsLast;
    this.#batch = this.#input.batch;
    this.#source = source;
  }

  /**
   * @param preprocessing as of `preprocessingFor`.
   * @throws FormatError, ValueError, MissingDependencyError
   */
  static async open(
    bytes: Uint8Array,
    source: string,
    preprocessing?: Preprocessing | PreprocessingName,
  ): Promise<OnnxModel> {
    const [outside] = outsideTensors(bytes, source);
    if (outside) {
      throw new FormatError(
        source,
        `is a network without all of its weights: those of ${outside.name} are in a file ${outside.location}, which belongs beside the .onnx file: open that from its folder`,
      );
    }
    const runtime = await importOnnxRuntime();
    let session: InferenceSession;
    try {
      session = await runtime.InferenceSession.create(bytes, {
        executionProviders: ['cpu'],
        logSeverityLevel: FATAL,
      });
    } catch (error) {
      const reason = reasonOf(error);
      const what = /Unsupported data type/.test(reason)
        ? 'has an input or output of a type that there are no arrays for, such as bfloat16: export it with float32 or float16'
        : `is no ONNX model that onnxruntime opens (${reason})`;
      throw new FormatError(source, what, { cause: error });
    }
    return new OnnxModel(runtime, session, source, preprocessing);
  }

  /** Values of one photo. */
  get photoSize(): number {
    return 3 * this.preprocessing.height * this.preprocessing.width;
  }

  /**
   * The outputs of floats for a photo of zeros, or two: which there are, and how large. Those that are
   * not a row for each photo are left out.
   * @throws FormatError when the network does not run.
   */
  async probe(): Promise<OnnxOutput[]> {
    if (this.#batch === undefined) {
      const two = await this.#probe(2).catch(() => []);
      if (two.length > 0) return two;
      // Some networks say that N is free and hold a 1 within.
      this.#batch = 1;
    }
    return this.#probe(1);
  }

  async #probe(N: number): Promise<OnnxOutput[]> {
    const names = this.#session.outputMetadata
      .filter(({ isTensor }) => isTensor)
      .map(({ name }) => name);
    const batch = this.#batch ?? N;
    const results = await this.#run(new Float32Array(N * this.photoSize), N, names);
    return names.flatMap((name) => {
      const tensor = results[name];
      return tensor && isReadable(tensor, batch) ? [firstOf(name, tensor, batch, N)] : [];
    });
  }

  /**
   * Runs N photos; `outputs` names what to compute.
   * @throws FormatError when the network does not run, or an output is not a row for each photo.
   */
  async run(photos: Float32Array, N: number, outputs: readonly string[]): Promise<OnnxOutput[]> {
    const most = this.#batch ?? N;
    const parts: OnnxOutput[][] = [];
    for (let n = 0; n < N; n += most) {
      const count = Math.min(most, N - n);
      const part = photos.subarray(n * this.photoSize, (n + count) * this.photoSize);
      const batch = this.#batch ?? count;
      const results = await this.#run(part, count, outputs);
      parts.push(outputs.map((name) => this.#rowsOf(name, results[name], batch, count)));
    }
    return outputs.map((_, index) => joined(parts.flatMap((part) => part[index] ?? [])));
  }

  dispose(): void {
    void this.#session.release();
  }

  async #run(
    photos: Float32Array,
    N: number,
    outputs: readonly string[],
  ): Promise<InferenceSession.ReturnType> {
    const { height, width } = this.preprocessing;
    const batch = this.#batch ?? N;
    let whole = photos;
    if (batch !== N) {
      whole = new Float32Array(batch * this.photoSize);
      whole.set(photos);
    }
    const { name, type, channelsLast } = this.#input;
    const dims = channelsLast ? [batch, height, width, 3] : [batch, 3, height, width];
    const values = inputValues(whole, this.#input, height * width);
    try {
      const x = new this.#runtime.Tensor(type, values, dims);
      return await this.#session.run({ [name]: x }, [...outputs], { logSeverityLevel: FATAL });
    } catch (error) {
      const isFree = this.#input.height === undefined || this.#input.width === undefined;
      const advice = isFree
        ? '; its size is free: where it needs another one, say so by a preprocessing'
        : '';
      throw new FormatError(
        this.#source,
        `is damaged, or not made for photos of ${width}x${height} pixels: the network does not run (${reasonOf(error)})${advice}`,
        { cause: error },
      );
    }
  }

  #rowsOf(name: string, tensor: Tensor | undefined, batch: number, N: number): OnnxOutput {
    if (tensor && isReadable(tensor, batch)) return firstOf(name, tensor, batch, N);
    throw new FormatError(
      this.#source,
      `output ${name} is ${tensor?.type} (${tensor?.dims.join(', ')}), not of floats with ${batch} photos first`,
    );
  }
}

/** Whether an output has floats, and a row for each photo. */
function isReadable({ type, dims: [rows] }: Tensor, batch: number): boolean {
  return (type === 'float32' || type === 'float16') && rows === batch;
}

/** The first N of an output's `batch` rows. */
function firstOf(name: string, tensor: Tensor, batch: number, N: number): OnnxOutput {
  const values = floatsOf(tensor);
  return {
    name,
    dims: [N, ...tensor.dims.slice(1)],
    data: values.subarray(0, (values.length / batch) * N),
  };
}

/** Halves are bits in a Uint16Array, or where there is one a Float16Array. */
function floatsOf({ data, dims }: Tensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (!ArrayBuffer.isView(data)) throw new TypeError('the output is not in this memory');
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Float32Array.from(safetensorsValues({ dtype: 'F16', shape: dims, bytes }), Number);
}

/** Runs of the same output, one after the other. */
function joined(parts: readonly OnnxOutput[]): OnnxOutput {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
  let rows = 0;
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
    rows += part.dims[0] ?? 0;
  }
  return { name: first?.name ?? '', dims: [rows, ...(first?.dims.slice(1) ?? [])], data };
}

/** What onnxruntime says is wrong, for a message of ours: its first line, cut where it is long. */
function reasonOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
