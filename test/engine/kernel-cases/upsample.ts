import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const planes = 2;
const [H, OH] = [3, 5];

/** Any columns in any order: the kernels take what the tables say. */
const outputWidth = (s: Setup) => s.n + 2;
const table = (s: Setup, count: number, below: number) =>
  Int32Array.from({ length: count }, () => s.random.integer(below));
const tables = (s: Setup) => ({ rows: table(s, OH, H), columns: table(s, outputWidth(s), s.n) });
const sizes = (s: Setup) => [planes, H, s.n, OH, outputWidth(s)] as const;
const inputs = (s: Setup) => planes * H * s.n;
const outputs = (s: Setup) => planes * OH * outputWidth(s);
/** Shares at the ends and between them. */
const shares = (s: Setup, count: number) =>
  s.floats(count).map((value, i) => (i % 3 === 0 ? i % 2 : Math.abs(Math.sin(value))));

/** Every place of the result: its index, its plane, row and column. */
function each(s: Setup, visit: (output: number, p: number, r: number, q: number) => void): void {
  for (let output = 0; output < outputs(s); output++) {
    const [line, q] = [Math.floor(output / outputWidth(s)), output % outputWidth(s)];
    visit(output, Math.floor(line / OH), line % OH, q);
  }
}

/** The four pixels of a place between them, with their shares. */
function corners(
  s: Setup,
  [i, u]: readonly [number, number],
  [j, v]: readonly [number, number],
  p: number,
): [index: number, share: number][] {
  const rows = [
    [i, 1 - u],
    [Math.min(i + 1, H - 1), u],
  ] as const;
  const columns = [
    [j, 1 - v],
    [Math.min(j + 1, s.n - 1), v],
  ] as const;
  return rows.flatMap(([h, a]) =>
    columns.map(([w, b]): [number, number] => [(p * H + h) * s.n + w, a * b]),
  );
}

export const upsample: Record<string, KernelCase[]> = {
  upsampleNearest: [
    kernelCase({
      arrays: (s) => ({ ...tables(s), x: s.floats(inputs(s)), y: s.floats(outputs(s)) }),
      run: (k, on, s) => k.upsampleNearest(on.x, on.y, on.rows, on.columns, ...sizes(s)),
      reference: ({ x, y, rows, columns }, s) =>
        each(s, (output, p, r, q) => {
          y[output] = at(x, (p * H + at(rows, r)) * s.n + at(columns, q));
        }),
    }),
  ],
  upsampleNearestBackward: [
    kernelCase({
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => ({ ...tables(s), dy: s.floats(outputs(s)), dx: s.floats(inputs(s)) }),
      run: (k, on, s) => k.upsampleNearestBackward(on.dy, on.dx, on.rows, on.columns, ...sizes(s)),
      reference: ({ dy, dx, rows, columns }, s) => {
        dx.fill(0);
        each(s, (output, p, r, q) => {
          const source = (p * H + at(rows, r)) * s.n + at(columns, q);
          dx[source] = at(dx, source) + at(dy, output);
        });
      },
    }),
  ],
  upsampleBilinear: [
    kernelCase({
      extremes: 'none',
      tolerance: approximately,
      arrays: (s) => ({
        ...tables(s),
        rowShares: shares(s, OH),
        columnShares: shares(s, outputWidth(s)),
        x: s.floats(inputs(s)),
        y: s.floats(outputs(s)),
      }),
      run: (k, on, s) => {
        const { x, y, rows, rowShares, columns, columnShares } = on;
        k.upsampleBilinear(x, y, rows, rowShares, columns, columnShares, ...sizes(s));
      },
      reference: ({ x, y, rows, rowShares, columns, columnShares }, s) =>
        each(s, (output, p, r, q) => {
          const row = [at(rows, r), at(rowShares, r)] as const;
          const column = [at(columns, q), at(columnShares, q)] as const;
          const parts = corners(s, row, column, p);
          y[output] = parts.reduce((sum, [index, share]) => sum + share * at(x, index), 0);
        }),
    }),
  ],
  upsampleBilinearBackward: [
    kernelCase({
      extremes: 'none',
      tolerance: approximately,
      arrays: (s) => ({
        ...tables(s),
        rowShares: shares(s, OH),
        columnShares: shares(s, outputWidth(s)),
        dy: s.floats(outputs(s)),
        dx: s.floats(inputs(s)),
      }),
      run: (k, on, s) => {
        const { dy, dx, rows, rowShares, columns, columnShares } = on;
        k.upsampleBilinearBackward(dy, dx, rows, rowShares, columns, columnShares, ...sizes(s));
      },
      reference: ({ dy, dx, rows, rowShares, columns, columnShares }, s) => {
        dx.fill(0);
        each(s, (output, p, r, q) => {
          const row = [at(rows, r), at(rowShares, r)] as const;
          const column = [at(columns, q), at(columnShares, q)] as const;
          for (const [index, share] of corners(s, row, column, p)) {
            dx[index] = at(dx, index) + share * at(dy, output);
          }
        });
      },
    }),
  ],
};
