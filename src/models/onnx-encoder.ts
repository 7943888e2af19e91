import { z } from 'zod';
import { firstIssue } from '../data/issues.js';
import { type Preprocessing, parsePreprocessing } from '../data/preprocessing.js';
import { safetensorsTensor } from '../data/safetensors-dtypes.js';
import { FormatError, ValueError } from '../errors.js';
import {
  checkBatch,
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  type SavedEncoder,
} from './encoder-interface.js';
import { OnnxModel, type OnnxOutput } from './onnx-model.js';

/** Which outputs are read. Without `pooled` the vector is the grid's mean over its places. */
interface Chosen {
  readonly pooled: OnnxOutput | undefined;
  readonly grid: OnnxOutput | undefined;
}

const savedSchema = z.object({
  name: z.string(),
  preprocessing: z.unknown(),
  pooled: z.string().optional(),
  grid: z.string().optional(),
});

/**
 * An encoder from an ONNX file with one input, float32 (N, 3, height, width).
 *
 * Unless they are named, `grid` is the 4-D output of the fewest places, and `pooled` the output
 * (N, D) or (N, D, 1, 1) with "pool" in its name, else the mean over the grid, else the only
 * (N, D) output. Preprocessing is MobileNet's (bytes / 127.5 - 1) at the size of the model's
 * input unless it is given.
 * @throws FormatError for a file that onnxruntime does not open or that has no such outputs;
 *   ValueError for outputs or a preprocessing that do not fit the model;
 *   MissingDependencyError without onnxruntime-node.
 */
export async function openOnnx(
  bytes: Uint8Array,
  source: string,
  options: EncoderOptions,
): Promise<Encoder> {
  const model = await OnnxModel.open(bytes, source, options.preprocessing);
  const chosen = choose(await model.probe(), options, source);
  const name = source.split(/[/\\]/).at(-1) ?? source;
  return new OnnxEncoder(model, bytes, name, chosen, source);
}

/** An encoder from a model file. @throws as `openOnnx` */
export async function restoreOnnx(saved: SavedEncoder, source: string): Promise<Encoder> {
  const bytes = saved.tensors.get('model')?.bytes;
  if (!bytes) throw new FormatError(source, 'the tensor "model" with the ONNX file is missing');
  const parsed = savedSchema.safeParse(saved.metadata);
  if (!parsed.success) throw new FormatError(source, firstIssue(parsed.error));
  const { name, preprocessing, pooled, grid } = parsed.data;
  const model = await OnnxModel.open(bytes, source, parsePreprocessing(preprocessing, source));
  const outputs = await model.probe();
  const chosen = {
    pooled: pooled === undefined ? undefined : named(outputs, pooled, 'pooled', isVector, source),
    grid: grid === undefined ? undefined : named(outputs, grid, 'grid', isGrid, source),
  };
  if (!chosen.pooled && !chosen.grid) throw noOutputs(outputs, source);
  return new OnnxEncoder(model, bytes, name, chosen);
}

class OnnxEncoder implements Encoder {
  readonly name: string;
  readonly preprocessing: Preprocessing;
  readonly outputs: {
    readonly pooled: number;
    readonly grid?: readonly [C: number, H: number, W: number];
  };
  readonly path?: string;
  readonly #model: OnnxModel;
  readonly #bytes: Uint8Array;
  readonly #pooled: string | undefined;
  readonly #grid: string | undefined;

  constructor(
    model: OnnxModel,
    bytes: Uint8Array,
    name: string,
    { pooled, grid }: Chosen,
    path?: string,
  ) {
    const [, D = 0] = (pooled ?? grid)?.dims ?? [];
    const [, C = 0, H = 0, W = 0] = grid?.dims ?? [];
    this.name = name;
    this.preprocessing = model.preprocessing;
    this.outputs = grid ? { pooled: D, grid: [C, H, W] } : { pooled: D };
    if (path !== undefined) this.path = path;
    this.#model = model;
    this.#bytes = bytes;
    this.#pooled = pooled?.name;
    this.#grid = grid?.name;
  }

