/** What an ONNX network takes: photos, in its order of axes, type and scale. */
import type { InferenceSession } from 'onnxruntime-node';
import {
  checkInputSize,
  PREPROCESSING,
  type Preprocessing,
  type PreprocessingName,
  parsePreprocessing,
} from '../../data/pictures/preprocessing.js';
import { FormatError, ValueError } from '../../errors.js';

/** What an ONNX network takes: a batch of photos. */
export interface PhotoInput {
  readonly name: string;
  readonly type: 'float32' | 'float16' | 'uint8';
  /** (N, height, width, 3) instead of (N, 3, height, width). */
  readonly channelsLast: boolean;
  /** How many photos a run takes, and of what size; undefined where it does not matter. */
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

const TYPES = ['float32', 'float16', 'uint8'] as const;
const PHOTOS =
  'photos of float32, float16 or uint8, (N, 3, height, width) or (N, height, width, 3)';

/**
 * Finds what a network takes. A free axis of channels is that of photos.
 * @throws FormatError naming what it takes instead of photos alone.
 */
export function photoInput(
  inputs: readonly InferenceSession.ValueMetadata[],
  source: string,
): PhotoInput {
  const [input, ...others] = inputs;
  if (!input || others.length > 0) {
    const all = inputs.map(showInput).join('; ');
    throw new FormatError(
      source,
      `has ${inputs.length} inputs${all && `: ${all}`}. Glimpse gives one, ${PHOTOS}: export the part that sees, alone (of CLIP the vision model)`,
    );
  }
  const type = TYPES.find((known) => input.isTensor && input.type === known);
  if (!input.isTensor || !type) {
    throw new FormatError(source, `its input is ${showInput(input)}; Glimpse gives ${PHOTOS}`);
  }
  const [batch, ...axes] = input.shape;
  const [first, , last] = axes;
  const couldBeFirst = (fixed(first) ?? 3) === 3;
  const isLast = fixed(last) === 3 || namesChannels(last);
  const isFirst = couldBeFirst && (fixed(first) === 3 || !isLast);
  if (input.shape.length !== 4 || !(isFirst || isLast)) {
    throw new FormatError(source, `its input is ${showInput(input)}; Glimpse gives ${PHOTOS}`);
  }
  const [height, width] = isFirst ? axes.slice(1) : axes;
  return {
    name: input.name,
    type,
    channelsLast: !isFirst,
    batch: fixed(batch),
    height: fixed(height),
    width: fixed(width),
  };
}

/**
 * How photos become the input of a network.
 * @param asked by name: with the size that the network takes; otherwise exactly this. Without it
 *   MobileNet's, and for bytes the bytes.
 * @throws ValueError when it does not fit; FormatError for a size that no memory holds.
 */
export function preprocessingFor(
  input: PhotoInput,
  asked: Preprocessing | PreprocessingName | undefined,
  source: string,
): Preprocessing {
  const takesBytes = input.type === 'uint8';
  const own = takesBytes ? bytesAsTheyAre : PREPROCESSING.mobilenet;
  const wanted = typeof asked === 'string' ? PREPROCESSING[asked] : (asked ?? own);
  const size = { height: input.height ?? wanted.height, width: input.width ?? wanted.width };
  checkInputSize(size, source, input.batch);
  const isGiven = typeof asked === 'object';
  if (isGiven && (size.height !== asked.height || size.width !== asked.width)) {
    throw new ValueError(
      `${source}: takes photos of ${size.width}x${size.height} pixels, but the preprocessing makes ${asked.width}x${asked.height}`,
    );
  }
  if (takesBytes && !isBytes(wanted)) {
    throw new ValueError(
      `${source}: input ${input.name} is uint8, so the network brings bytes to its own scale, but the preprocessing does so, too: leave that out of it (do_rescale and do_normalize false)`,
    );
  }
  return parsePreprocessing({ ...wanted, ...size }, source);
}

const bytesAsTheyAre: Preprocessing = {
  ...PREPROCESSING.mobilenet,
  scale: 1,
  mean: [0, 0, 0],
  standardDeviation: [1, 1, 1],
};

function isBytes({ scale, mean, standardDeviation }: Preprocessing): boolean {
  return (
    scale === 1 &&
    mean.every((value) => value === 0) &&
    standardDeviation.every((value) => value === 1)
  );
}

/** Photos (N, 3, height, width) as a network's input has them: its order of axes, its type. */
export function inputValues(
  photos: Float32Array,
  { type, channelsLast }: PhotoInput,
  area: number,
): Float32Array | Uint16Array | Uint8Array {
  const values = channelsLast ? interleaved(photos, area) : photos;
  if (type === 'float32') return values;
  return type === 'uint8' ? Uint8Array.from(values) : toFloat16(values);
}

/** Planes of colours to colours of places. */
function interleaved(photos: Float32Array, area: number): Float32Array {
  const out = new Float32Array(photos.length);
  for (let start = 0; start < photos.length; start += 3 * area) {
    for (let c = 0; c < 3; c++) {
      for (let place = 0; place < area; place++) {
        out[start + place * 3 + c] = photos[start + c * area + place] ?? 0;
      }
    }
  }
  return out;
}

/** The bits of the nearest halves (IEEE 754 binary16, ties to even). */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, (word) => {
    const sign = (word >>> 16) & 0x8000;
    const rest = word & 0x7fffffff;
    if (rest > 0x7f800000) return sign | 0x7e00;
    if (rest >= 0x47800000) return sign | 0x7c00;
    if (rest < 0x38800000) return sign | roundToEven(Math.abs(float32(word)) * 2 ** 24);
    // The exponent's bias goes from 127 to 15; rounding may carry into it, up to infinity.
    return sign | roundToEven((rest - 0x38000000) / 2 ** 13);
  });
}

const word = new Uint32Array(1);
const asFloat = new Float32Array(word.buffer);

function float32(bits: number): number {
  word[0] = bits;
  return asFloat[0] ?? 0;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  return over > 0.5 || (over === 0.5 && below % 2 === 1) ? below + 1 : below;
}

function showInput(input: InferenceSession.ValueMetadata): string {
  if (!input.isTensor) return `${input.name}, no tensor`;
  return `${input.name}, ${input.type} (${input.shape.map((axis) => axis || '?').join(', ')})`;
}

/** An extent that the model fixes; free ones are named, or not positive. */
function fixed(extent: number | string | undefined): number | undefined {
  return typeof extent === 'number' && extent > 0 ? extent : undefined;
}

/** Whether an axis that is free is called by its channels. */
function namesChannels(axis: number | string | undefined): boolean {
  return typeof axis === 'string' && /channel/i.test(axis);
}
