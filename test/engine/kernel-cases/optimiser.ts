import { at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

const scale = 0.5;
const rate = 0.01;

export const optimiser: Record<string, KernelCase[]> = {
  adam: [1, 0.75].map((keep) =>
    kernelCase({
      variant: `keep ${keep}`,
      arrays: (s) => ({
        w: s.floats(s.n),
        g: s.floats(s.n),
        m: s.floats(s.n),
        v: s.floats(s.n).map(Math.abs),
      }),
      run: (k, on, s) =>
        k.adam(
          on.w,
          on.g,
          on.m,
          on.v,
          s.n,
          scale,
          rate,
          0.9,
          1 - 0.9,
          0.999,
          1 - 0.999,
          1e-8,
          keep,
        ),
      reference: ({ w, g, m, v }, { n, round }) => {
        const blend = (b: number, old: number, now: number) =>
          round(round(round(b) * old) + round(round(1 - b) * now));
        for (let i = 0; i < n; i++) {
          const gradient = round(scale * at(g, i));
          m[i] = blend(0.9, at(m, i), gradient);
          v[i] = blend(0.999, at(v, i), round(gradient * gradient));
          const denominator = round(round(Math.sqrt(at(v, i))) + round(1e-8));
          w[i] = round(keep * at(w, i)) - round(round(round(rate) * at(m, i)) / denominator);
        }
      },
    }),
  ),
  momentum: [
    kernelCase({
      arrays: (s) => ({ w: s.floats(s.n), g: s.floats(s.n), v: s.floats(s.n) }),
      run: (k, on, s) => k.momentum(on.w, on.g, on.v, s.n, scale, rate, 0.9),
      reference: ({ w, g, v }, { n, round }) => {
        for (let i = 0; i < n; i++) {
          v[i] = round(round(0.9) * at(v, i)) + round(scale * at(g, i));
          w[i] = at(w, i) - round(round(rate) * at(v, i));
        }
      },
    }),
  ],
};
