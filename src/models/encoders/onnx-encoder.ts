/** An ONNX network as an encoder: which of its outputs are read, and how it is saved. */
import { z } from 'zod';
import { safetensorsTensor } from '../../data/formats/safetensors-dtypes.js';
import { firstIssue } from '../../data/formats/schema-errors.js';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import { FormatError, ValueError } from '../../errors.js';
import {
  checkBatch,
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  type SavedEncoder,
} from './encoder.js';
import { OnnxModel } from './onnx-model.js';
import { type Chosen, gridsOf, Outputs, type Readable, vectorsOf } from './onnx-outputs.js';

const savedSchema = z.object({
  name: z.string(),
  preprocessing: z.unknown(),
  pooled: z.string().optional(),
  grid: z.string().optional(),
  registerTokens: z.int().min(0).optional(),
});

/**
 * An encoder from an ONNX file with one input of photos, see `photoInput`.
 *
 * Unless they are named, `grid` is the output of the fewest places, and `pooled` the vector with "pool"
 * in its name, or "image_embed", else the class token of the grid, else its mean over the places, else
 * the only vector. Preprocessing is MobileNet's (bytes / 127.5 - 1) at the size of the model's input
 * unless it is given.
 * @throws FormatError for a file that onnxruntime does not open or run or that has no such outputs;
 *   ValueError for outputs or a preprocessing that do not fit the model;
 *   MissingDependencyError without onnxruntime-node.
 */
export async function openOnnx(
  bytes: Uint8Array,
  source: string,
  options: EncoderOptions,
): Promise<Encoder> {
  const { registerTokens } = options;
  const model = await OnnxModel.open(bytes, source, options.preprocessing);
  const chosen = (await outputsOf(model, registerTokens, source)).choose(options);
  const name = source.split(/[/\\]/).at(-1) ?? source;
  return new OnnxEncoder(model, bytes, { name, registerTokens, path: source }, chosen);
}

/** An encoder from a model file. @throws as `openOnnx` */
export async function restoreOnnx(saved: SavedEncoder, source: string): Promise<Encoder> {
  const bytes = saved.tensors.get('model')?.bytes;
  if (!bytes) throw new FormatError(source, 'the tensor "model" with the ONNX file is missing');
  const parsed = savedSchema.safeParse(saved.metadata);
  if (!parsed.success) throw new FormatError(source, firstIssue(parsed.error, saved.metadata));
  const { name, preprocessing, pooled, grid, registerTokens } = parsed.data;
  const model = await OnnxModel.open(bytes, source, parsePreprocessing(preprocessing, source));
  const outputs = await outputsOf(model, registerTokens, source);
  const chosen = {
    pooled: pooled === undefined ? undefined : outputs.named(pooled, 'pooled'),
    grid: grid === undefined ? undefined : outputs.named(grid, 'grid'),
  };
  if (!chosen.pooled && !chosen.grid) throw outputs.none();
  return new OnnxEncoder(model, bytes, { name, registerTokens }, chosen);
}

async function outputsOf(
  model: OnnxModel,
  registerTokens: number | undefined,
  source: string,
): Promise<Outputs> {
  const { preprocessing, channelsLast } = model;
  return new Outputs(
    await model.probe(),
    { ...preprocessing, channelsLast, registerTokens },
    source,
  );
}

class OnnxEncoder implements Encoder {
  readonly name: string;
  readonly preprocessing: Preprocessing;
  readonly outputs: Encoder['outputs'];
  readonly path?: string;
  readonly #model: OnnxModel;
  readonly #bytes: Uint8Array;
  readonly #registerTokens: number | undefined;
  /** What `save` says is read; without `pooled` the vector is read from the grid's output. */
  readonly #chosen: Chosen;
  readonly #pooled: Readable;

  constructor(
    model: OnnxModel,
    bytes: Uint8Array,
    {
      name,
      registerTokens,
      path,
    }: { name: string; registerTokens: number | undefined; path?: string },
    chosen: Chosen,
  ) {
    const { grid } = chosen;
    const pooled = chosen.pooled ?? grid;
    if (!pooled) throw new ValueError(`${name} has no output to read`);
    const pooledSize = pooled.form.kind === 'vector' ? pooled.form.D : pooled.form.shape[0];
    this.name = name;
    this.preprocessing = model.preprocessing;
    this.outputs = {
      pooled: pooledSize,
      ...(grid && grid.form.kind !== 'vector' && { grid: grid.form.shape }),
    };
    if (path !== undefined) this.path = path;
    this.#model = model;
    this.#bytes = bytes;
    this.#registerTokens = registerTokens;
    this.#chosen = chosen;
    this.#pooled = pooled;
  }

  async encode(
    batch: Float32Array,
    N: number,
    options: { grid?: boolean } = {},
  ): Promise<EncodedBatch> {
    checkBatch(batch, N, this.preprocessing);
    const grid = options.grid ? this.#chosen.grid : undefined;
    if (options.grid && !grid) {
      throw new ValueError(
        `${this.name} has no grid: choose an output with places for it, (N, C, H, W) or tokens`,
      );
    }
    const nothing = new Float32Array(0);
    if (N === 0) return { pooled: nothing, ...(options.grid && { grid: nothing }) };
    const names = new Set([this.#pooled.name, ...(grid ? [grid.name] : [])]);
    const outputs = await this.#model.run(batch, N, [...names]);
    const of = ({ name }: Readable) =>
      outputs.find((output) => output.name === name)?.data ?? nothing;
    const pooled = vectorsOf(this.#pooled.form, of(this.#pooled), N);
    if (!grid || grid.form.kind === 'vector') return { pooled };
    return { pooled, grid: gridsOf(grid.form, of(grid), N) };
  }

  save(): SavedEncoder {
    const { name, preprocessing } = this;
    const { pooled, grid } = this.#chosen;
    const registerTokens = this.#registerTokens;
    return {
      kind: 'onnx',
      tensors: new Map([['model', safetensorsTensor(this.#bytes, [this.#bytes.length])]]),
      metadata: {
        name,
        preprocessing,
        ...(pooled && { pooled: pooled.name }),
        ...(grid && { grid: grid.name }),
        ...(registerTokens !== undefined && { registerTokens }),
      },
    };
  }

  dispose(): void {
    this.#model.dispose();
  }
}
