import { createHash } from 'node:crypto';
import { parseSafetensors } from '@/data/formats/safetensors.js';

/** What a model file holds, tensors by a digest, but for the seconds that its making took. */
export function contentOf(bytes: Uint8Array) {
  const { metadata, tensors } = parseSafetensors(bytes, 'model');
  const training: unknown = JSON.parse(metadata.training ?? '{}', (key, value) =>
    key === 'seconds' ? undefined : value,
  );
  const digests = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    return [name, dtype, shape, createHash('sha256').update(bytes).digest('hex')];
  });
  return { metadata: { ...metadata, training }, tensors: digests };
}
