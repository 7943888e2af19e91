import { lanes, sumLanes } from './shared/simd';

// Convolution as a matrix product: im2col lays out, for every place of the filter over the clip, the
// values under it as a column; col2im adds such columns back to where they came from.

// First output column q >= 0 whose input q stride + offset is not left of the image.
// @ts-ignore: decorator
@inline
function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride;
}

// One past the last output column q < count whose input q stride + offset is left of `width`.
// @ts-ignore: decorator
@inline
function endInside(offset: i32, stride: i32, width: i32, count: i32): i32 {
  return offset >= width ? 0 : min(count, (width - 1 - offset) / stride + 1);
}

// y[i] = x[i stride], for i < n.
// @ts-ignore: decorator
@inline
function gatherStrided<T>(x: usize, y: usize, n: i32, stride: i32): void {
  let i = 0;
  if (stride == 1 && n >= lanes<T>()) {
    for (; i + lanes<T>() <= n; i += lanes<T>()) {
      const o = <usize>i * sizeof<T>();
      v128.store(y + o, v128.load(x + o));
    }
    // The last vector overlaps the one before it: cheaper than a scalar tail.
    if (i < n) {
      const last = <usize>(n - lanes<T>()) * sizeof<T>();
      v128.store(y + last, v128.load(x + last));
    }
    return;
  }
  if (stride == 2) {
    // Strictly less: the second load ends on an element that the last output would not need.
    for (; i + lanes<T>() < n; i += lanes<T>()) {
      const from = x + (<usize>i << 1) * sizeof<T>();
      const a = v128.load(from);
      const b = v128.load(from, 16);
      const even =
        sizeof<T>() == 4 ? v128.shuffle<i32>(a, b, 0, 2, 4, 6) : v128.shuffle<i64>(a, b, 0, 2);
      v128.store(y + <usize>i * sizeof<T>(), even);
    }
  }
  for (; i < n; i++) {
    store<T>(y + <usize>i * sizeof<T>(), load<T>(x + <usize>(i * stride) * sizeof<T>()));
  }
}

// Rows of a vector or more, `down` bytes apart, one right after the other. Short rows are the rule under a
// filter that is nearly as large as its image.
// @ts-ignore: decorator
@inline
function copyRows(from: usize, to: usize, rows: i32, down: usize, rowBytes: usize): void {
  const last = rowBytes - 16;
  for (let r = 0; r < rows; r++, from += down, to += rowBytes) {
    for (let o: usize = 0; o < last; o += 16) v128.store(to + o, v128.load(from + o));
    // Overlaps the vector before it: cheaper than a scalar tail.
    v128.store(to + last, v128.load(from + last));
  }
}

// y[i stride] += x[i], for i < n.
// @ts-ignore: decorator
@inline
function scatterStrided<T>(x: usize, y: usize, n: i32, stride: i32): void {
  let i = 0;
  if (stride == 1) {
    for (; i + lanes<T>() <= n; i += lanes<T>()) {
      const o = <usize>i * sizeof<T>();
      v128.store(y + o, v128.add<T>(v128.load(y + o), v128.load(x + o)));
    }
  }
  for (; i < n; i++) {
    const to = y + <usize>(i * stride) * sizeof<T>();
    store<T>(to, load<T>(to) + load<T>(x + <usize>i * sizeof<T>()));
  }
}

// y[i] = 0, for the few i < n at the edge of an image: memory.fill is a call that costs more.
// @ts-ignore: decorator
@inline
function clear<T>(y: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<T>(y + <usize>i * sizeof<T>(), 0);
}

// columns[(c, k, i, j), (n, t, r, q)] = x[n, c, (firstFrame + t) ST + k DT - PT, (firstRow + r) SH + i DH - PH,
// q SW + j DW - PW], and 0 where that lies outside the clip; columns (C KT KH KW, clips frames rows OW), each
// clip (C, length, H, W) `apart` elements after the one before. An image is a clip of one frame.
// divides C: x length*H*W, columns KT*KH*KW*clips*frames*rows*OW
export function im2col<T>(
  x: usize, columns: usize, clips: i32, apart: i32, C: i32, length: i32, H: i32, W: i32, KT: i32, KH: i32, KW: i32,
  ST: i32, SH: i32, SW: i32, PT: i32, PH: i32, PW: i32, DT: i32, DH: i32, DW: i32, OW: i32,
  firstFrame: i32, frames: i32, firstRow: i32, rows: i32,
): void {
  const rowBytes = <usize>OW * sizeof<T>();
  const mapBytes = <usize>rows * rowBytes;
  const down = <usize>(SH * W) * sizeof<T>();
  const onward = <usize>(ST * H * W) * sizeof<T>();
  const next = <usize>apart * sizeof<T>();
  let to = columns;
  for (let c = 0; c < C; c++) {
    for (let k = 0; k < KT; k++) {
      const t = firstFrame * ST + k * DT - PT;
      const early = min(firstInside(t, ST), frames);
      const late = max(early, endInside(t, ST, length, frames));
      for (let i = 0; i < KH; i++) {
        const h = firstRow * SH + i * DH - PH;
        const above = min(firstInside(h, SH), rows);
        const below = max(above, endInside(h, SH, H, rows));
        for (let j = 0; j < KW; j++) {
          const begin = min(firstInside(j * DW - PW, SW), OW);
          const end = max(begin, endInside(j * DW - PW, SW, W, OW));
          if (begin == end) {
            memory.fill(to, 0, <usize>(clips * frames) * mapBytes);
            to += <usize>(clips * frames) * mapBytes;
            continue;
          }
          const whole = SW == 1 && begin == 0 && end == OW && OW >= lanes<T>();
          const first = ((c * length + t + early * ST) * H + h + above * SH) * W + begin * SW + j * DW - PW;
          let clip = x + <usize>first * sizeof<T>();
          for (let n = 0; n < clips; n++, clip += next) {
            if (early > 0) memory.fill(to, 0, <usize>early * mapBytes);
            to += <usize>early * mapBytes;
            let frame = clip;
            for (let f = early; f < late; f++, frame += onward) {
              if (above > 0) memory.fill(to, 0, <usize>above * rowBytes);
              to += <usize>above * rowBytes;
              if (whole) {
                copyRows(frame, to, below - above, down, rowBytes);
                to += <usize>(below - above) * rowBytes;
              } else {
                let from = frame;
                for (let r = above; r < below; r++, from += down, to += rowBytes) {
                  clear<T>(to, begin);
                  gatherStrided<T>(from, to + <usize>begin * sizeof<T>(), end - begin, SW);
                  clear<T>(to + <usize>end * sizeof<T>(), OW - end);
                }
              }
              if (below < rows) memory.fill(to, 0, <usize>(rows - below) * rowBytes);
              to += <usize>(rows - below) * rowBytes;
            }
            if (late < frames) memory.fill(to, 0, <usize>(frames - late) * mapBytes);
            to += <usize>(frames - late) * mapBytes;
          }
        }
      }
    }
  }
}

