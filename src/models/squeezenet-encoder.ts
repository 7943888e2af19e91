import { type SafetensorsTensor, safetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import { isRecord } from '../data/formats/strict-json.js';
import {
  PREPROCESSING,
  type Preprocessing,
  parsePreprocessing,
} from '../data/pictures/preprocessing.js';
import { scope } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { tensor } from '../tensor/create.js';
import {
  checkBatch,
  type EncodedBatch,
  type Encoder,
  type EncoderOptions,
  type SavedEncoder,
} from './encoder-interface.js';
import {
  type SqueezenetParameters,
  squeezenet,
  squeezenetGrid,
  squeezenetParameters,
} from './squeezenet.js';

/** An encoder from SqueezeNet's state dict. @throws FormatError, UsageError */
export function openSqueezenet(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  source: string,
  { preprocessing = 'imagenet', pooled, grid, registerTokens }: EncoderOptions,
): Encoder {
  const idle = pooled ?? grid ?? registerTokens;
  if (idle !== undefined) {
    throw new UsageError(
      `${source}: SqueezeNet’s outputs have no names or tokens to choose by (${idle}); leave that out`,
    );
  }
  const asked = typeof preprocessing === 'string' ? PREPROCESSING[preprocessing] : preprocessing;
  const whole = parsePreprocessing(asked, source);
  return new SqueezenetEncoder(withoutClassifier(tensors, source), whole, source);
}

/** An encoder from a model file. @throws FormatError */
export function restoreSqueezenet({ tensors, metadata }: SavedEncoder, source: string): Encoder {
  const preprocessing = isRecord(metadata) ? metadata.preprocessing : undefined;
  return new SqueezenetEncoder(
    squeezenetParameters(tensors, source),
    parsePreprocessing(preprocessing, source),
  );
}

/** Features are read before the classifier: it would only make model files larger. */
function withoutClassifier(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  source: string,
): SqueezenetParameters {
  const parameters = { ...squeezenetParameters(tensors, source) };
  for (const name of ['classifier.1.weight', 'classifier.1.bias']) {
    parameters[name]?.dispose();
    delete parameters[name];
  }
  return parameters;
}

class SqueezenetEncoder implements Encoder {
  readonly name = 'SqueezeNet 1.0';
  readonly preprocessing: Preprocessing;
  readonly outputs: { readonly pooled: number; readonly grid: readonly [number, number, number] };
  readonly path?: string;
  readonly #parameters: SqueezenetParameters;

  constructor(parameters: SqueezenetParameters, preprocessing: Preprocessing, path?: string) {
    this.#parameters = parameters;
    this.preprocessing = preprocessing;
    const grid = squeezenetGrid(preprocessing.height, preprocessing.width);
    this.outputs = { pooled: grid[0], grid };
    if (path !== undefined) this.path = path;
  }

  async encode(
    batch: Float32Array,
    N: number,
    options: { grid?: boolean } = {},
  ): Promise<EncodedBatch> {
    const photoSize = checkBatch(batch, N, this.preprocessing);
    const { width, height } = this.preprocessing;
    const [C, H, W] = this.outputs.grid;
    const pooled = new Float32Array(N * C);
    const grid = options.grid ? new Float32Array(N * C * H * W) : undefined;
    for (let n = 0; n < N; n++) {
      if (n > 0) await otherWork();
      using _photo = scope();
      const photo = batch.subarray(n * photoSize, (n + 1) * photoSize);
      const out = squeezenet(tensor(photo, { shape: [1, 3, height, width] }), this.#parameters);
      pooled.set(out.pooled.dataSync(), n * C);
      grid?.set(out.grid.dataSync(), n * C * H * W);
    }
    return grid ? { pooled, grid } : { pooled };
  }

  save(): SavedEncoder {
    const { name, preprocessing } = this;
    const tensors = Object.entries(this.#parameters).map(
      ([key, leaf]): [string, SafetensorsTensor] => [
        key,
        safetensorsTensor(Float32Array.from(leaf.dataSync()), leaf.shape),
      ],
    );
    return { kind: 'squeezenet', tensors: new Map(tensors), metadata: { name, preprocessing } };
  }

  dispose(): void {
    for (const leaf of Object.values(this.#parameters)) leaf.dispose();
  }
}

/** Lets what waits go first, once a photo: the next photos' files and decoders, a page's input. */
function otherWork(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
