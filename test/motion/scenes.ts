/** Smooth images that move in a way that is known: sums of waves. */
import type { FloatDType } from '@/engine/blas.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** Where content came from, in pixels: that of (x, y) lay at (x - u, y - v). */
export type Motion = readonly [u: number, v: number];

interface Wave {
  readonly alongX: number;
  readonly alongY: number;
  readonly phase: number;
}

/** An image (H, W) of values from 0 to 255, after a motion; the same of a seed. */
export function waves(
  [H, W]: readonly [number, number],
  [u, v]: Motion = [0, 0],
  { seed = 1, dtype = 'f32' as FloatDType, shortest = 10 } = {},
): Tensor {
  const random = new Random(seed);
  const all: Wave[] = Array.from({ length: 12 }, () => {
    const [angle, length] = [2 * Math.PI * random.uniform(), shortest * (1 + 3 * random.uniform())];
    return {
      alongX: (2 * Math.PI * Math.cos(angle)) / length,
      alongY: (2 * Math.PI * Math.sin(angle)) / length,
      phase: 2 * Math.PI * random.uniform(),
    };
  });
  const values = Array.from({ length: H * W }, (_, i) => {
    const [x, y] = [(i % W) - u, Math.floor(i / W) - v];
    const sum = all.reduce(
      (total, { alongX, alongY, phase }) => total + Math.sin(alongX * x + alongY * y + phase),
      0,
    );
    return Math.min(255, Math.max(0, 128 + 40 * sum));
  });
  return tensor(values, { shape: [H, W], dtype });
}

/** Mean and largest distance of a flow (H, W, 2) from a motion, `margin` pixels away from the edges. */
export function offMotion(flow: Tensor, [u, v]: Motion, margin: number) {
  const [H = 0, W = 0] = flow.shape;
  const values = flow.dataSync();
  let [sum, largest, pixels] = [0, 0, 0];
  for (let y = margin; y < H - margin; y++) {
    for (let x = margin; x < W - margin; x++) {
      const place = 2 * (y * W + x);
      const off = Math.hypot((values[place] ?? 0) - u, (values[place + 1] ?? 0) - v);
      sum += off;
      pixels++;
      largest = off <= largest ? largest : off;
    }
  }
  return { mean: sum / pixels, largest };
}
