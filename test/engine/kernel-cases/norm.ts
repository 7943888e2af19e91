import { at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

const rowCounts = [1, 3];
const epsilon = 1e-3;
/** Rows of close values are blown up by up to 1 / sqrt(epsilon), and their rounding with them. */
const tolerance = { f32: 2e-5, f64: 1e-13 };

const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

export const norm: Record<string, KernelCase[]> = {
  layerNorm: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        x: s.floats(s.rows * s.n),
        y: s.floats(s.rows * s.n),
        inverse: s.floats(s.rows),
      }),
      run: (k, on, s) => k.layerNorm(on.x, on.y, on.inverse, s.rows, s.n, epsilon),
      reference: ({ x, y, inverse }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          const row = [...x.subarray(r * n, (r + 1) * n)];
          const centre = mean(row);
          const variance = mean(row.map((value) => (value - centre) ** 2));
          inverse[r] = 1 / Math.sqrt(variance + epsilon);
          for (let j = 0; j < n; j++) y[r * n + j] = (at(x, r * n + j) - centre) * at(inverse, r);
        }
      },
    }),
  ],
  layerNormBackward: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        y: s.floats(s.rows * s.n),
        dy: s.floats(s.rows * s.n),
        inverse: s.floats(s.rows),
        dx: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) => k.layerNormBackward(on.y, on.dy, on.inverse, on.dx, s.rows, s.n),
      reference: ({ y, dy, inverse, dx }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          const cotangents = [...dy.subarray(r * n, (r + 1) * n)];
          const along = mean(cotangents.map((d, j) => d * at(y, r * n + j)));
          for (const [j, d] of cotangents.entries()) {
            const centred = d - mean(cotangents) - at(y, r * n + j) * along;
            dx[r * n + j] = at(inverse, r) * centred;
          }
        }
      },
    }),
  ],
  scaledLayerNorm: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        x: s.floats(s.rows * s.n),
        gain: s.floats(s.n),
        bias: s.floats(s.n),
        z: s.floats(s.rows * s.n),
        y: s.floats(s.rows * s.n),
        inverse: s.floats(s.rows),
      }),
      run: (k, on, s) =>
        k.scaledLayerNorm(on.x, on.gain, on.bias, on.z, on.y, on.inverse, s.rows, s.n, epsilon),
      reference: ({ x, gain, bias, z, y, inverse }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          const row = [...x.subarray(r * n, (r + 1) * n)];
          const centre = mean(row);
          inverse[r] = 1 / Math.sqrt(mean(row.map((value) => (value - centre) ** 2)) + epsilon);
          for (let j = 0; j < n; j++) {
            z[r * n + j] = (at(x, r * n + j) - centre) * at(inverse, r);
            y[r * n + j] = at(z, r * n + j) * at(gain, j) + at(bias, j);
          }
        }
      },
    }),
  ],
  scaledLayerNormBackward: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        z: s.floats(s.rows * s.n),
        dy: s.floats(s.rows * s.n),
        gain: s.floats(s.n),
        inverse: s.floats(s.rows),
        dx: s.floats(s.rows * s.n),
        dGain: s.floats(s.n),
        dBias: s.floats(s.n),
      }),
      run: (k, on, s) =>
        k.scaledLayerNormBackward(
          on.z,
          on.dy,
          on.gain,
          on.inverse,
          on.dx,
          on.dGain,
          on.dBias,
          s.rows,
          s.n,
        ),
      reference: ({ z, dy, gain, inverse, dx, dGain, dBias }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          const along = Array.from({ length: n }, (_, j) => at(dy, r * n + j) * at(gain, j));
          const twist = mean(along.map((d, j) => d * at(z, r * n + j)));
          for (const [j, d] of along.entries()) {
            const i = r * n + j;
            dGain[j] = at(dGain, j) + at(dy, i) * at(z, i);
            dBias[j] = at(dBias, j) + at(dy, i);
            dx[i] = at(inverse, r) * (d - mean(along) - at(z, i) * twist);
          }
        }
      },
    }),
  ],
};
