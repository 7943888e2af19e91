import { approximately, at, type KernelCase, kernelCase, type Setup } from '../conformance.js';

const rowCounts = [1, 2, 5];

/** Targets, a mask that leaves some of them out, and a target of a masked row that is no word. */
function targets(s: Setup) {
  const y = Int32Array.from({ length: s.rows }, () => s.random.integer(s.n));
  const mask = Uint8Array.from({ length: s.rows }, () => s.random.integer(3));
  for (const [r, counts] of mask.entries()) if (!counts) y[r] = -5;
  return { y, mask };
}

const softmaxLoss = (bad: number | undefined) =>
  kernelCase({
    variant: bad === undefined ? 'valid targets' : `the target V + ${bad}`,
    rowCounts,
    tolerance: approximately,
    returnTolerance: approximately,
    arrays: (s) => {
      const { y, mask } = targets(s);
      if (bad !== undefined) {
        y[s.rows - 1] = s.n + bad;
        mask[s.rows - 1] = 1;
      }
      return { x: s.floats(s.rows * s.n), y, mask, p: s.floats(s.rows * s.n), z: s.floats(s.rows) };
    },
    run: (k, on, s) => k.softmaxLoss(on.x, on.y, on.mask, on.p, on.z, s.rows, s.n),
    reference: ({ x, y, mask, p, z }, s) => {
      let loss = 0;
      for (let r = 0; r < s.rows; r++) {
        if (!mask[r]) continue;
        if (at(y, r) < 0 || at(y, r) >= s.n) return -1 - r;
        const row = x.subarray(r * s.n, (r + 1) * s.n);
        const largest = Math.max(...row);
        let total = 0;
        for (let j = 0; j < s.n; j++) {
          const e = Math.exp(at(row, j) - largest);
          p[r * s.n + j] = e;
          total += e;
        }
        z[r] = total;
        loss += Math.log(total) + largest - at(row, at(y, r));
      }
      return loss;
    },
    // A row with a NaN or an infinite score has no probabilities: its sum says so, whatever p holds.
    settle: ({ p, z }, s) => {
      for (let r = 0; r < s.rows; r++) {
        if (Number.isNaN(z[r])) p.fill(Number.NaN, r * s.n, (r + 1) * s.n);
      }
    },
  });

export const softmax: Record<string, KernelCase[]> = {
  softmaxLoss: [softmaxLoss(undefined), softmaxLoss(0), softmaxLoss(-1000)],
  softmaxLossBackward: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance: approximately,
      arrays: (s) => ({
        p: s.floats(s.rows * s.n).map(Math.exp),
        z: s.floats(s.rows).map((x) => 1 + x * x),
        ...targets(s),
        dLoss: s.floats(1),
        dx: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) =>
        k.softmaxLossBackward(on.p, on.z, on.y, on.mask, on.dLoss, 0.25, on.dx, s.rows, s.n),
      reference: ({ p, z, y, mask, dLoss, dx }, { rows, n }) => {
        for (let i = 0; i < rows * n; i++) {
          const r = Math.floor(i / n);
          const hit = at(y, r) === i % n ? 1 : 0;
          dx[i] = mask[r] ? at(dLoss, 0) * 0.25 * (at(p, i) / at(z, r) - hit) : 0;
        }
      },
    }),
  ],
};
