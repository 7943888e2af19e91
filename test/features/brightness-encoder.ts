import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import type { Encoder } from '@/models/encoders/encoder.js';

/** An encoder whose vector is (gain times the first value, 1) and whose grid is the photo. */
export function brightnessEncoder(gain = 1): { encoder: Encoder; batches: number[] } {
  const batches: number[] = [];
  const preprocessing = {
    ...PREPROCESSING.mobilenet,
    width: 2,
    height: 2,
    scale: 1,
    mean: [0, 0, 0],
  } as const;
  const encoder: Encoder = {
    name: 'brightness',
    preprocessing,
    outputs: { pooled: 2, grid: [3, 2, 2] },
    async encode(batch, N, { grid } = {}) {
      batches.push(N);
      const pooled = Float32Array.from({ length: N * 2 }, (_, i) =>
        i % 2 === 0 ? gain * (batch[(i / 2) * 12] ?? Number.NaN) : 1,
      );
      return grid ? { pooled, grid: batch.slice() } : { pooled };
    },
    save: () => ({
      kind: 'test',
      tensors: new Map(),
      metadata: { name: 'brightness', preprocessing, gain },
    }),
    dispose: () => {},
  };
  return { encoder, batches };
}
