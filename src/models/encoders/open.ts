/** Encoders out of bytes and out of model files: which kind a file is, is decided here. */
import { parseSafetensors } from '../../data/formats/safetensors.js';
import { quote } from '../../data/formats/strict-json.js';
import { FormatError } from '../../errors.js';
import type { Encoder, EncoderOptions, SavedEncoder } from './encoder.js';
import { looksLikeSqueezenet, openSqueezenet, restoreSqueezenet } from './squeezenet-encoder.js';

/**
 * An encoder from its file's content: SqueezeNet 1.0 under torchvision's names (`.safetensors`), or
 * any vision network in ONNX (`.onnx`; the package onnxruntime-node runs it).
 * SqueezeNet's weights belong to the scope that is open around the call, or to nobody.
 *
 * @param source the file's name: it goes into errors, and `.onnx` at its end is what tells ONNX.
 * @throws FormatError naming the file; MissingDependencyError without onnxruntime-node.
 */
export async function encoderFromBytes(
  bytes: Uint8Array,
  source: string,
  options: EncoderOptions = {},
): Promise<Encoder> {
  if (isOnnxName(source)) {
    const { openOnnx } = await import('./onnx-encoder.js');
    return openOnnx(bytes, source, options);
  }
  const { tensors, metadata } = parseSafetensors(bytes, source);
  const own = withoutWrapper(tensors);
  if (looksLikeSqueezenet(own.keys())) return openSqueezenet(own, source, options);
  const what = metadata.format?.startsWith('glimpse')
    ? `it is one of ${metadata.format}`
    : `it has ${[...tensors.keys()].slice(0, 3).map(quote).join(', ')} and the like, but no "features.3.squeeze.weight"`;
  throw new FormatError(
    source,
    `is no encoder that Glimpse knows, SqueezeNet 1.0 under torchvision’s names or a file ending in .onnx: ${what}`,
  );
}

/** What training wrappers put before the name of every tensor. */
const WRAPPERS = ['module.', '_orig_mod.', 'model.', 'squeezenet.'];

/** Tensors by the names that they had before the network was wrapped. */
function withoutWrapper<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const wrapper = WRAPPERS.find(
    (prefix) => tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith(prefix)),
  );
  if (!wrapper) return tensors;
  return withoutWrapper(
    new Map([...tensors].map(([name, tensor]) => [name.slice(wrapper.length), tensor])),
  );
}

/** Whether a file's name is that of a network in ONNX. */
export function isOnnxName(name: string): boolean {
  return name.toLowerCase().endsWith('.onnx');
}

/**
 * An encoder out of a model file.
 * @param source the model file's name in errors.
 * @throws FormatError for a kind that is unknown or does not fit its tensors;
 *   MissingDependencyError when it needs onnxruntime-node and that is absent.
 */
export async function restoreEncoder(
  saved: SavedEncoder,
  source = 'the encoder in the model file',
): Promise<Encoder> {
  switch (saved.kind) {
    case 'squeezenet':
      return restoreSqueezenet(saved, source);
    case 'onnx': {
      const { restoreOnnx } = await import('./onnx-encoder.js');
      return restoreOnnx(saved, source);
    }
    default:
      throw new FormatError(
        source,
        `is of kind "${saved.kind}"; this version knows squeezenet and onnx`,
      );
  }
}
