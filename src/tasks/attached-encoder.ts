/** An encoder as a part of a model file: an entry that says what it is, and its tensors, attached. */
import { z } from 'zod';
import type { SafetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import type { SavedEncoder } from '../models/encoders/encoder.js';

/** An encoder, but for its tensors, which are attached. */
export const encoderEntry = z.object({ kind: z.string(), metadata: z.unknown() });

/** What the names of its tensors begin with. */
const PREFIX = 'encoder.';

/** An encoder's tensors, as a model file has them attached. */
export function attachedTensors({
  tensors,
}: Pick<SavedEncoder, 'tensors'>): Map<string, SafetensorsTensor> {
  return new Map([...tensors].map(([name, tensor]) => [`${PREFIX}${name}`, tensor]));
}

/** The tensors of an encoder out of those that are attached. */
export function tensorsOfEncoder(
  attached: ReadonlyMap<string, SafetensorsTensor>,
): Map<string, SafetensorsTensor> {
  return new Map([...attached].map(([name, tensor]) => [name.slice(PREFIX.length), tensor]));
}
