import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';

const rowCounts = [1, 3];
/** Images, places of each, and steps: rows look at images in an order of their own, some twice. */
const [M, L, T] = [2, 3, 2];
const tolerance = { f32: 2e-5, f64: 1e-12 };

const images = ({ rows }: Setup) => Int32Array.from({ length: rows }, (_, r) => (r + 1) % M);

/** Exponentials as they are where nothing is saturated. */
const exponentials = (values: Values) => values.map((x) => Math.exp(x));

/** 1 / (1 + K Q) for a row, a place and a column. */
function reciprocal(
  K: Values,
  q: number,
  image: Values,
  r: number,
  l: number,
  a: number,
  A: number,
) {
  return 1 / (1 + at(K, (at(image, r) * L + l) * A + a) * q);
}

export const attention: Record<string, KernelCase[]> = {
  attendScores: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        x: s.floats(M * L * s.n),
        u: s.floats(s.rows * s.n),
        image: images(s),
        s: s.floats(s.rows * L),
      }),
      run: (k, on, s) => k.attendScores(on.x, on.u, on.image, on.s, s.rows, L, s.n, 0.5),
      reference: ({ x, u, image, s }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let l = 0; l < L; l++) {
            let sum = 0;
            for (let d = 0; d < n; d++) {
              sum += at(x, (at(image, r) * L + l) * n + d) * at(u, r * n + d);
            }
            s[r * L + l] = 0.5 * sum;
          }
        }
      },
    }),
  ],
  attendSum: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        x: s.floats(M * L * s.n),
        w: s.floats(s.rows * L),
        image: images(s),
        z: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) => k.attendSum(on.x, on.w, on.image, on.z, s.rows, L, s.n, 2),
      reference: ({ x, w, image, z }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let d = 0; d < n; d++) {
            let sum = 0;
            for (let l = 0; l < L; l++) {
              sum += at(w, r * L + l) * at(x, (at(image, r) * L + l) * n + d);
            }
            z[r * n + d] = 2 * sum;
          }
        }
      },
    }),
  ],
  softmaxRows: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({ s: s.floats(s.rows * s.n), w: s.floats(s.rows * s.n) }),
      run: (k, on, s) => k.softmaxRows(on.s, on.w, s.rows, s.n),
      reference: ({ s, w }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          const row = s.slice(r * n, (r + 1) * n);
          const largest = Math.max(...row);
          const e = Array.from(row, (x) => Math.exp(x - largest));
          const total = e.reduce((sum, x) => sum + x, 0);
          w.set(
            e.map((x) => x / total),
            r * n,
          );
        }
      },
    }),
  ],
  softmaxRowsBackward: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        w: s.floats(s.rows * s.n),
        dw: s.floats(s.rows * s.n),
        ds: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) => k.softmaxRowsBackward(on.w, on.dw, on.ds, s.rows, s.n),
      reference: ({ w, dw, ds }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          let mean = 0;
          for (let j = r * n; j < (r + 1) * n; j++) mean += at(w, j) * at(dw, j);
          for (let j = r * n; j < (r + 1) * n; j++) ds[j] = at(w, j) * (at(dw, j) - mean);
        }
      },
    }),
  ],
  additiveExponentials: [
    kernelCase({
      tolerance,
      extremes: 'none',
      arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
      run: (k, on, s) => k.additiveExponentials(on.x, on.y, s.n),
      reference: ({ x, y }) => y.set(exponentials(x.map((value) => 2 * value))),
    }),
    kernelCase({
      variant: 'far out',
      tolerance,
      extremes: 'none',
      arrays: (s) => ({ x: s.floats(s.n).map((value) => 1e6 * value), y: s.floats(s.n) }),
      run: (k, on, s) => k.additiveExponentials(on.x, on.y, s.n),
      reference: ({ x, y }, { dtype }) => {
        const bound = dtype === 'f32' ? 20 : 170;
        y.set(x.map((value) => Math.exp(2 * Math.min(Math.max(value, -bound), bound))));
      },
    }),
  ],
  additiveScores: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        K: exponentials(s.floats(M * L * s.n)),
        Q: exponentials(s.floats(s.rows * s.n)),
        v: s.floats(s.n),
        image: images(s),
        s: s.floats(s.rows * L),
      }),
      run: (k, on, s) => k.additiveScores(on.K, on.Q, on.v, on.image, on.s, s.rows, L, s.n),
      reference: ({ K, Q, v, image, s }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let l = 0; l < L; l++) {
            let sum = 0;
            for (let a = 0; a < n; a++) {
              const u = reciprocal(K, at(Q, r * n + a), image, r, l, a, n);
              sum += at(v, a) * (1 - 2 * u);
            }
            s[r * L + l] = sum;
          }
        }
      },
    }),
  ],
  additiveQueryBackward: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        K: exponentials(s.floats(M * L * s.n)),
        Q: exponentials(s.floats(s.rows * s.n)),
        v: s.floats(s.n),
        image: images(s),
        ds: s.floats(s.rows * L),
        dq: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) =>
        k.additiveQueryBackward(on.K, on.Q, on.v, on.image, on.ds, on.dq, s.rows, L, s.n),
      reference: ({ K, Q, v, image, ds, dq }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let a = 0; a < n; a++) {
            let sum = 0;
            for (let l = 0; l < L; l++) {
              const u = reciprocal(K, at(Q, r * n + a), image, r, l, a, n);
              sum += at(ds, r * L + l) * u * (1 - u);
            }
            dq[r * n + a] = 4 * at(v, a) * sum;
          }
        }
      },
    }),
  ],
  additiveKeysBackward: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        K: exponentials(s.floats(M * L * s.n)),
        Q: exponentials(s.floats(T * s.rows * s.n)),
        v: s.floats(s.n),
        image: images(s),
        ds: s.floats(T * s.rows * L),
        dk: s.floats(M * L * s.n),
        dv: s.floats(s.n),
      }),
      run: (k, on, s) =>
        k.additiveKeysBackward(on.K, on.Q, on.v, on.image, on.ds, on.dk, on.dv, T, s.rows, L, s.n),
      reference: ({ K, Q, v, image, ds, dk, dv }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let l = 0; l < L; l++) {
            for (let a = 0; a < n; a++) {
              const place = (at(image, r) * L + l) * n + a;
              for (let t = 0; t < T; t++) {
                const d = at(ds, (t * rows + r) * L + l);
                const u = reciprocal(K, at(Q, (t * rows + r) * n + a), image, r, l, a, n);
                dk[place] = at(dk, place) + 4 * at(v, a) * d * u * (1 - u);
                dv[a] = at(dv, a) + d * (1 - 2 * u);
              }
            }
          }
        }
      },
    }),
  ],
};
