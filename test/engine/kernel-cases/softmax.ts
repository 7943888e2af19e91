import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const rowCounts = [1, 2, 5];

/** Targets, a mask that leaves some of them out, and a target of a masked row that is no word. */
function targets(s: Setup) {
  const y = Int32Array.from({ length: s.rows }, () => s.random.integer(s.n));
  const mask = Uint8Array.from({ length: s.rows }, () => s.random.integer(3));
  for (const [r, counts] of mask.entries()) if (!counts) y[r] = -5;
  return { y, mask };
}

/** Weights of rows, one of them negative, as advantages may be. */
const rowWeights = (s: Setup) => s.floats(s.rows).map((w, r) => (r === 0 ? -Math.abs(w) : w));

const softmaxLoss = (bad: number | undefined, smoothing = 0) =>
  kernelCase({
    variant: `${bad === undefined ? 'valid targets' : `the target V + ${bad}`}, smoothing ${smoothing}`,
    rowCounts,
    // Smoothed, an infinite score costs infinitely much or NaN, whichever comes first.
    ...(smoothing > 0 && { extremes: 'none' as const }),
    tolerance: approximately,
    arrays: (s) => {
      const { y, mask } = targets(s);
      if (bad !== undefined) {
        y[s.rows - 1] = s.n + bad;
        mask[s.rows - 1] = 1;
      }
      return {
        x: s.floats(s.rows * s.n),
        y,
        mask,
        w: rowWeights(s),
        p: s.floats(s.rows * s.n),
        z: s.floats(s.rows),
        loss: s.floats(1),
      };
    },
    run: (k, on, s) =>
      k.softmaxLoss(on.x, on.y, on.mask, on.w, on.p, on.z, on.loss, s.rows, s.n, smoothing, 4),
    reference: ({ x, y, mask, w, p, z, loss }, s) => {
      let sum = 0;
      for (let r = 0; r < s.rows; r++) {
        if (!mask[r]) continue;
        if (at(y, r) < 0 || at(y, r) >= s.n) return r;
        const row = x.subarray(r * s.n, (r + 1) * s.n);
        const largest = Math.max(...row);
        let total = 0;
        let mean = 0;
        for (let j = 0; j < s.n; j++) {
          const e = Math.exp(at(row, j) - largest);
          p[r * s.n + j] = e;
          total += e;
          mean += at(row, j) / s.n;
        }
        z[r] = total;
        const logSum = Math.log(total) + largest;
        const hit = logSum - at(row, at(y, r));
        sum += at(w, r) * (smoothing ? (1 - smoothing) * hit + smoothing * (logSum - mean) : hit);
      }
      loss[0] = sum / 4;
      return -1;
    },
    // A row with a NaN or an infinite score has no probabilities: its sum says so, whatever p holds.
    settle: ({ p, z }, s) => {
      for (let r = 0; r < s.rows; r++) {
        if (Number.isNaN(z[r])) p.fill(Number.NaN, r * s.n, (r + 1) * s.n);
      }
    },
  });

const softmaxLossBackward = (smoothing: number) =>
  kernelCase({
    variant: `smoothing ${smoothing}`,
    rowCounts,
    extremes: 'none',
    tolerance: approximately,
    arrays: (s) => ({
      p: s.floats(s.rows * s.n).map(Math.exp),
      z: s.floats(s.rows).map((x) => 1 + x * x),
      ...targets(s),
      w: rowWeights(s),
      dLoss: s.floats(1),
      dx: s.floats(s.rows * s.n),
    }),
    run: (k, on, s) =>
      k.softmaxLossBackward(
        on.p,
        on.z,
        on.y,
        on.mask,
        on.w,
        on.dLoss,
        smoothing,
        0.25,
        on.dx,
        s.rows,
        s.n,
      ),
    reference: ({ p, z, y, mask, w, dLoss, dx }, { rows, n }) => {
      for (let i = 0; i < rows * n; i++) {
        const r = Math.floor(i / n);
        const target = (at(y, r) === i % n ? 1 - smoothing : 0) + smoothing / n;
        dx[i] = mask[r] ? at(dLoss, 0) * 0.25 * at(w, r) * (at(p, i) / at(z, r) - target) : 0;
      }
    },
  });

export const softmax: Record<string, KernelCase[]> = {
  softmaxLoss: [
    softmaxLoss(undefined),
    softmaxLoss(undefined, 0.1),
    softmaxLoss(0),
    softmaxLoss(-1000),
  ],
  softmaxLossBackward: [softmaxLossBackward(0), softmaxLossBackward(0.1)],
};
