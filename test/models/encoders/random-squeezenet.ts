import { type SafetensorsTensor, safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { squeezenetShapes } from '@/models/encoders/squeezenet-encoder.js';
import { Random } from '@/random.js';
import { elementCount } from '@/tensor/shape.js';

/**
 * What an activation of SqueezeNet in float32 goes through: the products of all convolutions one after
 * another, and the mean of its places. Rounding counts in parts of the largest values, whatever
 * becomes of them later on.
 */
export const squeezenetRounding = {
  dtype: 'f32',
  terms: [...squeezenetShapes.values()].reduce(
    (sum, [, ...fanIn]) => sum + elementCount(fanIn),
    169,
  ),
} as const;

/** A SqueezeNet's state dict without classifier, random such that activations neither die nor explode. */
export function randomSqueezenet(): Map<string, SafetensorsTensor> {
  const random = new Random(11);
  return new Map(
    [...squeezenetShapes].map(([name, shape]) => {
      const fanIn = elementCount(shape.slice(1));
      const width = shape.length > 1 ? 2 * Math.sqrt(6 / fanIn) : 0.2;
      const values = Float32Array.from(
        { length: elementCount(shape) },
        () => (random.uniform() - 0.5) * width,
      );
      return [name, safetensorsTensor(values, shape)];
    }),
  );
}