// The adjoint of im2col: adds every column value to the element of x that it was read from.
// divides C: x length*H*W, columns KT*KH*KW*clips*frames*rows*OW
export function col2im<T>(
  x: usize, columns: usize, clips: i32, apart: i32, C: i32, length: i32, H: i32, W: i32, KT: i32, KH: i32, KW: i32,
  ST: i32, SH: i32, SW: i32, PT: i32, PH: i32, PW: i32, DT: i32, DH: i32, DW: i32, OW: i32,
  firstFrame: i32, frames: i32, firstRow: i32, rows: i32,
): void {
  const rowBytes = <usize>OW * sizeof<T>();
  const mapBytes = <usize>rows * rowBytes;
  const down = <usize>(SH * W) * sizeof<T>();
  const onward = <usize>(ST * H * W) * sizeof<T>();
  const next = <usize>apart * sizeof<T>();
  let from = columns;
  for (let c = 0; c < C; c++) {
    for (let k = 0; k < KT; k++) {
      const t = firstFrame * ST + k * DT - PT;
      const early = min(firstInside(t, ST), frames);
      const late = max(early, endInside(t, ST, length, frames));
      for (let i = 0; i < KH; i++) {
        const h = firstRow * SH + i * DH - PH;
        const above = min(firstInside(h, SH), rows);
        const below = max(above, endInside(h, SH, H, rows));
        for (let j = 0; j < KW; j++) {
          const begin = min(firstInside(j * DW - PW, SW), OW);
          const count = endInside(j * DW - PW, SW, W, OW) - begin;
          const first = ((c * length + t + early * ST) * H + h + above * SH) * W + begin * SW + j * DW - PW;
          let clip = x + <usize>first * sizeof<T>();
          for (let n = 0; n < clips; n++, clip += next, from += <usize>frames * mapBytes) {
            let map = from + <usize>early * mapBytes + <usize>(above * OW + begin) * sizeof<T>();
            let frame = clip;
            for (let f = early; f < late; f++, map += mapBytes, frame += onward) {
              let row = map;
              let to = frame;
              for (let r = above; r < below; r++, row += rowBytes, to += down) {
                scatterStrided<T>(row, to, count, SW);
              }
            }
          }
        }
      }
    }
  }
}

// y[c, p] = max(y[c, p] + b[c], floor) for p < P: the bias alone with floor = -infinity, relu too
// with 0. Rows of y lie `stride` elements apart.
// divides C: y stride, b
export function addBias<T>(y: usize, b: usize, C: i32, P: i32, stride: i32, floor: T): void {
  const low = v128.splat<T>(floor);
  const whole = P - (P % lanes<T>());
  for (let c = 0; c < C; c++) {
    const bias = load<T>(b + <usize>c * sizeof<T>());
    const v = v128.splat<T>(bias);
    const plane = y + <usize>c * stride * sizeof<T>();
    for (let p = 0; p < whole; p += lanes<T>()) {
      const o = plane + <usize>p * sizeof<T>();
      // pmax is one instruction where max takes seven, and keeps a NaN in its first argument.
      v128.store(o, v128.pmax<T>(v128.add<T>(v128.load(o), v), low));
    }
    for (let p = whole; p < P; p++) {
      const o = plane + <usize>p * sizeof<T>();
      store<T>(o, max<T>(load<T>(o) + bias, floor));
    }
  }
}

// db[c] += sum over p of dy[c, p].
// divides C: dy P, db
export function addBiasBackward<T>(dy: usize, db: usize, C: i32, P: i32): void {
  const whole = P - (P % lanes<T>());
  for (let c = 0; c < C; c++) {
    const plane = dy + <usize>c * P * sizeof<T>();
    let v = v128.splat<T>(0);
    for (let p = 0; p < whole; p += lanes<T>()) {
      v = v128.add<T>(v, v128.load(plane + <usize>p * sizeof<T>()));
    }
    let sum: T = sumLanes<T>(v);
    for (let p = whole; p < P; p++) sum += load<T>(plane + <usize>p * sizeof<T>());
    const to = db + <usize>c * sizeof<T>();
    store<T>(to, load<T>(to) + sum);
  }
}
