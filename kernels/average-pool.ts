import { rowSum } from './shared/rows';
import { lanes } from './shared/simd';

// Means over windows of clips x (planes, D, H, W), D frames each, as y (planes, OD, OH, OW); an image is a
// clip of one frame. `windows` holds three numbers (i32) for every place of y along each axis, first those
// of the OD frames, then of the OH rows and of the OW columns: where the window begins, where it ends
// (exclusive), and how many places count along this axis: more where padding counts as zeros.

// @ts-ignore: decorator
@inline
function begin(windows: usize, place: i32): i32 {
  return load<i32>(windows + <usize>place * 12);
}
// @ts-ignore: decorator
@inline
function end(windows: usize, place: i32): i32 {
  return load<i32>(windows + <usize>place * 12, 4);
}
// @ts-ignore: decorator
@inline
function count(windows: usize, place: i32): i32 {
  return load<i32>(windows + <usize>place * 12, 8);
}

// Bytes of scratch that the kernels below need: one row, in whole vectors.
export function averagePoolScratchBytes<T>(W: i32): i32 {
  return (W + lanes<T>()) * <i32>sizeof<T>();
}

// y = the mean of each window: first its rows, of all its frames, are added up, then its columns.
// divides planes: x D*H*W, y OD*OH*OW; row of averagePoolScratchBytes
export function averagePool<T>(
  x: usize, y: usize, windows: usize, row: usize, planes: i32, D: i32, H: i32, W: i32, OD: i32,
  OH: i32, OW: i32,
): void {
  const frame = <usize>(H * W) * sizeof<T>();
  let to = y;
  for (let p = 0; p < planes; p++) {
    for (let f = 0; f < OD; f++) {
      const frames = end(windows, f) - begin(windows, f);
      const from = x + <usize>(p * D + begin(windows, f)) * frame;
      for (let r = OD; r < OD + OH; r++) {
        const top = begin(windows, r);
        const rows = end(windows, r) - top;
        sumOfRows<T>(from + <usize>(top * W) * sizeof<T>(), row, frames, rows, H, W);
        const counted = count(windows, f) * count(windows, r);
        for (let q = OD + OH; q < OD + OH + OW; q++) {
          let sum: T = 0;
          for (let w = begin(windows, q); w < end(windows, q); w++) {
            sum += load<T>(row + <usize>w * sizeof<T>());
          }
          store<T>(to, sum / <T>(counted * count(windows, q)));
          to += sizeof<T>();
        }
      }
    }
  }
}

// to[w] = the sum of x[f, h, w] over some frames, of H rows each, and the first of their rows.
function sumOfRows<T>(x: usize, to: usize, frames: i32, rows: i32, H: i32, W: i32): void {
  const stride = <usize>W * sizeof<T>();
  const toFrame = <usize>(H - rows) * stride;
  let w = 0;
  for (; w + lanes<T>() <= W; w += lanes<T>()) {
    let from = x + <usize>w * sizeof<T>();
    let sums = v128.splat<T>(0);
    for (let f = 0; f < frames; f++) {
      for (let h = 0; h < rows; h++) {
        sums = v128.add<T>(sums, v128.load(from));
        from += stride;
      }
      from += toFrame;
    }
    v128.store(to + <usize>w * sizeof<T>(), sums);
  }
  for (; w < W; w++) {
    let from = x + <usize>w * sizeof<T>();
    let sum: T = 0;
    for (let f = 0; f < frames; f++) {
      for (let h = 0; h < rows; h++) {
        sum += load<T>(from);
        from += stride;
      }
      from += toFrame;
    }
    store<T>(to + <usize>w * sizeof<T>(), sum);
  }
}

// dx = what comes back to each place: every dy, divided by what counts, goes to its whole window.
// divides planes: dy OD*OH*OW, dx D*H*W; row of averagePoolScratchBytes
export function averagePoolBackward<T>(
  dy: usize, dx: usize, windows: usize, row: usize, planes: i32, D: i32, H: i32, W: i32, OD: i32,
  OH: i32, OW: i32,
): void {
  const frame = <usize>(H * W) * sizeof<T>();
  memory.fill(dx, 0, <usize>(planes * D) * frame);
  let from = dy;
  for (let p = 0; p < planes; p++) {
    for (let f = 0; f < OD; f++) {
      const frames = end(windows, f) - begin(windows, f);
      const to = dx + <usize>(p * D + begin(windows, f)) * frame;
      for (let r = OD; r < OD + OH; r++) {
        const counted = count(windows, f) * count(windows, r);
        for (let w = 0; w < W; w += lanes<T>()) {
          v128.store(row + <usize>w * sizeof<T>(), v128.splat<T>(0));
        }
        for (let q = OD + OH; q < OD + OH + OW; q++) {
          const share: T = load<T>(from) / <T>(counted * count(windows, q));
          from += sizeof<T>();
          for (let w = begin(windows, q); w < end(windows, q); w++) {
            const at = row + <usize>w * sizeof<T>();
            store<T>(at, load<T>(at) + share);
          }
        }
        const top = begin(windows, r);
        const rows = end(windows, r) - top;
        addToRows<T>(row, to + <usize>(top * W) * sizeof<T>(), frames, rows, H, W);
      }
    }
  }
}

// dx[f, h, :] += row, for some frames, of H rows each, and the first of their rows.
function addToRows<T>(row: usize, dx: usize, frames: i32, rows: i32, H: i32, W: i32): void {
  let to = dx;
  for (let f = 0; f < frames; f++) {
    for (let h = 0; h < rows; h++) {
      let w = 0;
      for (; w + lanes<T>() <= W; w += lanes<T>()) {
        const o = <usize>w * sizeof<T>();
        v128.store(to + o, v128.add<T>(v128.load(to + o), v128.load(row + o)));
      }
      for (; w < W; w++) {
        const o = <usize>w * sizeof<T>();
        store<T>(to + o, load<T>(to + o) + load<T>(row + o));
      }
      to += <usize>W * sizeof<T>();
    }
    to += <usize>((H - rows) * W) * sizeof<T>();
  }
}

// y[p] = mean of x[p, :], planes of n elements.
// divides planes: x n, y
export function meanPlanes<T>(x: usize, y: usize, planes: i32, n: i32): void {
  for (let p = 0; p < planes; p++) {
    const sum: T = rowSum<T>(x + <usize>p * n * sizeof<T>(), n);
    store<T>(y + <usize>p * sizeof<T>(), sum / <T>n);
  }
}

// dx[p, i] = dy[p] / n.
// divides planes: dy, dx n
export function meanPlanesBackward<T>(dy: usize, dx: usize, planes: i32, n: i32): void {
  let to = dx;
  for (let p = 0; p < planes; p++) {
    const share: T = load<T>(dy + <usize>p * sizeof<T>()) / <T>n;
    for (let i = 0; i < n; i++) {
      store<T>(to, share);
      to += sizeof<T>();
    }
  }
}
