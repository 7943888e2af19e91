// Images in another size: every place of y (planes, OH, OW) reads places of x (planes, H, W) that tables
// name, one entry for each row and each column of y.

// @ts-ignore: decorator
@inline
function entry(table: usize, i: i32): i32 {
  return load<i32>(table + (<usize>i << 2));
}

// y[p, r, q] = x[p, rows[r], columns[q]]; rows (OH) and columns (OW) are i32.
// divides planes: x H*W, y OH*OW
export function upsampleNearest<T>(
  x: usize, y: usize, rows: usize, columns: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  let to = y;
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const row = x + <usize>((p * H + entry(rows, r)) * W) * sizeof<T>();
      for (let q = 0; q < OW; q++) {
        store<T>(to, load<T>(row + <usize>entry(columns, q) * sizeof<T>()));
        to += sizeof<T>();
      }
    }
  }
}

// dx[p, rows[r], columns[q]] += dy[p, r, q], from zero.
// divides planes: dx H*W, dy OH*OW
export function upsampleNearestBackward<T>(
  dy: usize, dx: usize, rows: usize, columns: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  memory.fill(dx, 0, <usize>(planes * H * W) * sizeof<T>());
  let from = dy;
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const row = dx + <usize>((p * H + entry(rows, r)) * W) * sizeof<T>();
      for (let q = 0; q < OW; q++) {
        const to = row + <usize>entry(columns, q) * sizeof<T>();
        store<T>(to, load<T>(to) + load<T>(from));
        from += sizeof<T>();
      }
    }
  }
}

// Between rows i = rows[r] and i + 1 by the share u = rowShares[r] of the latter, and between such columns;
// beyond the last row or column that one stands in.
// y[p, r, q] = (1 - u) ((1 - v) x[p, i, j] + v x[p, i, j + 1]) + u ((1 - v) x[p, i + 1, j] + v x[p, i + 1, j + 1])
// `backward` sends dy (in y) to dx (in x) by the same weights.
// @ts-ignore: decorator
@inline
function eachBilinear<T>(
  backward: bool, x: usize, y: usize, rows: usize, rowShares: usize, columns: usize, columnShares: usize,
  planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  if (backward) memory.fill(x, 0, <usize>(planes * H * W) * sizeof<T>());
  let at = y;
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < OH; r++) {
      const i = entry(rows, r);
      const upper = x + <usize>((p * H + i) * W) * sizeof<T>();
      const lower = x + <usize>((p * H + min(i + 1, H - 1)) * W) * sizeof<T>();
      const u = load<T>(rowShares + <usize>r * sizeof<T>());
      for (let q = 0; q < OW; q++) {
        const j = entry(columns, q);
        const left = <usize>j * sizeof<T>();
        const right = <usize>min(j + 1, W - 1) * sizeof<T>();
        const v = load<T>(columnShares + <usize>q * sizeof<T>());
        if (backward) {
          const d = load<T>(at);
          const above: T = (<T>1 - u) * d;
          const below: T = u * d;
          store<T>(upper + left, load<T>(upper + left) + (<T>1 - v) * above);
          store<T>(upper + right, load<T>(upper + right) + v * above);
          store<T>(lower + left, load<T>(lower + left) + (<T>1 - v) * below);
          store<T>(lower + right, load<T>(lower + right) + v * below);
        } else {
          const above: T = (<T>1 - v) * load<T>(upper + left) + v * load<T>(upper + right);
          const below: T = (<T>1 - v) * load<T>(lower + left) + v * load<T>(lower + right);
          store<T>(at, (<T>1 - u) * above + u * below);
        }
        at += sizeof<T>();
      }
    }
  }
}
// divides planes: x H*W, y OH*OW
export function upsampleBilinear<T>(
  x: usize, y: usize, rows: usize, rowShares: usize, columns: usize, columnShares: usize,
  planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  eachBilinear<T>(false, x, y, rows, rowShares, columns, columnShares, planes, H, W, OH, OW);
}
// divides planes: dx H*W, dy OH*OW
export function upsampleBilinearBackward<T>(
  dy: usize, dx: usize, rows: usize, rowShares: usize, columns: usize, columnShares: usize,
  planes: i32, H: i32, W: i32, OH: i32, OW: i32,
): void {
  eachBilinear<T>(true, dx, dy, rows, rowShares, columns, columnShares, planes, H, W, OH, OW);
}