  async encode(
    batch: Float32Array,
    N: number,
    options: { grid?: boolean } = {},
  ): Promise<EncodedBatch> {
    checkBatch(batch, N, this.preprocessing);
    if (options.grid && this.#grid === undefined) {
      throw new ValueError(`${this.name} has no grid: choose an output (N, C, H, W) for it`);
    }
    const nothing = new Float32Array(0);
    if (N === 0) return { pooled: nothing, ...(options.grid && { grid: nothing }) };
    const needsGrid = options.grid || this.#pooled === undefined;
    const names = [this.#pooled, needsGrid ? this.#grid : undefined].filter(
      (name) => name !== undefined,
    );
    const outputs = await this.#model.run(batch, N, names);
    const of = (name: string | undefined) => outputs.find((output) => output.name === name)?.data;
    const grid = of(this.#grid);
    const pooled = of(this.#pooled) ?? meanOverPlaces(grid, N * this.outputs.pooled);
    return options.grid && grid ? { pooled, grid } : { pooled };
  }

  save(): SavedEncoder {
    const { name, preprocessing } = this;
    return {
      kind: 'onnx',
      tensors: new Map([['model', safetensorsTensor(this.#bytes, [this.#bytes.length])]]),
      metadata: {
        name,
        preprocessing,
        ...(this.#pooled !== undefined && { pooled: this.#pooled }),
        ...(this.#grid !== undefined && { grid: this.#grid }),
      },
    };
  }

  dispose(): void {
    this.#model.dispose();
  }
}

function choose(
  outputs: readonly OnnxOutput[],
  { pooled, grid }: EncoderOptions,
  source: string,
): Chosen {
  const grids = outputs.filter(isGrid).sort((a, b) => places(a) - places(b));
  const vectors = outputs.filter(isVector);
  const chosenGrid = grid === undefined ? grids[0] : named(outputs, grid, 'grid', isGrid, source);
  if (pooled !== undefined) {
    return { pooled: named(outputs, pooled, 'pooled', isVector, source), grid: chosenGrid };
  }
  const chosen = vectors.find(({ name }) => /pool/i.test(name));
  if (chosen || chosenGrid) return { pooled: chosen, grid: chosenGrid };
  const [only, ...others] = vectors;
  if (!only || others.length > 0) throw noOutputs(outputs, source);
  return { pooled: only, grid: undefined };
}

function named(
  outputs: readonly OnnxOutput[],
  name: string,
  role: 'pooled' | 'grid',
  fits: (output: OnnxOutput) => boolean,
  source: string,
): OnnxOutput {
  const found = outputs.find((output) => output.name === name);
  if (found && fits(found)) return found;
  const what = found ? `is (${found.dims.join(', ')})` : 'does not exist';
  const needed = role === 'pooled' ? '(N, D)' : '(N, C, H, W)';
  throw new ValueError(
    `${source}: output ${name}, to be the ${role} ${needed}, ${what}; there are ${list(outputs)}`,
  );
}

function noOutputs(outputs: readonly OnnxOutput[], source: string): FormatError {
  return new FormatError(
    source,
    `no output is plainly the photo's vector (N, D) or grid (N, C, H, W): name one of ${list(outputs)}`,
  );
}

function list(outputs: readonly OnnxOutput[]): string {
  return outputs
    .map(({ name, dims }) => `${name} (${['N', ...dims.slice(1)].join(', ')})`)
    .join(', ');
}

function places({ dims: [, , H = 1, W = 1] }: OnnxOutput): number {
  return H * W;
}

function isGrid(output: OnnxOutput): boolean {
  return output.dims.length === 4 && places(output) > 1;
}

function isVector(output: OnnxOutput): boolean {
  return output.dims.length === 2 || (output.dims.length === 4 && places(output) === 1);
}

/** The mean of each of `planes` equally long runs of values. */
function meanOverPlaces(grid: Float32Array | undefined, planes: number): Float32Array {
  const size = (grid?.length ?? 0) / planes;
  return Float32Array.from({ length: planes }, (_, plane) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += grid?.[plane * size + i] ?? 0;
    return sum / size;
  });
}
