import { rowSum } from './shared/rows';

// The mean of a window. With `countPadding` the padding counts as zeros, of which there are endPH rows
// and endPW columns after the image, but not what ceil mode adds beyond that; otherwise only the image
// counts. `backward` sends dy (in y) to dx (in x) by the same weights.
// @ts-ignore: decorator
@inline
function eachAverage<T>(
  backward: bool, x: usize, y: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32, endPH: i32, endPW: i32, countPadding: i32,
): void {
  const bytes = <usize>(H * W) * sizeof<T>();
  if (backward) memory.fill(x, 0, <usize>planes * bytes);
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const top = r * SH - PH;
      const bottom = min(top + KH, H);
      const height = countPadding ? min(top + KH, H + endPH) - top : bottom - max(top, 0);
      for (let q = 0; q < OW; q++) {
        const left = q * SW - PW;
        const right = min(left + KW, W);
        const width = countPadding ? min(left + KW, W + endPW) - left : right - max(left, 0);
        const at = y + <usize>((p * OH + r) * OW + q) * sizeof<T>();
        const share: T = backward ? load<T>(at) / <T>(height * width) : 0;
        let sum: T = 0;
        for (let h = max(top, 0); h < bottom; h++) {
          for (let w = max(left, 0); w < right; w++) {
            const from = x + <usize>p * bytes + <usize>(h * W + w) * sizeof<T>();
            if (backward) store<T>(from, load<T>(from) + share);
            else sum += load<T>(from);
          }
        }
        if (!backward) store<T>(at, sum / <T>(height * width));
      }
    }
  }
}
// divides planes: x H*W, y OH*OW
export function averagePool<T>(
  x: usize, y: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32, endPH: i32, endPW: i32, countPadding: i32,
): void {
  eachAverage<T>(false, x, y, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW, endPH, endPW, countPadding);
}
// divides planes: dx H*W, dy OH*OW
export function averagePoolBackward<T>(
  dy: usize, dx: usize, planes: i32, H: i32, W: i32, KH: i32, KW: i32,
  SH: i32, SW: i32, PH: i32, PW: i32, OH: i32, OW: i32, endPH: i32, endPW: i32, countPadding: i32,
): void {
  eachAverage<T>(true, dx, dy, planes, H, W, KH, KW, SH, SW, PH, PW, OH, OW, endPH, endPW, countPadding);
}

// y[p, r, q] = mean of x[p] over the rows from r H / OH, rounded down, to (r + 1) H / OH, rounded up,
// and such columns. `backward` sends dy (in y) to dx (in x) by the same weights.
// @ts-ignore: decorator
@inline
function eachAdaptive<T>(
  backward: bool, x: usize, y: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  const bytes = <usize>(H * W) * sizeof<T>();
  if (backward) memory.fill(x, 0, <usize>planes * bytes);
  for (let p = 0; p < planes; p++) {
    const plane = x + <usize>p * bytes;
    for (let r = 0; r < OH; r++) {
      const top = (r * H) / OH;
      const bottom = ((r + 1) * H + OH - 1) / OH;
      for (let q = 0; q < OW; q++) {
        const left = (q * W) / OW;
        const right = ((q + 1) * W + OW - 1) / OW;
        const size = <T>((bottom - top) * (right - left));
        const at = y + <usize>((p * OH + r) * OW + q) * sizeof<T>();
        const share: T = backward ? load<T>(at) / size : 0;
        let sum: T = 0;
        for (let h = top; h < bottom; h++) {
          for (let w = left; w < right; w++) {
            const from = plane + <usize>(h * W + w) * sizeof<T>();
            if (backward) store<T>(from, load<T>(from) + share);
            else sum += load<T>(from);
          }
        }
        if (!backward) store<T>(at, sum / size);
      }
    }
  }
}
// divides planes: x H*W, y OH*OW
export function adaptiveAveragePool<T>(
  x: usize, y: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  eachAdaptive<T>(false, x, y, planes, H, W, OH, OW);
}
// divides planes: dx H*W, dy OH*OW
export function adaptiveAveragePoolBackward<T>(
  dy: usize, dx: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  eachAdaptive<T>(true, dx, dy, planes, H, W, OH, OW);
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
