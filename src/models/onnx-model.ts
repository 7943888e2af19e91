import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { importOnnxRuntime } from '#onnx-runtime';
import { PREPROCESSING, type Preprocessing } from '../data/preprocessing.js';
import { FormatError, ValueError } from '../errors.js';

/** One output of a run, its first axis the photos. */
export interface OnnxOutput {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

type OnnxRuntime = typeof import('onnxruntime-node');

/** A network in ONNX that takes photos: float32 (N, 3, height, width), N free or fixed. */
export class OnnxModel {
  readonly preprocessing: Preprocessing;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #input: string;
  /** How many photos a run takes; undefined when it does not matter. */
  readonly #batch: number | undefined;
  readonly #source: string;

  private constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    source: string,
    asked: Preprocessing | undefined,
  ) {
    const [input, ...others] = session.inputMetadata;
    if (!input?.isTensor || others.length > 0 || input.type !== 'float32') {
      throw new FormatError(
        source,
        `needs one input of float32, photos of (N, 3, height, width); it has ${session.inputNames.join(', ')}`,
      );
    }
    const [batch, channels, height, width] = input.shape;
    if (input.shape.length !== 4 || channels !== 3) {
      throw new FormatError(
        source,
        `input ${input.name} is (${input.shape.join(', ')}), not (N, 3, height, width)`,
      );
    }
    const own = asked ?? PREPROCESSING.mobilenet;
    const size = { height: fixed(height) ?? own.height, width: fixed(width) ?? own.width };
    if (asked && (size.height !== asked.height || size.width !== asked.width)) {
      throw new ValueError(
        `${source}: takes photos of ${size.width}x${size.height} pixels, but the preprocessing makes ${asked.width}x${asked.height}`,
      );
    }
    this.preprocessing = { ...own, ...size };
    this.#runtime = runtime;
    this.#session = session;
    this.#input = input.name;
    this.#batch = fixed(batch);
    this.#source = source;
  }

  /**
   * @param preprocessing MobileNet's at the size of the model's input when it is left out.
   * @throws FormatError, ValueError, MissingDependencyError
   */
  static async open(
    bytes: Uint8Array,
    source: string,
    preprocessing?: Preprocessing,
  ): Promise<OnnxModel> {
    const runtime = await importOnnxRuntime();
    let session: InferenceSession;
    try {
      session = await runtime.InferenceSession.create(bytes, { executionProviders: ['cpu'] });
    } catch (error) {
      const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
      throw new FormatError(source, `is no ONNX model that onnxruntime opens (${reason})`, {
        cause: error,
      });
    }
    return new OnnxModel(runtime, session, source, preprocessing);
  }

  /** Values of one photo. */
  get photoSize(): number {
    return 3 * this.preprocessing.height * this.preprocessing.width;
  }

  /** The float32 outputs for one photo of zeros: which there are, and how large. */
  async probe(): Promise<OnnxOutput[]> {
    const metadata = this.#session.outputMetadata;
    const floats = metadata.filter((output) => output.isTensor && output.type === 'float32');
    const names = floats.map((output) => output.name);
    return this.#run(new Float32Array(this.photoSize), 1, names);
  }

  /** Runs N photos; `outputs` names what to compute. */
  async run(photos: Float32Array, N: number, outputs: readonly string[]): Promise<OnnxOutput[]> {
    const most = this.#batch ?? N;
    if (N <= most) return this.#run(photos, N, outputs);
    const parts: OnnxOutput[][] = [];
    for (let n = 0; n < N; n += most) {
      const count = Math.min(most, N - n);
      const part = photos.subarray(n * this.photoSize, (n + count) * this.photoSize);
      parts.push(await this.#run(part, count, outputs));
    }
    return outputs.map((_, index) => joined(parts.flatMap((part) => part[index] ?? [])));
  }

  dispose(): void {
    void this.#session.release();
  }

  async #run(photos: Float32Array, N: number, outputs: readonly string[]): Promise<OnnxOutput[]> {
    const { height, width } = this.preprocessing;
    const batch = this.#batch ?? N;
    let values = photos;
    if (batch !== N) {
      values = new Float32Array(batch * this.photoSize);
      values.set(photos);
    }
    const x = new this.#runtime.Tensor('float32', values, [batch, 3, height, width]);
    const results = await this.#session.run({ [this.#input]: x }, [...outputs]);
    return outputs.map((name) => this.#firstOf(name, results[name], batch, N));
  }

  /** The first N of an output's `batch` rows. */
  #firstOf(name: string, tensor: Tensor | undefined, batch: number, N: number): OnnxOutput {
    const [rows, ...rest] = tensor?.dims ?? [];
    const data = tensor?.data;
    if (!(data instanceof Float32Array) || rows !== batch) {
      throw new FormatError(
        this.#source,
        `output ${name} is ${tensor?.type} (${tensor?.dims.join(', ')}), not float32 with ${batch} photos first`,
      );
    }
    return { name, dims: [N, ...rest], data: data.subarray(0, (data.length / batch) * N) };
  }
}

/** Runs of the same output, one after the other. */
function joined(parts: readonly OnnxOutput[]): OnnxOutput {
  const [first] = parts;
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

/** An extent that the model fixes; free ones are named, or not positive. */
function fixed(extent: number | string | undefined): number | undefined {
  return typeof extent === 'number' && extent > 0 ? extent : undefined;
}
