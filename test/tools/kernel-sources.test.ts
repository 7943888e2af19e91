import { expect, test } from 'vitest';
import { exportsOf, readKernels, signaturesOf } from '../../tools/kernel-sources.mjs';

/** The kernels of one file with this text. */
const read = (text: string) => readKernels([{ path: 'kernels/some.ts', text }]);
/** A kernel, the rule above it in line 2. */
const topRows = (rule: string, more = '') => `import { lanes } from './shared/simd';
${rule}
export function topRows<T>(
  x: usize, places: usize, row: usize, scale: T, rows: i32, n: i32, k: i32,
): void {
}
${more}`;
const rowBytes = `export function rowBytes<T>(n: i32): usize {
  return n * sizeof<T>();
}
`;

test('a kernel becomes an export for each element type', () => {
  const kernels = read(topRows('', rowBytes));
  expect(exportsOf(kernels)).toBe(`import { topRows } from './some';
import { rowBytes } from './some';
export function topRows_f32(x: usize, places: usize, row: usize, scale: f32, rows: i32, n: i32, k: i32): void {
  topRows<f32>(x, places, row, scale, rows, n, k);
}
export function topRows_f64(x: usize, places: usize, row: usize, scale: f64, rows: i32, n: i32, k: i32): void {
  topRows<f64>(x, places, row, scale, rows, n, k);
}
export function rowBytes_f32(n: i32): usize {
  return rowBytes<f32>(n);
}
export function rowBytes_f64(n: i32): usize {
  return rowBytes<f64>(n);
}
`);
  expect(signaturesOf(read(rowBytes.replace('n: i32', 'x: usize, s: T')))).toBe(
    `  rowBytes_f32(x: HeapArray, s: number): number;
  rowBytes_f64(x: HeapArray, s: number): number;`,
  );
});

test('the line above a kernel says how it divides', () => {
  const rule = '// divides rows by 4: x n, places 2*k*i32; row of rowBytes';
  const [kernel, bytes] = read(topRows(rule, rowBytes));
  expect(kernel?.division).toEqual({
    count: 4,
    step: 4,
    moves: [
      { pointer: 0, elements: 1, by: [5] },
      { pointer: 1, elements: 2, bytes: 4, by: [6] },
    ],
    scratch: { at: 2, bytes: 'rowBytes', from: [5] },
  });
  expect(bytes?.division).toBeUndefined();
  const [one] = read(topRows('// divides rows: x, places f64'));
  expect(one?.division).toEqual({
    count: 4,
    step: 1,
    moves: [
      { pointer: 0, elements: 1, by: [] },
      { pointer: 1, elements: 1, bytes: 8, by: [] },
    ],
  });
});

const has = 'topRows(x: usize, places: usize, row: usize, scale: T, rows: i32, n: i32, k: i32)';
test.each([
  ['// divides lines: x n', `the rule names lines, no i32 of ${has}`],
  ['// divides x: x n', `the rule names x, no i32 of ${has}`],
  ['// divides rows: y n', `the rule names y, no usize of ${has}`],
  ['// divides rows: rows n', `the rule names rows, no usize of ${has}`],
  ['// divides rows: x m', `the rule names m, no i32 of ${has}`],
  ['// divides rows: x n*i16', `the rule names i16, no i32 of ${has}`],
  ['// divides rows: x n; line of rowBytes', `the rule names line, no usize of ${has}`],
  ['// divides rows: x n; row of nBytes', 'the rule of topRows names nBytes, which is no kernel'],
  ['// divides rows: x n; row of other', `the rule names y, no usize of ${has}`],
  ['// divides rows: x n, x n', 'the rule moves x of topRows twice'],
  ['// divides rows: x i32*u8', 'x of topRows moves by i32 and u8'],
  ['// divides rows by 0: x n', 'topRows divides by 0: parts begin at a multiple of 1 or more'],
  ...[
    '// divides rows',
    '// divides rows: x n k',
    '// Divides rows: x n.',
    '//divides rows: x',
  ].map((rule) => [
    rule,
    `\`${rule}\` above topRows is no rule like \`// divides rows by 4: x n, places k*i32; scratch of someScratchBytes\``,
  ]),
])('%s is refused', (rule, message) => {
  const other = 'export function other<T>(y: usize): usize {\n}\n';
  expect(() => read(topRows(rule, rowBytes + other))).toThrow(
    new Error(`kernels/some.ts:2: ${message}`),
  );
});

test.each([
  [
    '// divides n: x\n\nexport function f<T>(x: usize, n: i32): void {\n',
    /^kernels\/some.ts:1: a rule .* none follows$/,
  ],
  [
    '\nexport function f(x: usize): void {\n',
    /^kernels\/some.ts:2: only kernels are exported here/,
  ],
  ['export const A = 1;\n', /^kernels\/some.ts:1: only kernels are exported here/],
  ['export function f<T>(x: bool): void {\n', /^kernels\/some.ts:1: f has the parameter `x: bool`/],
  ['export function f<T>(x: usize): bool {\n', /^kernels\/some.ts:1: f returns bool/],
  [
    rowBytes + rowBytes,
    /^kernels\/some.ts:4: another kernel is called rowBytes: kernels\/some.ts:1$/,
  ],
])('%j is no file of kernels', (text, message) => {
  expect(() => read(text)).toThrow(message);
});
