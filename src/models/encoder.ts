import { KIND_BYTES, otherKind } from '../data/file-kinds.js';
import { encodeSafetensors, parseSafetensors } from '../data/safetensors.js';
import { isRecord } from '../data/strict-json.js';
import { FormatError } from '../errors.js';
import type { Encoder, EncoderOptions, SavedEncoder } from './encoder-interface.js';
import { looksLikeSqueezenet } from './squeezenet.js';
import { openSqueezenet, restoreSqueezenet } from './squeezenet-encoder.js';

export type {
  EncodedBatch,
  Encoder,
  EncoderOptions,
  SavedEncoder,
} from './encoder-interface.js';

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
  if (source.toLowerCase().endsWith('.onnx')) {
    const other = otherKind(bytes.subarray(0, KIND_BYTES), '.onnx');
    if (other !== undefined) throw new FormatError(source, other);
    const { openOnnx } = await import('./onnx-encoder.js');
    return openOnnx(bytes, source, options);
  }
  const { tensors } = parseSafetensors(bytes, source);
  if (looksLikeSqueezenet(tensors.keys())) return openSqueezenet(tensors, source, options);
  throw new FormatError(
    source,
    'is no encoder that Glimpse knows: SqueezeNet 1.0 under torchvision’s names, or a file ending in .onnx',
  );
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

/**
 * SHA-256 (hex) of all that decides what an encoder returns: weights, preprocessing, chosen
 * outputs. Its name and the file's layout do not count.
 */
export async function encoderFingerprint({
  kind,
  tensors,
  metadata,
}: SavedEncoder): Promise<string> {
  const { name: _, ...settings } = isRecord(metadata) ? metadata : {};
  const content = encodeSafetensors(tensors, { kind, settings: JSON.stringify(settings) });
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(content));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
