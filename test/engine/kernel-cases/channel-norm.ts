import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';

/** Photos; `rows` channels of `n` values each. */
const N = 2;
const rowCounts = [1, 3];
const epsilon = 1e-3;
/** Sums of squares in f32, and deviations blown up by a small variance. */
const tolerance = { f32: 2e-5, f64: 1e-13 };

const size = (s: Setup) => N * s.rows * s.n;

/** Every value of the photos with its channel. */
function each(s: Setup, visit: (i: number, c: number) => void): void {
  for (let i = 0; i < size(s); i++) visit(i, Math.floor(i / s.n) % s.rows);
}

const normal = (on: Record<'x' | 'mean' | 'inverse', Values>, i: number, c: number) =>
  (at(on.x, i) - at(on.mean, c)) * at(on.inverse, c);

export const channelNorm: Record<string, KernelCase[]> = {
  channelMoments: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        x: s.floats(size(s)),
        mean: s.floats(s.rows),
        variance: s.floats(s.rows),
      }),
      run: (k, on, s) => k.channelMoments(on.x, on.mean, on.variance, N, s.rows, s.n),
      reference: ({ x, mean, variance }, s) => {
        const count = N * s.n;
        for (const values of [mean, variance]) values.fill(0);
        const sums = Array.from({ length: s.rows }, () => 0);
        each(s, (i, c) => {
          sums[c] = (sums[c] ?? 0) + at(x, i);
        });
        const squares = sums.map(() => 0);
        each(s, (i, c) => {
          squares[c] = (squares[c] ?? 0) + (at(x, i) - (sums[c] ?? 0) / count) ** 2;
        });
        for (let c = 0; c < s.rows; c++) {
          mean[c] = (sums[c] ?? 0) / count;
          variance[c] = (squares[c] ?? 0) / count;
        }
      },
    }),
  ],
  inverseDeviation: [
    kernelCase({
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({ variance: s.floats(s.n).map(Math.abs), inverse: s.floats(s.n) }),
      run: (k, on, s) => k.inverseDeviation(on.variance, on.inverse, s.n, epsilon),
      reference: ({ variance, inverse }, s) => {
        for (let c = 0; c < s.n; c++) inverse[c] = 1 / Math.sqrt(at(variance, c) + epsilon);
      },
    }),
  ],
  normaliseChannels: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'none',
      arrays: (s) => ({
        x: s.floats(size(s)),
        mean: s.floats(s.rows),
        inverse: s.floats(s.rows),
        gain: s.floats(s.rows),
        bias: s.floats(s.rows),
        y: s.floats(size(s)),
      }),
      run: (k, on, s) => {
        const { x, mean, inverse, gain, bias, y } = on;
        k.normaliseChannels(x, mean, inverse, gain, bias, y, N, s.rows, s.n);
      },
      reference: (on, s) =>
        each(s, (i, c) => {
          on.y[i] = normal(on, i, c) * at(on.gain, c) + at(on.bias, c);
        }),
    }),
  ],
  channelGradients: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'none',
      arrays: (s) => ({
        x: s.floats(size(s)),
        mean: s.floats(s.rows),
        inverse: s.floats(s.rows),
        dy: s.floats(size(s)),
        dGain: s.floats(s.rows),
        dBias: s.floats(s.rows),
      }),
      run: (k, on, s) => {
        const { x, mean, inverse, dy, dGain, dBias } = on;
        k.channelGradients(x, mean, inverse, dy, dGain, dBias, N, s.rows, s.n);
      },
      reference: (on, s) => {
        const [along, sum] = [new Float64Array(s.rows), new Float64Array(s.rows)];
        each(s, (i, c) => {
          along[c] = at(along, c) + at(on.dy, i) * normal(on, i, c);
          sum[c] = at(sum, c) + at(on.dy, i);
        });
        on.dGain.set(along);
        on.dBias.set(sum);
      },
    }),
  ],
  normaliseChannelsBackward: [0.125, 0].map((share) =>
    kernelCase({
      variant: `share ${share}`,
      rowCounts,
      tolerance,
      extremes: 'none',
      arrays: (s) => ({
        x: s.floats(size(s)),
        mean: s.floats(s.rows),
        inverse: s.floats(s.rows),
        gain: s.floats(s.rows),
        dy: s.floats(size(s)),
        dGain: s.floats(s.rows),
        dBias: s.floats(s.rows),
        dx: s.floats(size(s)),
      }),
      run: (k, on, s) => {
        const { x, mean, inverse, gain, dy, dGain, dBias, dx } = on;
        const sums = [dGain, dBias] as const;
        k.normaliseChannelsBackward(x, mean, inverse, gain, dy, ...sums, dx, N, s.rows, s.n, share);
      },
      reference: (on, s) =>
        each(s, (i, c) => {
          const common = share * (at(on.dBias, c) + normal(on, i, c) * at(on.dGain, c));
          on.dx[i] = at(on.gain, c) * at(on.inverse, c) * (at(on.dy, i) - common);
        }),
    }),
  ),
};
