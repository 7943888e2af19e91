import { at, type KernelCase, kernelCase, type Setup } from '@test/engine/conformance.js';

/** As the element type has it, for a result that is equal to the bit. */
const depth = (w: number, { round }: Setup) =>
  Math.abs(w) < round(1e-6) ? round(w < 0 || Object.is(w, -0) ? -1e-6 : 1e-6) : w;

export const perspective: Record<string, KernelCase[]> = {
  perspective: [
    kernelCase({
      arrays: (s) => ({ h: s.floats(3 * s.n), y: s.floats(2 * s.n) }),
      run: (k, on, s) => k.perspective(on.h, on.y, s.n),
      reference: ({ h, y }, s) => {
        for (let i = 0; i < s.n; i++) {
          const w = depth(at(h, 3 * i + 2), s);
          y[2 * i] = at(h, 3 * i) / w;
          y[2 * i + 1] = at(h, 3 * i + 1) / w;
        }
      },
    }),
  ],
  perspectiveBackward: [
    kernelCase({
      arrays: (s) => ({
        h: s.floats(3 * s.n),
        y: s.floats(2 * s.n),
        dy: s.floats(2 * s.n),
        dh: s.floats(3 * s.n),
      }),
      run: (k, on, s) => k.perspectiveBackward(on.h, on.y, on.dy, on.dh, s.n),
      reference: ({ h, y, dy, dh }, s) => {
        for (let i = 0; i < s.n; i++) {
          const given = at(h, 3 * i + 2);
          const w = depth(given, s);
          const da = s.round(at(dy, 2 * i) / w);
          const db = s.round(at(dy, 2 * i + 1) / w);
          const along = s.round(s.round(da * at(y, 2 * i)) + s.round(db * at(y, 2 * i + 1)));
          dh.set([da, db, w === given || Number.isNaN(given) ? -along : 0], 3 * i);
        }
      },
    }),
  ],
};
